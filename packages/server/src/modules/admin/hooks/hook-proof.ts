import { hookLimits } from '@atrium/protocol';
import { signatureHeaders } from '../../../platform/net/signed-call.ts';
import { timingSafeEqualText } from '../../../platform/secrets/tokens.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** The id of the message when its signature is good and its time is near; null otherwise. */
const signedId = (secret: string, headers: Headers, body: string, now: Date): string | null => {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (id === undefined || timestamp === undefined || signatures === undefined) return null;
  if (!/^[\x21-\x7e]{1,200}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return null;
  const at = new Date(Number(timestamp) * 1000);
  if (Math.abs(now.getTime() - at.getTime()) > hookLimits.clock_s * 1000) return null;
  const expected = signatureHeaders(secret, { id, at, body })['webhook-signature']!;
  // Senders list several while they change their secret.
  const good = signatures
    .split(' ')
    .slice(0, 10)
    .some((one) => timingSafeEqualText(one, expected));
  return good ? id : null;
};

/** What proves a message; `presented` came as bearer. `id` tells repeats apart; without one each message counts. */
export const provenMessage = (
  hook: { proof: 'signature' | 'secret'; secret: string },
  { headers, presented }: { headers: Headers; presented: string | null },
  body: string,
  now: Date,
): { id: string | null } | null => {
  if (hook.proof === 'signature') {
    const id = signedId(hook.secret, headers, body, now);
    return id === null ? null : { id };
  }
  const given = headers['x-atrium-hook-secret'] ?? presented;
  if (given === null || !timingSafeEqualText(given, hook.secret)) return null;
  const id = headers['webhook-id'] ?? headers['idempotency-key'];
  return { id: id !== undefined && /^[\x21-\x7e]{1,200}$/.test(id) ? id : null };
};
