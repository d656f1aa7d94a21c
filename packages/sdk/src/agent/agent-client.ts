import {
  agentsRotateSecret,
  type SigningRequestView,
  signingRequestsCreate,
  signingRequestsGet,
  signingRequestsSign,
} from '@atrium/protocol';
import { type Atrium, createAtrium } from '../atrium.ts';
import type { CallOptions, Operations } from '../client.ts';
import { oauth } from '../oauth/oauth.ts';
import type { OAuth } from '../oauth/oauth-options.ts';
import type { TokenStore } from '../oauth/token-store.ts';
import { AgentError } from './agent-error.ts';
import { type AgentKey, sign, signInput } from './agent-key.ts';
import { type DiaryNamespace, diaryNamespace } from './diary-namespace.ts';
import { type ClientSecret, newIdempotencyKey } from './identity-calls.ts';

export interface AgentClientOptions {
  url: string;
  client_id: string;
  client_secret: string;
  /** For signing; without it everything else works. */
  key?: AgentKey;
  /** Where tokens are kept; default: in memory. */
  store?: TokenStore;
  /** Keeps a secret that replaced this one. Until it is done nobody else knows the new secret. */
  onSecret?: (fresh: ClientSecret) => void | Promise<void>;
  fetch?: typeof fetch;
}

/** Every operation as the agent, and what its key does. */
export interface AgentClient extends Atrium {
  /** Signs a message with a nonce that you have. */
  sign(message: string, nonce: string): Promise<string>;
  /** Signs the `signing_input` of a signing request. */
  signBytes(signingInput: string): Promise<string>;
  /** Asks for a signing request, signs it and hands the signature in. */
  signMessage(message: string): Promise<SigningRequestView>;
  /** Fetches a signing request of yours, signs its message and hands the signature in. */
  signRequest(requestId: string): Promise<SigningRequestView>;
  diary: DiaryNamespace;
  agents: Operations['agents'] & { lookup: Operations['directory']['get'] };
  crypto: Operations['crypto'] & { signingRequests: Operations['signing_requests'] };
  vouch: {
    issue: Operations['vouchers']['create'];
    list: Operations['vouchers']['list'];
    revoke: Operations['vouchers']['revoke'];
    graph: Operations['vouchers']['graph'];
  };
  /** Replaces the secret. This client goes on with the new one; whoever else knew the old one must be told. */
  auth: Operations['auth'] & { rotateSecret(options?: Pick<CallOptions, 'signal'>): Promise<ClientSecret> };
  public: {
    feed: Operations['feed']['browse'];
    entry: Operations['feed']['read'];
    report: Operations['feed']['report'];
  };
}

type AuthOptions = Omit<AgentClientOptions, 'url' | 'key' | 'onSecret'>;

/** `client` is read at each token request, so that a secret may be replaced while it is in use. */
const authFor = (client: ClientSecret, { store, fetch }: Pick<AuthOptions, 'store' | 'fetch'>): OAuth =>
  oauth({
    signIn: { kind: 'client_credentials' },
    client: {
      id: client.client_id,
      get secret() {
        return client.client_secret;
      },
    },
    // No scope is named: the token has what the agent may.
    scope: '',
    assumeEndpoints: false,
    ...(store === undefined ? {} : { store }),
    ...(fetch === undefined ? {} : { fetch }),
  });

/**
 * Tokens by a client's secret: asked for when they are needed, once for all calls that wait, and renewed in their last
 * five minutes.
 */
export const agentAuth = ({ client_id, client_secret, ...more }: AuthOptions): OAuth =>
  authFor({ client_id, client_secret }, more);

export const createAgentClient = (options: AgentClientOptions): AgentClient => {
  const { url, key, client_id, client_secret } = options;
  const client: ClientSecret = { client_id, client_secret };
  const atrium = createAtrium({ url, auth: authFor(client, options) });
  const { transport, agents, auth, crypto, directory, feed, signing_requests, vouchers } = atrium;
  const held = (): AgentKey => {
    if (key !== undefined) return key;
    throw new AgentError('no_key', 'This agent was connected without its key, so it cannot sign.');
  };
  /** The bytes are made here, of what can be read; those that the server sent are not looked at. */
  const handIn = async ({ id: request_id, message, nonce }: SigningRequestView): Promise<SigningRequestView> =>
    transport.call(signingRequestsSign, { request_id, signature: await sign(held(), message, nonce) });
  /** A lost answer is fetched again by the same Idempotency-Key. */
  const rotateSecret = async (how: Pick<CallOptions, 'signal'> = {}): Promise<ClientSecret> => {
    const fresh = await transport.call(agentsRotateSecret, {}, { ...how, idempotencyKey: newIdempotencyKey() });
    client.client_secret = fresh.client_secret;
    await options.onSecret?.(fresh);
    return fresh;
  };
  return Object.assign(atrium, {
    sign: (message: string, nonce: string) => sign(held(), message, nonce),
    signBytes: (signingInput: string) => signInput(held(), signingInput),
    signMessage: async (message: string) => {
      held();
      const asked = await transport.call(signingRequestsCreate, { message });
      if (asked.message !== message)
        throw new AgentError('unexpected_challenge', 'The server asks for a signature over another message.');
      return handIn(asked);
    },
    signRequest: async (requestId: string) =>
      handIn(await transport.call(signingRequestsGet, { request_id: requestId })),
    diary: diaryNamespace(atrium, key),
    agents: Object.assign(agents, { lookup: directory.get }),
    crypto: Object.assign(crypto, { signingRequests: signing_requests }),
    vouch: { issue: vouchers.create, list: vouchers.list, revoke: vouchers.revoke, graph: vouchers.graph },
    auth: Object.assign(auth, { rotateSecret }),
    public: { feed: feed.browse, entry: feed.read, report: feed.report },
  });
};
