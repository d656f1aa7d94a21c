import type { FormBrowser } from './form-browser.ts';
import { redirect } from './oauth-world.ts';
import { password } from './people.ts';
import type { Json } from './rest-client.ts';

/** What a program keeps of its authorization for the MCP SDKs; the browser it opens is played by one without script. */
export class McpKeeper {
  readonly redirectUrl = redirect;
  /** A client that is a document names it here; others register. */
  readonly clientMetadataUrl: string | undefined;
  information: Json;
  kept: Json;
  verifier = '';
  code: string | null = null;
  answer: URL | null = null;
  readonly #open: () => FormBrowser;
  readonly #email: string;

  constructor(open: () => FormBrowser, person: { email: string }, clientMetadataUrl?: string) {
    this.#open = open;
    this.#email = person.email;
    this.clientMetadataUrl = clientMetadataUrl;
  }

  get clientMetadata(): Json {
    return {
      client_name: 'SDK client',
      redirect_uris: [redirect],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  state = () => 'kept-state';
  clientInformation = () => this.information;
  saveClientInformation = (information: Json) => {
    this.information = information;
  };
  tokens = () => this.kept;
  saveTokens = (tokens: Json) => {
    this.kept = tokens;
  };
  saveCodeVerifier = (verifier: string) => {
    this.verifier = verifier;
  };
  codeVerifier = () => this.verifier;
  redirectToAuthorization = async (url: URL) => {
    this.answer = await this.#open().authorize(url.href, { email: this.#email, password });
    this.code = this.answer.searchParams.get('code');
  };
}
