/** Stands where the server imports its settings of the engine; see mounted.ts. */
import { engineConfig as ours } from '../../../src/modules/oauth/engine/engine-config.ts';
import { mergedWithAsked } from './mounted.ts';

export const engineConfig: typeof ours = (...given) => mergedWithAsked(ours(...given));
