import type { IncomingHttpHeaders } from 'node:http';
import { parse } from 'node:querystring';
import type { ClientMetadata } from 'oidc-provider';
import { hashToken, timingSafeEqualText } from '../../../platform/secrets/tokens.ts';
import type { KnownClient } from '../clients/client-registry.ts';

/** A request that one of the quick ways may take, as it was sent. */
export interface PlainRequest {
  headers: IncomingHttpHeaders;
  form: string;
  ip: string | null;
}

export interface PlainCredentials {
  id: string;
  secret: string;
}

/** What makes the engine do more than a quick way does. */
const otherHeaders = ['dpop', 'origin', 'oauth-client-attestation', 'oauth-client-attestation-pop'];
const visible = /^[\x20-\x7e]+$/;
const secretMethods = new Set(['client_secret_basic', 'client_secret_post']);

const decoded = (text: string): string | null => {
  try {
    const plain = decodeURIComponent(text.replaceAll('+', '%20'));
    return visible.test(plain) ? plain : null;
  } catch {
    return null;
  }
};

const basic = (header: string): PlainCredentials | null => {
  const code = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1];
  if (code === undefined || code.length % 4 !== 0) return null;
  const pair = Buffer.from(code, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon === -1) return null;
  const [id, secret] = [decoded(pair.slice(0, colon)), decoded(pair.slice(colon + 1))];
  return id === null || secret === null ? null : { id, secret };
};

const credentialsOf = (headers: IncomingHttpHeaders, params: Record<string, string>): PlainCredentials | null => {
  const { client_id: id, client_secret: secret } = params;
  if (headers.authorization === undefined) {
    return id === undefined || id === '' || secret === undefined || secret === '' ? null : { id, secret };
  }
  if (secret !== undefined) return null;
  const given = basic(headers.authorization);
  return given === null || (id !== undefined && id !== given.id) ? null : given;
};

/** How a client that has a secret is told of. */
export const authenticatedOf = ({ facts, metadata }: KnownClient) => ({
  client_id: facts.client_id,
  org_id: facts.agent?.org_id ?? facts.org_id,
  method: metadata.token_endpoint_auth_method ?? '',
});

/** The parameters and the secret of a request in which each member is known and sent once; null for any other. */
export const readPlainForm = (
  { headers, form }: PlainRequest,
  members: ReadonlySet<string>,
): { params: Partial<Record<string, string>>; credentials: PlainCredentials } | null => {
  if (otherHeaders.some((name) => headers[name] !== undefined)) return null;
  const params = parse(form) as Record<string, string>;
  for (const [name, value] of Object.entries(params))
    if ((name !== 'client_id' && name !== 'client_secret' && !members.has(name)) || typeof value !== 'string')
      return null;
  const credentials = credentialsOf(headers, params);
  return credentials === null ? null : { params, credentials };
};

/** Whether this is the secret of a client that has one, still good for a minute. */
export const holdsSecret = (metadata: ClientMetadata, secret: string, now: Date): boolean =>
  secretMethods.has(metadata.token_endpoint_auth_method ?? '') &&
  metadata.client_secret !== undefined &&
  (!metadata.client_secret_expires_at || metadata.client_secret_expires_at > now.getTime() / 1000 + 60) &&
  timingSafeEqualText(hashToken(secret), metadata.client_secret);
