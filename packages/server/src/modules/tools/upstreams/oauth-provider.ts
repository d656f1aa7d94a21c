import {
  type OAuthClientInformationContext,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  UnauthorizedError,
} from '@modelcontextprotocol/client';

/** What is kept of a sign-in at an MCP server, sealed as one document. */
export interface OauthMemory {
  client?: StoredOAuthClientInformation;
  tokens?: StoredOAuthTokens;
  discovery?: OAuthDiscoveryState;
}

export interface OauthKeeping {
  read: () => Promise<OauthMemory>;
  write: (change: (memory: OauthMemory) => OauthMemory) => Promise<void>;
}

/** A sign-in that goes on in a browser: what has to come back with it. */
export interface BegunSignIn {
  state: string;
  verifier: string;
  url: string | null;
}

/** The memory of the official client: one person, or one organisation, at one MCP server. */
export class OauthProvider implements OAuthClientProvider {
  readonly #keeping: OauthKeeping;
  readonly #redirect: string;
  readonly #begun: BegunSignIn | null;

  /** Without `begun` nobody sits at a browser, and what needs one fails. */
  constructor(keeping: OauthKeeping, publicUrl: string, begun: BegunSignIn | null) {
    this.#keeping = keeping;
    this.#redirect = `${publicUrl.replace(/\/$/, '')}/tools/callback`;
    this.#begun = begun;
  }

  get redirectUrl(): string {
    return this.#redirect;
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'Atrium',
      redirect_uris: [this.#redirect],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state(): string {
    if (this.#begun === null) throw new UnauthorizedError('somebody has to sign in there');
    return this.#begun.state;
  }

  async clientInformation(_context?: OAuthClientInformationContext): Promise<StoredOAuthClientInformation | undefined> {
    return (await this.#keeping.read()).client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): Promise<void> {
    return this.#keeping.write((memory) => ({ ...memory, client }));
  }

  async tokens(): Promise<StoredOAuthTokens | undefined> {
    return (await this.#keeping.read()).tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): Promise<void> {
    return this.#keeping.write((memory) => ({ ...memory, tokens }));
  }

  redirectToAuthorization(url: URL): void {
    if (this.#begun === null) throw new UnauthorizedError('somebody has to sign in there');
    this.#begun.url = url.href;
  }

  saveCodeVerifier(verifier: string): void {
    if (this.#begun !== null) this.#begun.verifier = verifier;
  }

  codeVerifier(): string {
    if (this.#begun === null || this.#begun.verifier === '') throw new UnauthorizedError('no sign-in has begun');
    return this.#begun.verifier;
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): Promise<void> {
    return this.#keeping.write((memory) => ({ ...memory, discovery }));
  }

  async discoveryState(): Promise<OAuthDiscoveryState | undefined> {
    return (await this.#keeping.read()).discovery;
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): Promise<void> {
    return this.#keeping.write((memory) => {
      if (scope === 'all') return {};
      const { client, tokens, discovery } = memory;
      return {
        ...(client !== undefined && scope !== 'client' ? { client } : {}),
        ...(tokens !== undefined && scope !== 'tokens' ? { tokens } : {}),
        ...(discovery !== undefined && scope !== 'discovery' ? { discovery } : {}),
      };
    });
  }
}
