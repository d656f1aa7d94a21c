import { OAuthError } from '../oauth/oauth-errors.ts';
import { proveKey } from './device-key.ts';
import type { PairedDevice } from './pair-device.ts';

type Tokens = PairedDevice['tokens'];

export interface DeviceSessionOptions {
  device: PairedDevice;
  /** Each refresh token is good once: keep the new ones before they are used. */
  keep: (tokens: Tokens) => Promise<void> | void;
  fetch?: typeof fetch;
}

/** Renewed this long before it ends. */
const earlyMs = 60_000;

/** Requests of a paired device: each with its token and a proof of its key, the token renewed when it is about to end. */
export class DeviceSession {
  readonly #device: PairedDevice;
  readonly #options: DeviceSessionOptions;
  #tokens: Tokens;
  #renewing: Promise<Tokens> | null = null;

  constructor(options: DeviceSessionOptions) {
    this.#options = options;
    this.#device = options.device;
    this.#tokens = options.device.tokens;
  }

  /** Of the server, or of an app behind it: a path, or an address below the server's. */
  readonly fetch = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(path, this.#device.url);
    if (url.origin !== new URL(this.#device.url).origin)
      throw new TypeError('The token of a device goes to its own server alone.');
    const { access_token } = await this.#live();
    const method = init.method ?? 'GET';
    const headers = new Headers(init.headers);
    headers.set('authorization', `DPoP ${access_token}`);
    headers.set('dpop', await this.#prove(method, url.href, access_token));
    return this.#send(url.href, { ...init, headers });
  };

  /** The first message of a connection to /ws. */
  async socketAuth(): Promise<{ type: 'auth'; token: string; proof: string }> {
    const { access_token } = await this.#live();
    const proof = await this.#prove('GET', `${this.#device.url}/ws`, access_token);
    return { type: 'auth', token: access_token, proof };
  }

  /** New tokens now. Rejects with an OAuthError once the device was shut out. */
  refresh(): Promise<Tokens> {
    // One at a time: a refresh token that is sent twice ends all tokens of the device.
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  #live(): Promise<Tokens> | Tokens {
    return this.#renewing !== null || this.#tokens.expires_at - Date.now() < earlyMs ? this.refresh() : this.#tokens;
  }

  async #renew(): Promise<Tokens> {
    const url = `${this.#device.url}/oauth/token`;
    const response = await this.#send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        dpop: await proveKey(this.#device.key, { method: 'POST', url }),
      },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: this.#tokens.refresh_token }),
    });
    const answer = (await response.json()) as Partial<Record<'error' | 'error_description', string>> &
      Record<'access_token' | 'refresh_token', string> & { expires_in: number };
    if (!response.ok)
      throw new OAuthError('refused', answer.error_description ?? `the server answered ${response.status}`, {
        ...(answer.error === undefined ? {} : { error: answer.error }),
      });
    const { access_token, refresh_token, expires_in } = answer;
    const tokens = { access_token, refresh_token, expires_at: Date.now() + expires_in * 1000 };
    await this.#options.keep(tokens);
    this.#tokens = tokens;
    return tokens;
  }

  #prove(method: string, url: string, token: string): Promise<string> {
    return proveKey(this.#device.key, { method, url, token });
  }

  #send(url: string, init: RequestInit): Promise<Response> {
    return (this.#options.fetch ?? fetch)(url, init);
  }
}
