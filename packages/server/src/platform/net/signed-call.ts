import { createHmac } from 'node:crypto';
import type { GuardedAnswer, GuardedFetch } from './guarded-fetch.ts';

export interface SignedCall {
  url: string;
  /** The same when it is sent again, so that its receiver can tell. */
  id: string;
  at: Date;
  body: unknown;
  timeout_ms: number;
  max_bytes: number;
}

/** `whsec_` and base64 means those bytes; any other text means its own. */
const keyOf = (secret: string): Buffer =>
  /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret, 'utf8');

/** The headers of Standard Webhooks: HMAC-SHA256 over id, seconds and body, joined by dots. */
export const signatureHeaders = (
  secret: string,
  call: { id: string; at: Date; body: string },
): Record<string, string> => {
  const timestamp = String(Math.floor(call.at.getTime() / 1000));
  const signed = createHmac('sha256', keyOf(secret)).update(`${call.id}.${timestamp}.${call.body}`, 'utf8');
  return {
    'webhook-id': call.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signed.digest('base64')}`,
  };
};

/** JSON to somebody outside who can tell that it comes from here. */
export const sendSigned = (fetch: GuardedFetch, secret: string, call: SignedCall): Promise<GuardedAnswer> => {
  const body = JSON.stringify(call.body);
  return fetch(call.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Atrium',
      ...signatureHeaders(secret, { id: call.id, at: call.at, body }),
    },
    body,
    timeout_ms: call.timeout_ms,
    max_bytes: call.max_bytes,
  });
};
