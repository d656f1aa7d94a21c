/** Stands where the suite imports the engine's class: what it makes is an engine of this server; see mounted.ts. */
import * as engine from 'oidc-provider';
import { createProvider } from './mounted.ts';

const Mounted = new Proxy(engine.Provider, {
  construct: (_class, [issuer, configuration]) => createProvider(issuer as string, configuration as never),
});

// biome-ignore lint/style/noDefaultExport: so the suite imports it
export { Mounted as default, Mounted as Provider };
export const { errors, interactionPolicy, ExternalSigningKey } = engine;
