import type { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../errors/app-error.ts';
import { certificateThumbprint } from './client-certificate.ts';
import type { ProofContext } from './http-options.ts';

export const sessionCookie = 'atrium_session';

export interface PresentedCredential {
  via: 'bearer' | 'cookie';
  token: string;
  /** `dpop`: the token is bound to a key, and a proof comes with it (RFC 9449). */
  scheme: 'bearer' | 'dpop';
}

const bearerForm = /^(Bearer|DPoP) +([A-Za-z0-9\-._~+/]+=*) *$/i;
const keyForm = /^atk_[A-Za-z0-9_-]{43}$/;
const longestToken = 8192;

/** Value of one cookie, without decoding: tokens are plain base64url. */
export const readCookie = (header: string | undefined, name: string): string | null => {
  if (header === undefined) return null;
  let from = 0;
  while (from < header.length) {
    let end = header.indexOf(';', from);
    if (end === -1) end = header.length;
    const equals = header.indexOf('=', from);
    if (equals !== -1 && equals < end && header.slice(from, equals).trim() === name) {
      const value = header.slice(equals + 1, end).trim();
      return value === '' || value.length > longestToken ? null : value;
    }
    from = end + 1;
  }
  return null;
};

/** The credential of a request; an Authorization header counts alone, then a key, so that a cookie never rescues what is bad. */
export const readCredential = (headers: IncomingHttpHeaders): PresentedCredential | null => {
  const authorization = headers.authorization;
  if (authorization !== undefined) {
    const match = authorization.length > longestToken ? null : bearerForm.exec(authorization);
    if (match === null)
      throw new AppError('unauthorized', 'The Authorization header is not of the form `Bearer TOKEN`.');
    return { via: 'bearer', token: match[2]!, scheme: match[1]!.toLowerCase() as 'bearer' | 'dpop' };
  }
  const key = headers['x-api-key'];
  if (key !== undefined) {
    if (typeof key !== 'string' || !keyForm.test(key))
      throw new AppError('unauthorized', 'The X-API-Key header holds no API key of Atrium.');
    return { via: 'bearer', token: key, scheme: 'bearer' };
  }
  const token = readCookie(headers.cookie, sessionCookie);
  return token === null ? null : { via: 'cookie', token, scheme: 'bearer' };
};

export interface ClientHeader {
  id: string;
  secret: string;
}

const clientHeaderForm = /^[\x21-\x7e]{1,300}$/;

/** `X-Client-Id` and `X-Client-Secret`; null without either of them. */
export const readClientHeaders = (headers: IncomingHttpHeaders): ClientHeader | null => {
  const [id, secret] = [headers['x-client-id'], headers['x-client-secret']];
  if (id === undefined && secret === undefined) return null;
  if (
    typeof id === 'string' &&
    typeof secret === 'string' &&
    clientHeaderForm.test(id) &&
    clientHeaderForm.test(secret)
  )
    return { id, secret };
  throw new AppError('unauthorized', 'Send both X-Client-Id and X-Client-Secret, each once.');
};

/** What a proof of possession that came with the request must be about. */
export const proofOf = (
  request: { method: string; url: string; headers: IncomingHttpHeaders },
  credential: PresentedCredential,
  publicUrl: string,
  certificate: X509Certificate | null,
): ProofContext => {
  const dpop = request.headers['dpop'];
  return {
    scheme: credential.scheme,
    dpop: typeof dpop === 'string' && dpop.length <= longestToken ? dpop : null,
    method: request.method,
    url: `${publicUrl}${request.url.split('?', 1)[0]!}`,
    certificate: certificate === null ? null : certificateThumbprint(certificate),
  };
};

const originOf = (url: string): string | null => {
  try {
    return new URL(url).origin;
  } catch {
    return null;
  }
};

/**
 * True when a browser request comes from a page of this server, or from no page at all. `Host` counts beside the
 * public URL because a phone may reach the server by address; a rebound name has no cookie of ours.
 */
export const isSameOrigin = (headers: IncomingHttpHeaders, publicUrl: string): boolean => {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = headers.origin;
  if (origin === undefined) return true;
  if (origin === originOf(publicUrl)) return true;
  return headers.host !== undefined && (origin === `http://${headers.host}` || origin === `https://${headers.host}`);
};

/** A `Set-Cookie` value. No Domain, so that no other host of the domain gets it. */
export const cookieHeader = (name: string, value: string, expires: Date, publicUrl: string): string => {
  const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Expires=${expires.toUTCString()}${secure}`;
};
