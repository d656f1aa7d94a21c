import type * as Engine from 'oidc-provider';
import type * as Grants from 'oidc-provider/lib/helpers/grants.js';
import type * as PageErrors from 'oidc-provider/lib/helpers/re_render_errors.js';

/** These are there once `loadEngine` has ended; whoever lets the engine work waits for that first. */
export let Provider: typeof Engine.Provider;
export let errors: typeof Engine.errors;
export let interactionPolicy: typeof Engine.interactionPolicy;
export let grantHelpers: typeof Grants;
export let AlreadyUsedError: typeof PageErrors.AlreadyUsedError;

/**
 * The engine tells a supported runtime by the name of its LTS line and prints a warning otherwise, also on newer builds of
 * Node that carry no such name; Atrium itself refuses the older ones at start.
 */
const quietly = async <T>(load: () => Promise<T>): Promise<T> => {
  const release = process.release as { lts?: string };
  const unnamed = release.lts === undefined && Number.parseInt(process.versions.node, 10) >= 22;
  if (unnamed) release.lts = 'Jod';
  try {
    return await load();
  } finally {
    if (unnamed) delete release.lts;
  }
};

const load = async (): Promise<void> => {
  const engine = await quietly(() => import('oidc-provider'));
  grantHelpers = await import('oidc-provider/lib/helpers/grants.js');
  ({ AlreadyUsedError } = await import('oidc-provider/lib/helpers/re_render_errors.js'));
  ({ Provider, errors, interactionPolicy } = engine);
};

let loading: Promise<void> | null = null;

/** Many servers never see a client of OAuth, and the engine is two hundred files and 8 MB: it comes with the first one. */
export const loadEngine = (): Promise<void> => {
  loading ??= load().catch((error: unknown) => {
    // A machine that was short of something for a moment gets another chance.
    loading = null;
    throw error;
  });
  return loading;
};
