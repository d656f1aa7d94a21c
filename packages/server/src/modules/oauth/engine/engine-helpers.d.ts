/** Helpers that the engine's own grants use. Its version is pinned to a patch range, so they stay what they are. */
declare module 'oidc-provider/lib/helpers/grants.js' {
  import type { X509Certificate } from 'node:crypto';
  import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

  export interface Proof {
    thumbprint: string;
    jti: string;
  }

  export function validateDpop(provider: Provider, ctx: KoaContextWithOIDC): Promise<Proof | undefined>;
  export function checkDpopReplay(
    provider: Provider,
    ctx: KoaContextWithOIDC,
    proof: Proof | undefined,
    clientId: string,
  ): Promise<void>;
  /** The certificate, when tokens of the client must be bound to one. */
  export function checkMtlsCert(provider: Provider, ctx: KoaContextWithOIDC): X509Certificate | undefined;
  export function checkDpopRequired(provider: Provider, ctx: KoaContextWithOIDC, proof: Proof | undefined): void;
}

/** Answers of the device page that the page shows itself instead of an error. */
declare module 'oidc-provider/lib/helpers/re_render_errors.js' {
  export class AlreadyUsedError extends Error {
    constructor(userCode?: string);
  }
}
