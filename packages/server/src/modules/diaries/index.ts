/**
 * Owns diary_* tables: diaries, their entries and history, shares, relation tuples. Announces `diary.*` events, each heard by
 * those only who may read the diary at that moment. Who somebody is and which team they are in is asked of identity.
 */
export { createDiariesModule, type DiariesModule } from './diaries-module.ts';
export { type Embedder, EmbeddingError } from './embedder.ts';
export { createEndpointEmbedder } from './endpoint-embedder.ts';
export type { InvitationAsker } from './invitation-board.ts';
export { openDirectoryEmbedder } from './model/directory-embedder.ts';
