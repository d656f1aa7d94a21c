import type { AuthorizationServer } from 'oauth4webapi';
import { type BoundedFetch, checkEndpoint } from './endpoints.ts';
import { OAuthError } from './oauth-errors.ts';

/** Protected resource metadata (RFC 9728), as far as a client needs it. */
export interface ProtectedResource {
  resource: string;
  issuers: string[];
  scopes: string[] | null;
  dpopRequired: boolean;
}

type Document = Readonly<Record<string, unknown>>;

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

/** A metadata document, or null where there is none. A server in trouble is an error: it may well have one. */
const read = async (http: BoundedFetch, url: URL): Promise<Document | null> => {
  const response = await http(url.href, { headers: { accept: 'application/json' } });
  if (response.status >= 500) throw new OAuthError('discovery_failed', `${url.href} answered ${response.status}.`);
  if (response.status !== 200) return null;
  try {
    const document: unknown = JSON.parse(await response.text());
    return typeof document === 'object' && document !== null && !Array.isArray(document)
      ? (document as Document)
      : null;
  } catch {
    // A page instead of metadata, as single-page applications answer everything: the next place may have it.
    return null;
  }
};

/** Between the origin and the path, where RFC 8414 and RFC 9728 put it. */
const wellKnown = ({ origin, pathname, search }: URL, name: string): URL =>
  new URL(`/.well-known/${name}${pathname.replace(/\/$/, '')}${search}`, origin);

/** Whether a token for `resource` is good for calls to `url`: same origin, and the path is below it. */
const covers = (resource: string, url: URL): boolean => {
  if (!URL.canParse(resource)) return false;
  const { origin, pathname, hash } = new URL(resource);
  const below = `${url.pathname.replace(/\/$/, '')}/`.startsWith(`${pathname.replace(/\/$/, '')}/`);
  return hash === '' && origin === url.origin && below;
};

/** Where the challenge points, then path-inserted, then at the origin. Null when the server publishes none. */
export const discoverResource = async (
  http: BoundedFetch,
  resource: URL,
  pointer: string | undefined,
): Promise<ProtectedResource | null> => {
  const places = [
    ...(pointer === undefined ? [] : [checkEndpoint(pointer, 'resource_metadata', resource)]),
    wellKnown(resource, 'oauth-protected-resource'),
    wellKnown(new URL(resource.origin), 'oauth-protected-resource'),
  ];
  for (const place of new Map(places.map((one) => [one.href, one])).values()) {
    const document = await read(http, place);
    if (document === null) continue;
    const { resource: named, authorization_servers: issuers, scopes_supported: scopes } = document;
    if (typeof named !== 'string' || !covers(named, resource))
      throw new OAuthError('resource_mismatch', `${place.href} is about ${String(named)}, not about ${resource.href}.`);
    if (!isStrings(issuers) || issuers.length === 0)
      throw new OAuthError('discovery_failed', `${place.href} names no authorization server.`);
    return {
      resource: named,
      issuers,
      scopes: isStrings(scopes) ? scopes : null,
      dpopRequired: document['dpop_bound_access_tokens_required'] === true,
    };
  }
  return null;
};

/** RFC 8414 and OpenID Connect Discovery; an issuer with a path has three places, one without has two. */
const metadataPlaces = (issuer: URL): URL[] => {
  const places = [wellKnown(issuer, 'oauth-authorization-server'), wellKnown(issuer, 'openid-configuration')];
  if (issuer.pathname !== '/')
    places.push(new URL(`${issuer.pathname.replace(/\/$/, '')}/.well-known/openid-configuration`, issuer));
  return places;
};

/**
 * Simple string comparison (RFC 8414 section 3.3), but for one slash at the end: resources list issuers that went
 * through a URL parser, which adds it.
 */
const isSameIssuer = (one: string, other: string): boolean => one.replace(/\/$/, '') === other.replace(/\/$/, '');

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'revocation_endpoint',
  'device_authorization_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

/** The metadata of an authorization server, or null when it publishes none. */
export const discoverServer = async (
  http: BoundedFetch,
  issuer: string,
  resource: URL,
): Promise<AuthorizationServer | null> => {
  for (const place of metadataPlaces(checkEndpoint(issuer, 'authorization server', resource))) {
    const document = await read(http, place);
    if (document === null) continue;
    if (typeof document['issuer'] !== 'string' || !isSameIssuer(document['issuer'], issuer))
      throw new OAuthError(
        'issuer_mismatch',
        `${place.href} speaks for ${String(document['issuer'])}, not for ${issuer}.`,
      );
    for (const name of endpoints) if (document[name] !== undefined) checkEndpoint(document[name], name, resource);
    return document as unknown as AuthorizationServer;
  }
  return null;
};

/** What revision 2025-03-26 of MCP assumes of a server without metadata. */
export const assumedServer = ({ origin }: URL): AuthorizationServer => ({
  issuer: origin,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  registration_endpoint: `${origin}/register`,
  code_challenge_methods_supported: ['S256'],
  token_endpoint_auth_methods_supported: ['none'],
});
