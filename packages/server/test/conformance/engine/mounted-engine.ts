/** Stands where the module makes its engine; see mounted.ts. */
export { captureEngine as createEngine } from './mounted.ts';
