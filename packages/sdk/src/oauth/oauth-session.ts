import * as protocol from 'oauth4webapi';
import { type Challenge, tokenChallenge } from './challenge.ts';
import { assumedServer, discoverResource, discoverServer, type ProtectedResource } from './discovery.ts';
import { type BoundedFetch, boundedFetch } from './endpoints.ts';
import {
  byAssertion,
  byBrowser,
  byClientCredentials,
  byDevice,
  type Exchange,
  grantTypesOf,
  refresh,
  revoke,
  type Tokens,
} from './grants.ts';
import { checkIssuer, type Identity, identify, storedIdentity } from './oauth-client.ts';
import { OAuthError } from './oauth-errors.ts';
import type { OAuthClient, OAuthOptions, OAuthSession, SignInOptions } from './oauth-options.ts';
import type { RedirectListener, SignIn } from './sign-in.ts';
import { oneAtATime, type StoredGrant, type TokenStore } from './token-store.ts';

interface Found {
  server: protocol.AuthorizationServer;
  resource: ProtectedResource | null;
}

/** What made a token necessary. */
interface Need {
  challenge: Challenge | null;
  /** The access token that was not good enough. */
  refused: string | undefined;
  /** Scopes that are missing, or null when it is not about scopes. */
  more: string | null;
  /** True for a sign-in on request: nothing stored will do. */
  anew: boolean;
  signal: AbortSignal | undefined;
}

/** Times a single request is sent again with wider scopes; a server that wants more each time would go on for ever. */
const mostStepUps = 2;
const renewBeforeMs = 30_000;
/** A program by itself has no refresh token to use up, so it renews while the old token is still good for a while. */
const renewOwnBeforeMs = 5 * 60_000;

/** Errors after which a refresh token is of no use. The last two mean that the server no longer knows the client. */
const ends = new Set(['invalid_grant', 'invalid_client', 'unauthorized_client']);

const words = (scope: string | undefined | null): string[] => (scope ?? '').split(' ').filter((word) => word !== '');
const union = (one: string | undefined, other: string | undefined | null): string | undefined =>
  [...new Set([...words(one), ...words(other)])].join(' ') || undefined;

/** Expiry a little early, so that a token does not run out on the way. */
const isFresh = ({ access_token, expires_at }: StoredGrant): boolean =>
  access_token !== undefined && (expires_at === undefined || expires_at > Date.now());

/** A key is stored beside the tokens that are bound to it, so it can be exported. */
const newKey = async (): Promise<Record<string, unknown>> => {
  const { privateKey } = await protocol.generateKeyPair('ES256', { extractable: true });
  return { ...(await crypto.subtle.exportKey('jwk', privateKey)) };
};

const dpopHandle = async (jwk: Record<string, unknown>): Promise<protocol.DPoPHandle> => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { d: _private, ...open } = jwk;
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', { ...jwk, key_ops: ['sign'] }, algorithm, false, ['sign']),
    crypto.subtle.importKey('jwk', { ...open, key_ops: ['verify'] }, algorithm, true, ['verify']),
  ]);
  return protocol.DPoP({}, { privateKey, publicKey });
};

/** A request that can be sent more than once, unless its body is a stream. */
interface Outgoing {
  url: URL;
  init: RequestInit;
  repeatable: boolean;
}

const outgoing = async (input: string | URL | Request, init: RequestInit = {}): Promise<Outgoing> => {
  if (input instanceof Request) {
    const request = new Request(input, init);
    const { method, headers, signal, redirect } = request;
    const body = request.body === null ? {} : { body: await request.arrayBuffer() };
    return { url: new URL(request.url), init: { method, headers, signal, redirect, ...body }, repeatable: true };
  }
  return { url: new URL(input), init, repeatable: !(init.body instanceof ReadableStream) };
};

/** Tokens for one protected resource, and a `fetch` that presents them. */
export class LiveSession implements OAuthSession {
  readonly resource: URL;
  readonly #options: OAuthOptions;
  readonly #store: TokenStore;
  readonly #queue = oneAtATime();
  #grant: StoredGrant | null = null;
  #dpop: { key: Record<string, unknown>; handle: protocol.DPoPHandle } | null = null;

  constructor(resource: string, options: OAuthOptions, store: TokenStore) {
    this.resource = new URL(resource);
    this.resource.hash = '';
    this.#options = options;
    this.#store = store;
  }

  /** As the global one, with a token for this resource, obtained and renewed when it is needed. */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = await outgoing(input, init);
    const send = this.#options.fetch ?? fetch;
    // A token goes to the resource it is for and to nobody else.
    if (request.url.origin !== this.resource.origin) return send(request.url, request.init);
    this.#grant = await this.#store.get(this.resource.href);
    if (this.#grant !== null && !isFresh(this.#grant) && this.#isRenewable(this.#grant))
      await this.#obtain({ challenge: null, refused: undefined, more: null, anew: false, signal: signalOf(request) });
    if (!request.repeatable && this.#grant?.access_token === undefined)
      await this.#obtain({ challenge: null, refused: undefined, more: null, anew: false, signal: signalOf(request) });
    return this.#sendUntilAccepted(request);
  };

  /** Obtains tokens now, whatever is stored. */
  async signIn(options: SignInOptions = {}): Promise<void> {
    const more = options.scope ?? null;
    await this.#obtain({ challenge: null, refused: undefined, more, anew: true, signal: options.signal });
  }

  /** Forgets the tokens and ends them at the server. `false` when the server could not be told. */
  async signOut(): Promise<boolean> {
    return this.#exclusively(undefined, async () => {
      const grant = await this.#store.get(this.resource.href);
      await this.#save(null);
      const token = grant?.refresh_token ?? grant?.access_token;
      if (grant === null || token === undefined) return true;
      try {
        const server = await discoverServer(this.#http(undefined), grant.issuer, this.resource);
        if (server?.revocation_endpoint === undefined || server.issuer !== grant.issuer) return false;
        const identity = await storedIdentity(this.#client, server, grant);
        await revoke(this.#exchange({ server, resource: null }, identity, undefined, undefined, undefined), token);
        return true;
      } catch (error) {
        if (error instanceof OAuthError) return false;
        throw error;
      }
    });
  }

  get #client(): OAuthClient {
    return this.#options.client ?? {};
  }

  #http(signal: AbortSignal | undefined): BoundedFetch {
    return boundedFetch(this.#options.fetch ?? fetch, signal);
  }

  /** Within this process by a queue, between processes by the store. */
  #exclusively<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.#queue(() => this.#store.exclusively(work, signal));
  }

  async #sendUntilAccepted(request: Outgoing): Promise<Response> {
    let noncesTried = 0;
    let renewals = 0;
    let stepUps = 0;
    for (;;) {
      const presented = this.#grant?.access_token;
      const response = await this.#send(request);
      if (!request.repeatable || (response.status !== 401 && response.status !== 403)) return response;
      const challenge = tokenChallenge(response);
      if (challenge?.error === 'use_dpop_nonce' && noncesTried++ < 1) {
        await response.body?.cancel();
        continue;
      }
      const need = { challenge, refused: presented, anew: false, signal: signalOf(request) };
      if (response.status === 401 && renewals++ < 1) {
        await response.body?.cancel();
        await this.#obtain({ ...need, more: null });
      } else if (this.#mayStepUp(response, challenge) && stepUps++ < mostStepUps) {
        await response.body?.cancel();
        await this.#obtain({ ...need, more: challenge?.scope ?? null });
      } else return response;
    }
  }

  /** Only scopes that the token does not have are worth asking for; asking again for what was given is a loop. */
  #mayStepUp(response: Response, challenge: Challenge | null): boolean {
    const has = words(this.#grant?.scope);
    // Whoever asked for all that it may have gets no more by asking again.
    if (this.#options.scope === '') return false;
    return (
      this.#options.signIn !== undefined &&
      response.status === 403 &&
      challenge?.error === 'insufficient_scope' &&
      words(challenge.scope).some((word) => !has.includes(word))
    );
  }

  async #send({ url, init }: Outgoing): Promise<Response> {
    const send = this.#options.fetch ?? fetch;
    const headers = new Headers(init.headers);
    headers.delete('authorization');
    const { access_token: token, token_type: type } = this.#grant ?? {};
    if (token === undefined) return send(url, { ...init, headers });
    const bound = type === 'dpop' ? await this.#dpopFor(this.#grant!) : undefined;
    try {
      return await protocol.protectedResourceRequest(token, init.method ?? 'GET', url, headers, undefined, {
        [protocol.allowInsecureRequests]: true,
        [protocol.customFetch]: (_url, made) => {
          for (const name of ['authorization', 'dpop'])
            if (made.headers[name] !== undefined) headers.set(name, made.headers[name]);
          return send(url, { ...init, headers });
        },
        ...(bound === undefined ? {} : { DPoP: bound }),
      });
    } catch (error) {
      if (error instanceof protocol.WWWAuthenticateChallengeError) return error.response;
      throw error;
    }
  }

  #isRenewable({ refresh_token }: StoredGrant): boolean {
    const { signIn } = this.#options;
    return refresh_token !== undefined || signIn?.kind === 'client_credentials' || signIn?.kind === 'assertion';
  }

  async #dpopFor(grant: StoredGrant): Promise<protocol.DPoPHandle | undefined> {
    const key = grant.dpop_key;
    if (key === undefined) return undefined;
    // One handle a key: it remembers the nonces of the servers.
    if (this.#dpop === null || JSON.stringify(this.#dpop.key) !== JSON.stringify(key))
      this.#dpop = { key, handle: await dpopHandle(key) };
    return this.#dpop.handle;
  }

  async #save(grant: StoredGrant | null): Promise<void> {
    await this.#store.set(this.resource.href, grant);
    this.#grant = grant;
  }

  async #obtain(need: Need): Promise<void> {
    await this.#exclusively(need.signal, async () => {
      const stored = await this.#store.get(this.resource.href);
      this.#grant = stored;
      if (stored !== null && this.#suffices(stored, need)) return;
      const found = await this.#discover(need.challenge?.resource_metadata, stored, this.#http(need.signal));
      checkIssuer(this.#client, found.server, stored);
      // Tokens and registrations belong to one issuer; nothing of them is shown to the next (SEP-2352).
      const known = stored?.issuer === found.server.issuer ? stored : null;
      if (known !== null && !need.anew && need.more === null && (await this.#refreshed(known, found, need))) return;
      // A refusal may have changed what is stored.
      await this.#signedIn(known === null ? null : this.#grant, found, need);
    });
  }

  /** Another call or process was first. */
  #suffices(stored: StoredGrant, { anew, refused, more }: Need): boolean {
    if (anew || !isFresh(stored) || stored.access_token === refused) return false;
    const has = words(stored.scope);
    return words(more).every((word) => has.includes(word));
  }

  async #discover(pointer: string | undefined, stored: StoredGrant | null, http: BoundedFetch): Promise<Found> {
    const resource = await discoverResource(http, this.resource, pointer);
    if (resource === null) {
      const server = await discoverServer(http, this.resource.origin, this.resource);
      if (server !== null) return { server, resource };
      if (this.#options.assumeEndpoints ?? true) return { server: assumedServer(this.resource), resource };
      throw new OAuthError('discovery_failed', `${this.resource.href} publishes no OAuth metadata.`);
    }
    const issuer = resource.issuers.find((one) => one === stored?.issuer) ?? resource.issuers[0]!;
    const server = await discoverServer(http, issuer, this.resource);
    if (server === null)
      throw new OAuthError('discovery_failed', `The authorization server ${issuer} publishes no metadata.`);
    return { server, resource };
  }

  #exchange(
    { server, resource }: Found,
    identity: Identity,
    dpop: protocol.DPoPHandle | undefined,
    scope: string | undefined,
    signal: AbortSignal | undefined,
  ): Exchange {
    return { http: this.#http(signal), server, identity, dpop, resource: resource?.resource, scope, signal };
  }

  /** False when the refresh token is spent, and a sign-in is needed. */
  async #refreshed(known: StoredGrant, found: Found, need: Need): Promise<boolean> {
    if (known.refresh_token === undefined) return false;
    const identity = await storedIdentity(this.#client, found.server, known);
    const dpop = await this.#dpopFor(known);
    try {
      const exchange = this.#exchange(found, identity, dpop, undefined, need.signal);
      const tokens = await refresh(exchange, known.refresh_token);
      await this.#save({
        ...known,
        refresh_token: known.refresh_token,
        ...tokenFields(tokens, known.scope, renewBeforeMs),
      });
      return true;
    } catch (error) {
      // Any other refusal, of a server that is busy for example, says nothing about the refresh token.
      if (!(error instanceof OAuthError) || !ends.has(error.error ?? '')) throw error;
      const { access_token: _access, refresh_token: _refresh, expires_at: _end, ...rest } = known;
      await this.#save(error.error === 'invalid_grant' ? rest : retired(rest));
      if (this.#options.signIn === undefined)
        throw new OAuthError('sign_in_required', `The sign-in at ${known.issuer} has ended (${error.error}).`);
      return false;
    }
  }

  /** What the caller wants, else what the resource asks for; scopes of before are kept. Undefined sends no scope. */
  #scopeFor(signIn: SignIn, known: StoredGrant | null, { server, resource }: Found, need: Need): string | undefined {
    if (this.#options.scope === '' && need.more === null) return undefined;
    const asked = need.challenge?.scope ?? resource?.scopes?.join(' ');
    const wanted = need.anew
      ? (need.more ?? this.#options.scope ?? asked)
      : union(known?.scope, need.more ?? this.#options.scope ?? asked);
    const byPerson = signIn.kind === 'browser' || signIn.kind === 'device';
    if (wanted === undefined || wanted === '' || !byPerson) return wanted || undefined;
    return server.scopes_supported?.includes('offline_access') === true ? union(wanted, 'offline_access') : wanted;
  }

  #wantsDpop({ server, resource }: Found, challenge: Challenge | null): boolean {
    const { dpop = 'auto' } = this.#options;
    const asked = challenge?.scheme === 'dpop' || resource?.dpopRequired === true;
    if (dpop === false || (dpop === 'auto' && !asked)) return false;
    if (server.dpop_signing_alg_values_supported?.includes('ES256')) return true;
    throw new OAuthError('discovery_failed', `${server.issuer} does not bind tokens to ES256 keys, as was asked for.`);
  }

  async #signedIn(known: StoredGrant | null, found: Found, need: Need): Promise<void> {
    const { signIn } = this.#options;
    if (signIn === undefined)
      throw new OAuthError('sign_in_required', `Not signed in at ${found.server.issuer} for ${this.resource.href}.`);
    const listener = signIn.kind === 'browser' ? await listen(signIn, found, known) : undefined;
    try {
      await this.#signedInBy(signIn, listener, known, found, need);
      await listener?.close('done');
    } catch (error) {
      await listener?.close('failed');
      throw error;
    }
  }

  async #signedInBy(
    signIn: SignIn,
    listener: RedirectListener | undefined,
    known: StoredGrant | null,
    found: Found,
    need: Need,
  ): Promise<void> {
    const { server, resource } = found;
    const identity = await identify(this.#http(need.signal), this.#client, server, known, {
      grantTypes: grantTypesOf(signIn),
      ...(listener === undefined ? {} : { redirectUri: listener.uri }),
    });
    const scope = this.#scopeFor(signIn, known, found, need);
    const base: StoredGrant = {
      issuer: server.issuer,
      client_id: identity.id,
      ...(identity.registration === undefined ? {} : { registration: identity.registration }),
      ...(resource === null ? {} : { resource: resource.resource }),
      ...(this.#wantsDpop(found, need.challenge) ? { dpop_key: known?.dpop_key ?? (await newKey()) } : {}),
    };
    const exchange = this.#exchange(found, identity, await this.#dpopFor(base), scope, need.signal);
    const tokens = await this.#tokensBy(signIn, exchange, listener).catch(async (error: unknown) => {
      // Perhaps the server no longer knows the client, and its page could tell that to the person alone.
      if (known !== null) await this.#save(retired(known));
      throw error;
    });
    const renewBefore = signIn.kind === 'client_credentials' ? renewOwnBeforeMs : renewBeforeMs;
    await this.#save({ ...base, ...tokenFields(tokens, scope, renewBefore) });
  }

  async #tokensBy(signIn: SignIn, exchange: Exchange, listener: RedirectListener | undefined): Promise<Tokens> {
    const { server, http, scope } = exchange;
    switch (signIn.kind) {
      case 'browser':
        return byBrowser(exchange, listener!);
      case 'device':
        return byDevice(exchange, signIn.show);
      case 'client_credentials':
        return byClientCredentials(exchange);
      case 'assertion': {
        const resource = exchange.resource ?? this.resource.href;
        return byAssertion(exchange, await signIn.assertion({ issuer: server.issuer, resource, scope, fetch: http }));
      }
      default:
        return signIn satisfies never;
    }
  }
}

/** The same with a registration that is good for its tokens, but not for another sign-in. */
const retired = (known: StoredGrant): StoredGrant =>
  known.registration === undefined ? known : { ...known, registration: { ...known.registration, expires_at: 1 } };

const signalOf = ({ init }: Outgoing): AbortSignal | undefined => init.signal ?? undefined;

/** Only a server that promises S256 (RFC 7636) is used, and only one that has a page to send people to. */
const listen = (
  signIn: SignIn & { kind: 'browser' },
  { server }: Found,
  known: StoredGrant | null,
): Promise<RedirectListener> => {
  if (server.authorization_endpoint === undefined)
    throw new OAuthError('discovery_failed', `${server.issuer} offers no sign-in by browser.`);
  if (!server.code_challenge_methods_supported?.includes('S256'))
    throw new OAuthError('discovery_failed', `${server.issuer} does not promise PKCE with S256.`);
  return signIn.redirect(known?.registration?.redirect_uri);
};

const tokenFields = (tokens: Tokens, scope: string | undefined, renewBefore: number): Partial<StoredGrant> => {
  const { access_token, refresh_token, token_type, expires_in } = tokens;
  const granted = tokens.scope ?? scope;
  const early = expires_in === undefined ? 0 : Math.min(renewBefore, expires_in * 100);
  return {
    access_token,
    token_type: token_type === 'dpop' ? 'dpop' : 'bearer',
    ...(refresh_token === undefined ? {} : { refresh_token }),
    ...(granted === undefined ? {} : { scope: granted }),
    ...(expires_in === undefined ? {} : { expires_at: Date.now() + expires_in * 1000 - early }),
  };
};
