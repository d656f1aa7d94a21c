import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client, Provider as EngineProvider } from 'oidc-provider';
import type { Clock } from '../../../platform/clock/clock.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { hashToken, timingSafeEqualText } from '../../../platform/secrets/tokens.ts';
import type { LoadedKeys } from '../keys/key-ring.ts';
import { type LogoutCall, queueLogoutCall } from '../logout/logout-calls.ts';
import { installSessionState } from '../logout/session-state.ts';
import { replaysStore } from '../stores/revocations-store.ts';
import type { ClientGuesses } from './client-guesses.ts';
import { type EngineParts, engineConfig } from './engine-config.ts';
import { installMiddleware } from './engine-middleware.ts';
import { errors, Provider } from './oidc-provider.ts';
import { currentScope } from './request-scope.ts';

export type EngineHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface Engine {
  provider: EngineProvider;
  handle: EngineHandler;
  /** Tells a client by a signed token, made now, that somebody signed out. */
  sendLogout: (call: LogoutCall) => Promise<void>;
}

interface LogoutSender {
  backchannelLogout(this: Client, subject: string, sid: string): Promise<void>;
}

/** A row in the table is the proof: two requests at once cannot both write it. */
export const claimOnce = async (issuer: string, jti: string, exp: number): Promise<boolean> => {
  const scope = currentScope();
  const proof = scope.dpop_jti === jti;
  const first = await scope.write((tx) =>
    replaysStore.claim(tx.db, {
      issuer,
      jti_hash: createHash('sha256').update(jti).digest('hex'),
      kind: proof ? 'dpop' : 'client_assertion',
      expires_at: new Date(exp * 1000),
    }),
  );
  if (!first && proof) throw new errors.InvalidDpopProof('the proof was used before');
  return first;
};

/** Where the engine does what we do otherwise: ids of grants, secrets as hashes, replays in one statement, calls as jobs. */
const adapt = (provider: EngineProvider, clock: Clock): { sendLogout: Engine['sendLogout'] } => {
  const { backchannelLogout } = provider.Client.prototype as unknown as LogoutSender;
  Object.defineProperty(provider.Client.prototype, 'backchannelLogout', {
    value(this: Client, subject: string, sid: string) {
      return queueLogoutCall({ client_id: this.clientId, subject, sid }, clock);
    },
  });
  Object.defineProperty(provider.Grant.prototype, 'generateTokenId', { value: newId });
  Object.defineProperty(provider.Client.prototype, 'compareClientSecret', {
    value(this: { clientSecret?: string }, actual: string) {
      return this.clientSecret !== undefined && timingSafeEqualText(hashToken(actual), this.clientSecret);
    },
  });
  Object.defineProperty(provider.ReplayDetection, 'unique', { value: claimOnce });
  return {
    sendLogout: async ({ client_id, subject, sid }) => {
      const client = await provider.Client.find(client_id);
      // Deleted, switched off, or no longer interested.
      if (client?.backchannelLogoutUri === undefined) return;
      await backchannelLogout.call(client, subject, sid);
    },
  };
};

/** The engine for the keys and the address of this moment; a change of keys takes another one. */
export const createEngine = (
  parts: EngineParts,
  keys: LoadedKeys,
  guesses: ClientGuesses,
  extend: (provider: EngineProvider) => void,
): Engine => {
  const issuer = parts.public_url();
  const provider = new Provider(issuer, engineConfig(parts, keys, issuer));
  provider.proxy = true;
  const { sendLogout } = adapt(provider, parts.clock);
  extend(provider);
  provider.on('server_error', (_ctx, error) => parts.onError(error, 'the authorization server failed'));
  provider.on('backchannel.error', (_ctx, error, client) =>
    parts.onError(error, `the logout call to client ${client.clientId} could not be stored`),
  );
  const { clock, clients, count, told, refused, onError } = parts;
  const { frontChannelLogout, sessionIframe } = parts.config;
  if (sessionIframe) installSessionState(provider, parts.keysFor('oauth session state')[0]);
  const watched = { clock, clients, guesses, count, told, refused, onError };
  installMiddleware(provider, { ...watched, frontChannelLogout, sessionIframe });
  return { provider, sendLogout, handle: provider.callback() as EngineHandler };
};
