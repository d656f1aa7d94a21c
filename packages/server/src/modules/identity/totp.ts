import { createHmac, randomBytes, randomInt } from 'node:crypto';
import { timingSafeEqualText } from '../../platform/secrets/tokens.ts';

/* Time-based codes of RFC 6238 in the one form that every authenticator knows: SHA-1, six digits, 30 seconds. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const stepMs = 30_000;
const digits = 6;

export const toBase32 = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      text += alphabet[(value >>> (bits - 5)) & 31]!;
      bits -= 5;
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31]! : text;
};

export const fromBase32 = (text: string): Buffer => {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = (value << 5) | alphabet.indexOf(letter);
    bits += 5;
    if (bits < 8) continue;
    bytes.push((value >>> (bits - 8)) & 255);
    bits -= 8;
    value &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
};

export const newTotpSecret = (): string => toBase32(randomBytes(20));

export const stepOf = (at: Date): number => Math.floor(at.getTime() / stepMs);

/** The code of a time step (RFC 4226, 5.3). */
export const totpCode = (secret: string, step: number): string => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', fromBase32(secret)).update(counter).digest();
  const offset = digest[digest.length - 1]! & 15;
  const number = digest.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, '0');
};

/** The step whose code this is, one before or after the present one at most; null when it is none. */
export const matchingStep = (secret: string, code: string, at: Date): number | null => {
  const now = stepOf(at);
  const matches = [now - 1, now, now + 1].filter((step) => timingSafeEqualText(totpCode(secret, step), code));
  return matches.at(-1) ?? null;
};

/** What an authenticator reads, by hand or as a QR code. */
export const totpUrl = (secret: string, issuer: string, account: string): string => {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const parameters = new URLSearchParams({ secret, issuer, algorithm: 'SHA1', digits: '6', period: '30' });
  return `otpauth://totp/${label}?${parameters}`;
};

/** Letters that nobody mistakes for others when they copy a code from paper. */
const readable = 'abcdefghjkmnpqrstuvwxyz23456789';
const groups = 4;
const groupLength = 4;

/** About 79 bits: enough that a plain hash of it cannot be searched. */
export const newRecoveryCode = (): string =>
  Array.from({ length: groups }, () =>
    Array.from({ length: groupLength }, () => readable[randomInt(readable.length)]!).join(''),
  ).join('-');

export const isRecoveryCode = (text: string): boolean => /^[a-z2-9]{16}$/.test(text);

/** As typed by a person: without spaces and dashes, in any case. */
export const plainCode = (text: string): string => text.replaceAll(/[\s-]/g, '').toLowerCase();
