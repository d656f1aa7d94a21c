import * as protocol from 'oauth4webapi';
import { pause } from '../pause.ts';
import type { BoundedFetch } from './endpoints.ts';
import type { Identity } from './oauth-client.ts';
import { OAuthError } from './oauth-errors.ts';
import type { DevicePrompt, RedirectListener, SignIn } from './sign-in.ts';

/** The grant types that a registration must name. */
export const grantTypesOf = (signIn: SignIn): string[] => {
  switch (signIn.kind) {
    case 'browser':
      return ['authorization_code', 'refresh_token'];
    case 'device':
      return ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'];
    case 'client_credentials':
      return ['client_credentials'];
    case 'assertion':
      return [jwtBearer];
    default:
      return signIn satisfies never;
  }
};

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** One conversation with one authorization server about one resource. */
export interface Exchange {
  http: BoundedFetch;
  server: protocol.AuthorizationServer;
  identity: Identity;
  dpop: protocol.DPoPHandle | undefined;
  /** Undefined for servers of 2025-03-26, which do not know the parameter. */
  resource: string | undefined;
  scope: string | undefined;
  signal: AbortSignal | undefined;
}

const clientOf = ({ identity }: Exchange): protocol.Client => ({ client_id: identity.id });

/** The endpoints were checked at discovery, by a rule that knows which http is meant. */
const requestOptions = ({ http, dpop }: Exchange) => ({
  [protocol.customFetch]: http,
  [protocol.allowInsecureRequests]: true,
  ...(dpop === undefined ? {} : { DPoP: dpop }),
});

const parametersOf = ({ resource, scope }: Exchange, more: Record<string, string> = {}): Record<string, string> => ({
  ...more,
  ...(scope === undefined ? {} : { scope }),
  ...(resource === undefined ? {} : { resource }),
});

/** What another library or the network threw, as ours. The causes carry tokens and codes, so they are dropped. */
const translated = (caught: unknown, where: string): unknown => {
  if (caught instanceof OAuthError) return caught;
  if (caught instanceof protocol.ResponseBodyError || caught instanceof protocol.AuthorizationResponseError) {
    const why = caught.error_description === undefined ? '' : `: ${caught.error_description.slice(0, 300)}`;
    return new OAuthError('refused', `${where} refused (${caught.error})${why}`, { error: caught.error });
  }
  if (caught instanceof protocol.OperationProcessingError || caught instanceof protocol.UnsupportedOperationError)
    return new OAuthError('invalid_answer', `${where} gave an answer that cannot be accepted: ${caught.message}`);
  return caught;
};

/** A server may want its nonce in the proof (RFC 9449 section 8); it came with the refusal and is sent the second time. */
const exchanging = async <T>({ server }: Exchange, act: () => Promise<T>): Promise<T> => {
  try {
    return await act().catch((error: unknown) => {
      if (protocol.isDPoPNonceError(error)) return act();
      throw error;
    });
  } catch (caught) {
    throw translated(caught, server.issuer);
  }
};

export type Tokens = protocol.TokenEndpointResponse;

export const refresh = (exchange: Exchange, refreshToken: string): Promise<Tokens> =>
  exchanging(exchange, async () => {
    const { server, identity, resource } = exchange;
    const options = {
      ...requestOptions(exchange),
      ...(resource === undefined ? {} : { additionalParameters: { resource } }),
    };
    const client = clientOf(exchange);
    return protocol.processRefreshTokenResponse(
      server,
      client,
      await protocol.refreshTokenGrantRequest(server, client, identity.authentication, refreshToken, options),
    );
  });

const byGrantType = (exchange: Exchange, grantType: string, parameters: Record<string, string>): Promise<Tokens> =>
  exchanging(exchange, async () => {
    const { server, identity } = exchange;
    const client = clientOf(exchange);
    return protocol.processGenericTokenEndpointResponse(
      server,
      client,
      await protocol.genericTokenEndpointRequest(
        server,
        client,
        identity.authentication,
        grantType,
        parameters,
        requestOptions(exchange),
      ),
    );
  });

export const byClientCredentials = (exchange: Exchange): Promise<Tokens> =>
  byGrantType(exchange, 'client_credentials', parametersOf(exchange));

export const byAssertion = (exchange: Exchange, assertion: string): Promise<Tokens> =>
  byGrantType(exchange, jwtBearer, parametersOf(exchange, { assertion }));

const authorizationUrl = async (exchange: Exchange, parameters: Record<string, string>): Promise<URL> => {
  const { server, identity } = exchange;
  const url = new URL(server.authorization_endpoint!);
  if (server.require_pushed_authorization_requests !== true) {
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url;
  }
  const { request_uri } = await exchanging(exchange, async () => {
    const client = clientOf(exchange);
    return protocol.processPushedAuthorizationResponse(
      server,
      client,
      await protocol.pushedAuthorizationRequest(
        server,
        client,
        identity.authentication,
        parameters,
        requestOptions(exchange),
      ),
    );
  });
  url.searchParams.set('client_id', identity.id);
  url.searchParams.set('request_uri', request_uri);
  return url;
};

/** Authorization code with PKCE S256, `state`, and `iss` compared as RFC 9207 says. */
export const byBrowser = async (exchange: Exchange, listener: RedirectListener): Promise<Tokens> => {
  const { server, identity, dpop, scope } = exchange;
  const verifier = protocol.generateRandomCodeVerifier();
  const state = protocol.generateRandomState();
  const url = await authorizationUrl(
    exchange,
    parametersOf(exchange, {
      response_type: 'code',
      client_id: identity.id,
      redirect_uri: listener.uri,
      code_challenge: await protocol.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      ...(dpop === undefined ? {} : { dpop_jkt: await dpop.calculateThumbprint() }),
      // OpenID providers give no refresh token unless the person is asked (OpenID Connect Core section 11).
      ...(scope?.split(' ').includes('offline_access') ? { prompt: 'consent' } : {}),
    }),
  );
  const answer = await listener.ask(url, state, exchange.signal);
  const client = clientOf(exchange);
  return exchanging(exchange, async () => {
    const callback = protocol.validateAuthResponse(server, client, answer, state);
    return protocol.processAuthorizationCodeResponse(
      server,
      client,
      await protocol.authorizationCodeGrantRequest(
        server,
        client,
        identity.authentication,
        callback,
        listener.uri,
        verifier,
        {
          ...requestOptions(exchange),
          ...(exchange.resource === undefined ? {} : { additionalParameters: { resource: exchange.resource } }),
        },
      ),
    );
  });
};

const slowDownSeconds = 5;

/** Device code. `wait` is how time passes between two polls. */
export const byDevice = async (
  exchange: Exchange,
  show: (prompt: DevicePrompt) => void | Promise<void>,
  wait: (milliseconds: number, signal?: AbortSignal) => Promise<void> = pause,
): Promise<Tokens> => {
  const { server, identity, signal } = exchange;
  if (server.device_authorization_endpoint === undefined)
    throw new OAuthError('discovery_failed', `${server.issuer} offers no sign-in by device code.`);
  const client = clientOf(exchange);
  const device = await exchanging(exchange, async () => {
    const { DPoP: _, ...options } = requestOptions(exchange);
    return protocol.processDeviceAuthorizationResponse(
      server,
      client,
      await protocol.deviceAuthorizationRequest(
        server,
        client,
        identity.authentication,
        parametersOf(exchange),
        options,
      ),
    );
  });
  await show({
    userCode: device.user_code,
    verificationUri: device.verification_uri,
    verificationUriComplete: device.verification_uri_complete ?? null,
    expiresInSeconds: device.expires_in,
  });
  const end = Date.now() + device.expires_in * 1000;
  let interval = device.interval ?? slowDownSeconds;
  while (Date.now() < end) {
    await wait(interval * 1000, signal);
    const answer = await pollDevice(exchange, device.device_code);
    if (typeof answer === 'object') return answer;
    // RFC 8628 section 3.5: the pause stays longer for the rest of this sign-in.
    if (answer === 'slow_down') interval += slowDownSeconds;
  }
  throw new OAuthError('timeout', 'The code ran out before anybody entered it.');
};

const pollDevice = async (
  exchange: Exchange,
  code: string,
): Promise<Tokens | 'authorization_pending' | 'slow_down'> => {
  const parameters = { device_code: code, ...(exchange.resource === undefined ? {} : { resource: exchange.resource }) };
  try {
    return await byGrantType(exchange, 'urn:ietf:params:oauth:grant-type:device_code', parameters);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    if (error.error === 'authorization_pending' || error.error === 'slow_down') return error.error;
    // RFC 8628 section 3.5: a poll that was lost on the way makes the next one come later.
    if (error.code === 'unreachable') return 'slow_down';
    if (error.error === 'expired_token') throw new OAuthError('timeout', 'The code ran out before anybody entered it.');
    throw error;
  }
};

/** Ends a token at its server (RFC 7009). */
export const revoke = async (exchange: Exchange, token: string): Promise<void> => {
  const { server, identity } = exchange;
  const { DPoP: _, ...options } = requestOptions(exchange);
  await exchanging(exchange, async () =>
    protocol.processRevocationResponse(
      await protocol.revocationRequest(server, clientOf(exchange), identity.authentication, token, options),
    ),
  );
};
