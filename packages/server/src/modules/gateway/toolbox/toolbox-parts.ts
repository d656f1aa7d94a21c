import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import { ServiceRefusal } from '../../../platform/net/service-client.ts';
import type { AppMaker } from '../discovery/app-maker.ts';
import type { DockerEndpoint } from '../runtime/docker-api.ts';
import { DockerDeploying } from '../runtime/docker-deploying.ts';
import type { Catalogue } from './catalogue.ts';

export interface ToolboxSettings {
  enabled: boolean;
  /** As this process sees it. */
  data_dir: string;
  /** As the engine sees it. */
  host_data_dir: string;
  auto_route: boolean;
  auto_start: boolean;
}

export interface ToolboxParts {
  database: Database;
  clock: Clock;
  secrets: { encrypt: (plain: string, aad: string) => string; decrypt: (sealed: string, aad: string) => string };
  catalogue: Catalogue;
  settings: () => ToolboxSettings;
  engine: () => DockerEndpoint;
  maker: AppMaker;
  /** Where people will open an app of that slug. */
  addressOf: (slug: string) => string;
  /** Ids of the container that this process runs in; none outside of one. */
  own_ids: readonly string[];
  onError: (error: unknown, what: string) => void;
}

/** Binds sealed texts to their row. */
export const deploymentPlace = (id: string): string => `gateway.deployment:${id}`;

/** What the engine said, or that it said nothing, in one sentence. */
export const engineWords = (error: unknown): string => {
  if (error instanceof ServiceRefusal) return `Docker answered ${error.message}`;
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOENT') return 'There is no socket of Docker at that path';
  if (code === 'EACCES') return 'This server may not use the socket of Docker';
  return `Docker cannot be reached: ${error instanceof Error ? error.message : String(error)}`;
};

/** One connection for one piece of work. What the engine says becomes an error of ours where a caller waits. */
export const askEngine = async <T>(
  parts: Pick<ToolboxParts, 'engine'>,
  signal: AbortSignal,
  act: (engine: DockerDeploying) => Promise<T>,
): Promise<T> => {
  let engine: DockerDeploying | null = null;
  try {
    engine = await DockerDeploying.open(parts.engine(), signal);
    return await act(engine);
  } catch (error) {
    if (error instanceof AppError || signal.aborted) throw error;
    throw new AppError('toolbox_engine_unavailable', `${engineWords(error)}.`, { cause: error });
  } finally {
    await engine?.close();
  }
};
