import { resolve } from 'node:path';
import {
  createEndpointEmbedder,
  type Embedder,
  EmbeddingError,
  openDirectoryEmbedder,
} from '../modules/diaries/index.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import type { Logger } from '../platform/telemetry/logger.ts';

/** The model that diaries are searched with; null when nothing names one. */
export const openEmbedder = async ({ config, secrets }: ConfigValues, log?: Logger): Promise<Embedder | null> => {
  const { embeddings } = config;
  if (embeddings === null) return null;
  if (embeddings.kind === 'server')
    return createEndpointEmbedder({ ...embeddings, key: secrets.embeddingsKey?.reveal() ?? null });
  try {
    const path = resolve(embeddings.path);
    return await openDirectoryEmbedder({
      ...{ path, prefixes: embeddings.prefixes },
      onLoaded: (runtime) => log?.info({ path, runtime }, 'the model of the diaries is loaded'),
      onBroken: (problem) => log?.error({ path }, `diaries are searched by words alone. ${problem}`),
    });
  } catch (cause) {
    if (!(cause instanceof EmbeddingError)) throw cause;
    throw new StartupError(`ATRIUM_EMBEDDINGS_DIR: ${cause.message}`, { cause });
  }
};
