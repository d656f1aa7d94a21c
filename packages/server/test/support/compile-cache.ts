import { resolve } from 'node:path';

/** For programs that tests start again and again: they need not strip and compile the same code each time, as with `npm start`. */
export const compileCache = {
  NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../../../../node_modules/.cache/atrium-tests'),
};
