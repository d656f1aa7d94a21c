import { AppError } from '../../../platform/errors/app-error.ts';
import type { ScriptsParts } from './scripts-parts.ts';

/** Names the setting that switches scripts on. */
export const requireEnabled = ({ settings }: Pick<ScriptsParts, 'settings'>): void => {
  if (settings().enabled) return;
  throw new AppError(
    'feature_disabled',
    'Scripts are switched off. An operator switches them on with `scripts.enabled: true` in atrium.yaml, or ATRIUM_SCRIPTS_ENABLED=true.',
    { extensions: { key: 'scripts.enabled' } },
  );
};

const isDuplicate = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === '23505';

export const namedOnce = async <T>(what: string, act: Promise<T>): Promise<T> => {
  try {
    return await act;
  } catch (error) {
    if (isDuplicate(error)) throw new AppError('name_taken', `Another ${what} has this name.`, { cause: error });
    throw error;
  }
};

export const requireVersion = (row: { version: number }, version: number | undefined): void => {
  if (version !== undefined && version !== row.version)
    throw new AppError('generation_conflict', 'It was changed meanwhile; read it again.', {
      extensions: { version: row.version },
    });
};

export const inUse = (what: string, names: readonly string[]): AppError =>
  new AppError('in_use', `${what} is needed by ${names.join(', ')}. Change or remove that first.`);
