import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import { type InstanceKey, verifies } from './instance-key.ts';
import { answerMessage, helloMessage, proofMessage, readMessage, refusedMessage, welcomeMessage } from './wire.ts';

/**
 * How two servers prove to each other who they are, over four messages: hello, answer, proof, welcome. Each signs a
 * transcript with the nonces and keys of both and the certificate key that the caller was shown, so nothing of it can be
 * said again elsewhere, nor passed on by somebody in the middle who shows another certificate. What admits a newcomer (an
 * invitation, the cluster secret) is sent to nobody who has not proved its key before.
 */

export type Purpose = 'control' | 'data';
type Hello = z.infer<typeof helloMessage>;
type Answer = z.infer<typeof answerMessage>;
export type Join = z.infer<typeof proofMessage>['join'];

/** Why the other side is refused. Stands in the audit trail and in what the peer is told. */
export type Refusal =
  | 'malformed'
  | 'timeout'
  | 'bad_signature'
  | 'self'
  | 'key_changed'
  | 'unknown_peer'
  | 'bad_invitation'
  | 'bad_secret'
  | 'pin_mismatch'
  | 'pin_changed'
  | 'untrusted_certificate'
  | 'too_many'
  | 'refused';

export class HandshakeRefused extends Error {
  readonly reason: Refusal;
  readonly peer_id: string | null;
  /** The other side said so. */
  readonly told: string | null;
  constructor(reason: Refusal, peerId: string | null = null, told: string | null = null) {
    super(told === null ? `the peer was refused: ${reason}` : `the peer refused: ${told}`);
    this.name = 'HandshakeRefused';
    this.reason = reason;
    this.peer_id = peerId;
    this.told = told;
  }
}

/** Texts of the other side, one after another. */
export interface Exchange {
  send(text: string): void;
  /** The next one; rejects when the connection ends or the time is over. */
  next(): Promise<string>;
}

export interface Introduction {
  name: string;
  address: string | null;
  pins: readonly string[];
}

export interface Proven extends Introduction {
  id: string;
  public_key: string;
  purpose: Purpose;
  joined_by: 'invitation' | 'cluster_secret' | null;
}

const transcriptOf = (hello: Hello, answer: Omit<Answer, 'signature' | 'pin_known' | 'type' | 'version'>): Buffer =>
  createHash('sha256')
    .update(
      JSON.stringify([
        ...['atrium-federation/1', hello.purpose, hello.id, hello.key, hello.nonce, hello.pin ?? ''],
        ...[answer.id, answer.key, answer.nonce],
      ]),
    )
    .digest();

const toSign = (role: 'caller' | 'answerer', transcript: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`atrium-federation/1 ${role}\0`), transcript]);

const clusterProof = (secret: string, role: 'caller' | 'answerer', transcript: Buffer): string =>
  createHmac('sha256', secret).update(toSign(role, transcript)).digest('base64url');

const same = (a: string, b: string): boolean => {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
};

const nonce = (): string => randomBytes(32).toString('base64url');

export interface CallerParts {
  key: InstanceKey;
  purpose: Purpose;
  own: Introduction;
  /** Who must answer; null when anybody who knows the cluster secret may. */
  expected: { id: string; public_key: string } | null;
  join: { kind: 'invitation'; token: string } | { kind: 'cluster'; secret: string } | null;
  /** Certificate key that was shown; null without TLS. */
  pin: string | null;
  /** The certificate is known by its pin or by an authority. Otherwise the other side has to say that it is its own. */
  certificate_known: boolean;
}

/** The side that opened the connection. */
export const greet = async (exchange: Exchange, parts: CallerParts): Promise<Proven> => {
  const { key, purpose, expected, join } = parts;
  const hello: Hello = {
    ...{ type: 'hello', version: 1, id: key.id, key: key.public_key, nonce: nonce(), pin: parts.pin, purpose },
  };
  const read = async <T extends z.ZodType>(schema: T): Promise<z.infer<T>> => {
    const text = await exchange.next();
    const message = readMessage(schema, text);
    if (message !== null) return message;
    const refused = readMessage(refusedMessage, text);
    throw refused === null
      ? new HandshakeRefused('malformed', expected?.id ?? null)
      : new HandshakeRefused('refused', expected?.id ?? null, refused.reason);
  };
  exchange.send(JSON.stringify(hello));
  const answer = await read(answerMessage);
  const transcript = transcriptOf(hello, answer);
  if (answer.id === key.id || answer.key === key.public_key) throw new HandshakeRefused('self');
  if (expected !== null && (answer.id !== expected.id || answer.key !== expected.public_key))
    throw new HandshakeRefused('key_changed', expected.id);
  if (!verifies(answer.key, toSign('answerer', transcript), Buffer.from(answer.signature, 'base64url')))
    throw new HandshakeRefused('bad_signature', answer.id);
  if (parts.pin !== null && !parts.certificate_known && !answer.pin_known)
    throw new HandshakeRefused('untrusted_certificate', answer.id);
  exchange.send(
    JSON.stringify({
      type: 'proof',
      signature: key.sign(toSign('caller', transcript)).toString('base64url'),
      ...parts.own,
      join:
        join?.kind === 'cluster' ? { kind: 'cluster', proof: clusterProof(join.secret, 'caller', transcript) } : join,
    }),
  );
  const { name, address, pins, cluster } = await read(welcomeMessage);
  if (join?.kind === 'cluster' && !same(cluster ?? '', clusterProof(join.secret, 'answerer', transcript)))
    throw new HandshakeRefused('bad_secret', answer.id);
  return {
    ...{ id: answer.id, public_key: answer.key, purpose, name, address, pins },
    joined_by: join === null ? null : join.kind === 'cluster' ? 'cluster_secret' : 'invitation',
  };
};

export interface AnswererParts {
  key: InstanceKey;
  own: Introduction;
  cluster_secret: string | null;
  /** The key by which this server knows that id; null when it does not. */
  keyOf(id: string): Promise<string | null>;
  /** Uses an invitation up for that server; false when it is not good. */
  admit(token: string, who: Proven): Promise<boolean>;
  /** Takes note of a server that knew the cluster secret. */
  adopt(who: Proven): Promise<void>;
}

/** The side that was called. Tells the other side why it is refused, in one word. */
export const answer = async (exchange: Exchange, parts: AnswererParts): Promise<Proven> => {
  try {
    return await answering(exchange, parts);
  } catch (error) {
    if (error instanceof HandshakeRefused) exchange.send(JSON.stringify({ type: 'refused', reason: error.reason }));
    throw error;
  }
};

const answering = async (exchange: Exchange, parts: AnswererParts): Promise<Proven> => {
  const { key, own } = parts;
  const hello = readMessage(helloMessage, await exchange.next());
  if (hello === null) throw new HandshakeRefused('malformed');
  if (hello.id === key.id || hello.key === key.public_key) throw new HandshakeRefused('self');
  // Behind a proxy that ends TLS this server knows no certificate, and the caller relies on what it pinned.
  const pinKnown = hello.pin !== null && own.pins.includes(hello.pin);
  if (hello.pin !== null && own.pins.length > 0 && !pinKnown) throw new HandshakeRefused('pin_mismatch', hello.id);
  const mine = { id: key.id, key: key.public_key, nonce: nonce() };
  const transcript = transcriptOf(hello, mine);
  const signature = key.sign(toSign('answerer', transcript)).toString('base64url');
  exchange.send(JSON.stringify({ type: 'answer', version: 1, ...mine, pin_known: pinKnown, signature }));
  const proof = readMessage(proofMessage, await exchange.next());
  if (proof === null) throw new HandshakeRefused('malformed', hello.id);
  if (!verifies(hello.key, toSign('caller', transcript), Buffer.from(proof.signature, 'base64url')))
    throw new HandshakeRefused('bad_signature', hello.id);
  const { name, address, pins, join } = proof;
  const who: Proven = {
    ...{ id: hello.id, public_key: hello.key, purpose: hello.purpose, name, address, pins },
    joined_by: null,
  };
  const known = await parts.keyOf(hello.id);
  if (known !== null && known !== hello.key) throw new HandshakeRefused('key_changed', hello.id);
  let cluster: string | null = null;
  if (join?.kind === 'cluster') {
    const { cluster_secret: secret } = parts;
    if (secret === null || !same(join.proof, clusterProof(secret, 'caller', transcript)))
      throw new HandshakeRefused('bad_secret', hello.id);
    cluster = clusterProof(secret, 'answerer', transcript);
    who.joined_by = 'cluster_secret';
    await parts.adopt(who);
  } else if (join?.kind === 'invitation') {
    who.joined_by = 'invitation';
    if (!(await parts.admit(join.token, who))) throw new HandshakeRefused('bad_invitation', hello.id);
  } else if (known === null) throw new HandshakeRefused('unknown_peer', hello.id);
  exchange.send(JSON.stringify({ type: 'welcome', ...own, cluster }));
  return who;
};
