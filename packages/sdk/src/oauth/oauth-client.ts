import { type AuthorizationServer, type ClientAuth, None, PrivateKeyJwt } from 'oauth4webapi';
import type { BoundedFetch } from './endpoints.ts';
import { OAuthError } from './oauth-errors.ts';
import type { KeyAlgorithmName, OAuthClient } from './oauth-options.ts';
import type { StoredGrant } from './token-store.ts';

/** A client as the token endpoint wants to see it. */
export interface Identity {
  id: string;
  authentication: ClientAuth;
  registration?: StoredGrant['registration'];
}

const importAlgorithms: Record<KeyAlgorithmName, { name: string; namedCurve?: string; hash?: string }> = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
};

const importPem = (pem: string, algorithm: KeyAlgorithmName): Promise<CryptoKey> => {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
  if (body === undefined) throw new TypeError('privateKey: not PKCS #8 in PEM ("BEGIN PRIVATE KEY").');
  const bytes = Uint8Array.from(atob(body.replace(/\s/g, '')), (letter) => letter.charCodeAt(0));
  return crypto.subtle.importKey('pkcs8', bytes, importAlgorithms[algorithm], false, ['sign']);
};

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

/** RFC 6749 section 2.3.1. oauth4webapi also escapes `-` and the like, which servers that do not decode trip over. */
const secretBasic =
  (secret: string): ClientAuth =>
  (_server, { client_id }, _body, headers) =>
    headers.set('authorization', `Basic ${btoa(`${formEncoded(client_id)}:${formEncoded(secret)}`)}`);

const secretPost =
  (secret: string): ClientAuth =>
  (_server, { client_id }, body) => {
    body.set('client_id', client_id);
    body.set('client_secret', secret);
  };

const authenticationOf = (method: string, secret: string | undefined): ClientAuth => {
  if (secret === undefined || method === 'none') return None();
  return method === 'client_secret_post' ? secretPost(secret) : secretBasic(secret);
};

/** Basic unless the server takes only the other one; a server that says nothing takes basic (RFC 8414). */
const secretMethod = (server: AuthorizationServer): string => {
  const offered = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return offered.includes('client_secret_basic') || !offered.includes('client_secret_post')
    ? 'client_secret_basic'
    : 'client_secret_post';
};

const givenIdentity = async (client: OAuthClient & { id: string }, server: AuthorizationServer): Promise<Identity> => {
  const { id, secret, privateKey, keyId, algorithm = 'ES256' } = client;
  if (privateKey === undefined) return { id, authentication: authenticationOf(secretMethod(server), secret) };
  const key = typeof privateKey === 'string' ? await importPem(privateKey, algorithm) : privateKey;
  return { id, authentication: PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId }) };
};

/** A URL as client id works only where the server fetches it; elsewhere the program registers, if it can. */
const usesGivenId = ({ id }: OAuthClient, server: AuthorizationServer): boolean =>
  id !== undefined &&
  (!id.startsWith('https://') ||
    server.client_id_metadata_document_supported === true ||
    server.registration_endpoint === undefined);

const registrationMetadata = (client: OAuthClient, server: AuthorizationServer, wanted: Wanted) => {
  const offered = server.token_endpoint_auth_methods_supported;
  const loopback = wanted.redirectUri === undefined || wanted.redirectUri.startsWith('http://');
  return {
    client_name: client.name ?? 'Atrium SDK',
    // Left out, response_types would mean code, which needs a redirect (RFC 7591).
    redirect_uris: wanted.redirectUri === undefined ? [] : [wanted.redirectUri],
    response_types: wanted.redirectUri === undefined ? [] : ['code'],
    grant_types: [...wanted.grantTypes],
    // A program on somebody's machine keeps no secret, so it is a public client wherever there are any.
    token_endpoint_auth_method: offered === undefined || offered.includes('none') ? 'none' : secretMethod(server),
    application_type: loopback ? 'native' : 'web',
  };
};

const register = async (
  http: BoundedFetch,
  client: OAuthClient,
  server: AuthorizationServer,
  wanted: Wanted,
): Promise<Identity> => {
  const metadata = registrationMetadata(client, server, wanted);
  const response = await http(server.registration_endpoint!, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(metadata),
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const { client_id: id, client_secret: secret, client_secret_expires_at: until } = answer;
  if (!response.ok || typeof id !== 'string' || id === '') {
    const error = typeof answer['error'] === 'string' ? answer['error'] : undefined;
    const said =
      typeof answer['error_description'] === 'string' ? `: ${answer['error_description'].slice(0, 300)}` : '';
    throw new OAuthError(
      'client_refused',
      `${server.issuer} did not register this program (${error ?? response.status})${said}`,
      error === undefined ? {} : { error },
    );
  }
  const method = answer['token_endpoint_auth_method'];
  const registration = {
    auth_method: typeof method === 'string' ? method : metadata.token_endpoint_auth_method,
    ...(typeof secret === 'string' ? { client_secret: secret } : {}),
    ...(wanted.redirectUri === undefined ? {} : { redirect_uri: wanted.redirectUri }),
    ...(typeof until === 'number' && until > 0 ? { expires_at: until * 1000 } : {}),
  };
  return { id, authentication: authenticationOf(registration.auth_method, registration.client_secret), registration };
};

export interface Wanted {
  grantTypes: readonly string[];
  /** Undefined for flows without a redirect. */
  redirectUri?: string;
}

const isUsable = (registration: NonNullable<StoredGrant['registration']>, wanted: Wanted): boolean =>
  (registration.expires_at === undefined || registration.expires_at > Date.now()) &&
  (wanted.redirectUri === undefined || registration.redirect_uri === wanted.redirectUri);

/** The client that the stored tokens belong to. */
export const storedIdentity = async (
  client: OAuthClient,
  server: AuthorizationServer,
  stored: StoredGrant,
): Promise<Identity> => {
  const { client_id: id, registration } = stored;
  if (registration !== undefined)
    return { id, authentication: authenticationOf(registration.auth_method, registration.client_secret), registration };
  return givenIdentity({ ...client, id }, server);
};

/** A given client, a registration of before, or a new one. `stored` is of the same issuer. */
export const identify = async (
  http: BoundedFetch,
  client: OAuthClient,
  server: AuthorizationServer,
  stored: StoredGrant | null,
  wanted: Wanted,
): Promise<Identity> => {
  const { id } = client;
  if (id !== undefined && usesGivenId(client, server)) return givenIdentity({ ...client, id }, server);
  if (stored?.registration !== undefined && isUsable(stored.registration, wanted))
    return storedIdentity(client, server, stored);
  if (server.registration_endpoint !== undefined) return register(http, client, server, wanted);
  throw new OAuthError(
    'client_refused',
    `${server.issuer} registers no clients; a client id from its operator is needed.`,
  );
};

/** Refuses to show a given client to another issuer than its own; a document's URL is good everywhere. */
export const checkIssuer = (client: OAuthClient, server: AuthorizationServer, stored: StoredGrant | null): void => {
  if (client.id === undefined) return;
  const bound = client.issuer ?? (client.secret === undefined ? undefined : stored?.issuer);
  if (bound !== undefined && bound !== server.issuer)
    throw new OAuthError('issuer_mismatch', `The client ${client.id} is for ${bound}, not for ${server.issuer}.`);
};
