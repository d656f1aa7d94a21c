import type { HooksConfig } from '../../../platform/config/config.ts';
import type { GuardedFetch } from '../../../platform/net/guarded-fetch.ts';

/** Whom operators want to be asked or told, and how these know that it is this server. */
export interface HooksParts {
  config: HooksConfig;
  secret: string;
  fetch: GuardedFetch;
}
