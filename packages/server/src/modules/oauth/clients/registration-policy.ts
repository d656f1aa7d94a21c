import { errors } from '../engine/oidc-provider.ts';
import { isDocumentId } from './client-registry.ts';
import { notSelfAssignable } from './scopes-of-clients.ts';

type Metadata = Record<string, unknown>;

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

const refuse = (description: string): never => {
  throw new errors.InvalidClientMetadata(description);
};

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

export const isLoopbackRedirect = (uri: string): boolean => {
  const url = URL.canParse(uri) ? new URL(uri) : null;
  return url !== null && url.protocol === 'http:' && loopbackHosts.has(url.hostname);
};

const isWeb = (uri: string): boolean => /^https?:$/.test(URL.canParse(uri) ? new URL(uri).protocol : '');

/**
 * Registrations leave out `application_type` more often than not, and the default `web` would refuse the loopback
 * addresses of programs on people's own machines.
 */
export const inferApplicationType = (metadata: Metadata): void => {
  const redirects = texts(metadata['redirect_uris']);
  if (redirects.some((uri) => isLoopbackRedirect(uri) || !isWeb(uri))) metadata['application_type'] = 'native';
};

/** Custom schemes are reverse domain names, which their owner can be held to. */
const checkSchemes = (metadata: Metadata): void => {
  for (const uri of texts(metadata['redirect_uris'])) {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase();
    if (scheme === undefined) refuse('redirect_uris must be absolute URIs');
    else if (!/^https?$/.test(scheme) && !scheme.includes('.'))
      refuse('redirect_uris with a scheme of their own must use a reverse domain name');
  }
};

const userGrants = new Set(['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code']);

/** What nobody can give itself, in whatever mode: privileged scopes, and grants without a person. */
const checkSelfAssigned = (metadata: Metadata, asked: string): void => {
  const refused = notSelfAssignable(asked.split(' ').filter((scope) => scope !== ''));
  if (refused.length > 0) refuse(`scope must not contain ${refused.join(' ')}`);
  for (const grant of texts(metadata['grant_types']))
    if (!userGrants.has(grant)) refuse(`grant_types must not contain ${grant}`);
};

export const frontChannelMembers = ['frontchannel_logout_uri', 'frontchannel_logout_session_required'];

/** At a place that the client returns to anyway: https, or a program on the own machine; never a script. */
export const isFrontChannelUri = (uri: unknown, redirects: readonly string[]): uri is string => {
  if (typeof uri !== 'string' || !URL.canParse(uri)) return false;
  const { protocol, origin } = new URL(uri);
  if (protocol !== 'https:' && !isLoopbackRedirect(uri)) return false;
  return redirects.some((redirect) => URL.canParse(redirect) && new URL(redirect).origin === origin);
};

const checkFrontChannel = (metadata: Metadata): void => {
  const uri = metadata['frontchannel_logout_uri'];
  if (uri !== undefined && !isFrontChannelUri(uri, texts(metadata['redirect_uris'])))
    refuse('frontchannel_logout_uri must be at the scheme, host and port of a redirect_uri');
};

const checkLoopbackMode = (metadata: Metadata): void => {
  if (metadata['token_endpoint_auth_method'] !== 'none')
    refuse('token_endpoint_auth_method must be none: only public clients may register here without a token');
  const redirects = texts(metadata['redirect_uris']);
  const device = texts(metadata['grant_types']).includes('urn:ietf:params:oauth:grant-type:device_code');
  if (redirects.length === 0 && !device) refuse('redirect_uris must contain members');
  if (!redirects.every(isLoopbackRedirect))
    refuse('redirect_uris must be loopback addresses: http://127.0.0.1, http://[::1] or http://localhost');
  for (const name of ['jwks', 'jwks_uri', 'backchannel_logout_uri', 'frontchannel_logout_uri', 'sector_identifier_uri'])
    if (metadata[name] !== undefined) refuse(`${name} is not accepted from clients that register without a token`);
};

export interface RegistrationPolicy {
  mode: 'loopback' | 'token' | 'off';
}

/**
 * Called by the engine for each client it builds. The scopes of a client move to a member of our own, since the engine
 * would hold them against the scopes of OpenID Connect alone.
 */
export const createMetadataValidator =
  (policy: RegistrationPolicy) =>
  (ctx: { oidc?: { route?: string } } | undefined, key: string, _value: unknown, metadata: Metadata): void => {
    // Once a client, whatever members of it the engine asks about.
    if (key !== 'atrium_scope') return;
    const asked = typeof metadata['scope'] === 'string' ? metadata['scope'] : '';
    delete metadata['scope'];
    inferApplicationType(metadata);
    const route = ctx?.oidc?.route;
    const registering = route === 'registration' || route === 'client_update';
    const isDocument = isDocumentId(String(metadata['client_id']));
    if (isDocument && /tls_client_auth$/.test(String(metadata['token_endpoint_auth_method'])))
      refuse('token_endpoint_auth_method must be none or private_key_jwt');
    if (registering && metadata['token_endpoint_auth_method'] === 'client_secret_jwt')
      refuse('token_endpoint_auth_method client_secret_jwt is for clients that an operator registers');
    if (registering || isDocument) {
      checkSelfAssigned(metadata, asked);
      checkSchemes(metadata);
      checkFrontChannel(metadata);
    }
    if (registering && policy.mode === 'loopback') checkLoopbackMode(metadata);
    if (asked === '') delete metadata['atrium_scope'];
    else metadata['atrium_scope'] = asked;
  };
