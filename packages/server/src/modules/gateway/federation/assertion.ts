import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type InstanceKey, verifies } from './instance-key.ts';
import { readMessage } from './wire.ts';

/* Who asks, as the server that they came in by vouches for it: a JWT of its instance key, for one request. */

export const assertionHeader = 'x-atrium-peer-assertion';
const type = 'atrium-peer-assertion+jwt';
const livesS = 60;
/** Clocks of two machines differ by little. */
const skewS = 30;

/** A person or program of a peer. Everything here is the word of that peer and of nobody else. */
export interface RemotePrincipal {
  subject: string;
  name: string;
  email: string | null;
  groups: readonly string[];
}

const claims = z.object({
  iss: z.uuid(),
  aud: z.uuid(),
  sub: z.string().min(1).max(100),
  iat: z.int(),
  exp: z.int(),
  jti: z.uuid(),
  name: z.string().max(200).default(''),
  email: z.string().max(254).nullable().default(null),
  email_verified: z.boolean().default(false),
  groups: z.array(z.string().max(100)).max(200).default([]),
});
const header = z.object({ alg: z.literal('EdDSA'), typ: z.literal(type) });

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decoded = (text: string): string => Buffer.from(text, 'base64url').toString('utf8');

export const signAssertion = (key: InstanceKey, audience: string, who: RemotePrincipal, now: Date): string => {
  const iat = Math.floor(now.getTime() / 1000);
  const body = `${encoded({ alg: 'EdDSA', typ: type })}.${encoded({
    ...{ iss: key.id, aud: audience, sub: who.subject, iat, exp: iat + livesS, jti: randomUUID() },
    ...{ name: who.name, email: who.email, email_verified: who.email !== null, groups: who.groups },
  })}`;
  return `${body}.${key.sign(Buffer.from(body)).toString('base64url')}`;
};

/** Ids of assertions that were used, until they would be too old anyway. */
export class UsedOnce {
  readonly #seen = new Map<string, number>();

  /** False the second time. */
  take(id: string, expires: number, now: number): boolean {
    for (const [old, end] of this.#seen) {
      if (end > now) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(id)) return false;
    this.#seen.set(id, expires);
    return true;
  }
}

export interface AssertionRules {
  /** The peer at the other end of the link, and its key. */
  peer: { id: string; public_key: string };
  own_id: string;
  used: UsedOnce;
  now: Date;
}

/** Null for what is no assertion of that peer, for this server, of this minute, for the first time. */
export const readAssertion = (text: string, rules: AssertionRules): RemotePrincipal | null => {
  const [head = '', body = '', signature = '', ...more] = text.split('.');
  if (text.length > 16_384 || more.length > 0 || readMessage(header, decoded(head)) === null) return null;
  const signed = Buffer.from(signature, 'base64url');
  if (!verifies(rules.peer.public_key, Buffer.from(`${head}.${body}`), signed)) return null;
  const said = readMessage(claims, decoded(body));
  const now = rules.now.getTime() / 1000;
  if (said === null || said.iss !== rules.peer.id || said.aud !== rules.own_id) return null;
  if (said.iat > now + skewS || said.exp <= now - skewS || said.exp - said.iat > livesS) return null;
  if (!rules.used.take(`${said.iss} ${said.jti}`, said.exp + skewS, now)) return null;
  const email = said.email_verified ? (said.email?.toLowerCase() ?? null) : null;
  return { subject: said.sub, name: said.name, email, groups: said.groups };
};
