import {
  type SigningRequestView,
  signingRequestsCreate,
  signingRequestsGet,
  signingRequestsSign,
} from '@atrium/protocol';
import { type Atrium, createAtrium } from '../atrium.ts';
import { oauth } from '../oauth/oauth.ts';
import type { OAuth } from '../oauth/oauth-options.ts';
import type { TokenStore } from '../oauth/token-store.ts';
import { AgentError } from './agent-error.ts';
import { type AgentKey, sign, signInput } from './agent-key.ts';

export interface AgentClientOptions {
  url: string;
  client_id: string;
  client_secret: string;
  /** For signing; without it everything else works. */
  key?: AgentKey;
  /** Where tokens are kept; default: in memory. */
  store?: TokenStore;
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
}

/**
 * Tokens by a client's secret: asked for when they are needed, once for all calls that wait, and renewed in their last
 * five minutes.
 */
export const agentAuth = (options: Omit<AgentClientOptions, 'url' | 'key'>): OAuth => {
  const { client_id: id, client_secret: secret, store, fetch } = options;
  return oauth({
    signIn: { kind: 'client_credentials' },
    client: { id, secret },
    // No scope is named: the token has what the agent may.
    scope: '',
    assumeEndpoints: false,
    ...(store === undefined ? {} : { store }),
    ...(fetch === undefined ? {} : { fetch }),
  });
};

export const createAgentClient = (options: AgentClientOptions): AgentClient => {
  const { url, key } = options;
  const atrium = createAtrium({ url, auth: agentAuth(options) });
  const held = (): AgentKey => {
    if (key !== undefined) return key;
    throw new AgentError('no_key', 'This agent was connected without its key, so it cannot sign.');
  };
  /** The bytes are made here, of what can be read; those that the server sent are not looked at. */
  const handIn = async ({ id: request_id, message, nonce }: SigningRequestView): Promise<SigningRequestView> =>
    atrium.transport.call(signingRequestsSign, { request_id, signature: await sign(held(), message, nonce) });
  return Object.assign(atrium, {
    sign: (message: string, nonce: string) => sign(held(), message, nonce),
    signBytes: (signingInput: string) => signInput(held(), signingInput),
    signMessage: async (message: string) => {
      held();
      const asked = await atrium.transport.call(signingRequestsCreate, { message });
      if (asked.message !== message)
        throw new AgentError('unexpected_challenge', 'The server asks for a signature over another message.');
      return handIn(asked);
    },
    signRequest: async (requestId: string) =>
      handIn(await atrium.transport.call(signingRequestsGet, { request_id: requestId })),
  });
};
