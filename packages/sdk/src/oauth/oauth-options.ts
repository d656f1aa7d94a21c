import type { SignIn } from './sign-in.ts';
import type { TokenStore } from './token-store.ts';

/** Who this program is to the authorization server. Without an `id` it registers itself where it may. */
export interface OAuthClient {
  /** From the operator, or the https URL of a client ID metadata document of yours. */
  id?: string;
  secret?: string;
  /** For private_key_jwt: PKCS #8 in PEM, or a key of Web Crypto. */
  privateKey?: string | CryptoKey;
  /** `kid` of the private key, when the server knows several. */
  keyId?: string;
  /** Of a key in PEM; default ES256. */
  algorithm?: KeyAlgorithmName;
  /** The only issuer that `id` and `secret` may be sent to; default: the first one they were used with. */
  issuer?: string;
  /** Shown to people when the program registers itself. */
  name?: string;
}

export type KeyAlgorithmName = 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'RS256' | 'PS256';

export interface OAuthOptions {
  /** How a token is first obtained. Without it only stored tokens are used, and refreshed. */
  signIn?: SignIn;
  client?: OAuthClient;
  /** Scopes to ask for; default: those that the resource asks for. Empty: none are named, and the server decides. */
  scope?: string;
  /** Where tokens are kept; default: in memory. */
  store?: TokenStore;
  /** Bind tokens to a key (RFC 9449): always, never, or where the resource asks for it (the default). */
  dpop?: boolean | 'auto';
  /** Try the addresses that revision 2025-03-26 of MCP assumes when a server publishes no metadata; default true. */
  assumeEndpoints?: boolean;
  /** Replaces the global fetch. */
  fetch?: typeof fetch;
}

export interface SignInOptions {
  scope?: string;
  signal?: AbortSignal;
}

/** Tokens for one protected resource. */
export interface OAuthSession {
  /** As the global one, with a token for this resource, obtained and renewed when it is needed. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Obtains tokens now, whatever is stored. */
  signIn(options?: SignInOptions): Promise<void>;
  /** Forgets the tokens and ends them at the server. `false` when the server could not be told. */
  signOut(): Promise<boolean>;
}

/** What gives an SDK client, or any `fetch`, its tokens. */
export interface OAuth {
  /** The tokens for one resource: the URL of an MCP endpoint, or the base of an API. */
  for(resource: string): OAuthSession;
}
