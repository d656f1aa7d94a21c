import { describe, expect, it } from 'vitest';
import {
  fromBase32,
  isRecoveryCode,
  matchingStep,
  newRecoveryCode,
  newTotpSecret,
  plainCode,
  toBase32,
  totpCode,
  totpUrl,
} from './totp.ts';

/** Key of RFC 6238, appendix B. */
const secret = toBase32(Buffer.from('12345678901234567890'));

describe('time-based codes', () => {
  it.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ])('are those of RFC 6238 at %i', (seconds, code) => {
    expect(totpCode(secret, Math.floor(seconds / 30))).toBe(code);
  });

  it('are accepted one step early and late, and no further', () => {
    const at = (seconds: number) => new Date(seconds * 1000);
    const code = totpCode(secret, 100);
    expect([3000 - 31, 3000 - 30, 3000, 3059, 3060].map((s) => matchingStep(secret, code, at(s)))).toEqual([
      null,
      100,
      100,
      100,
      null,
    ]);
  });

  it('go through base32 and an otpauth URL whole', () => {
    const made = newTotpSecret();
    expect(made).toMatch(/^[A-Z2-7]{32}$/);
    expect(toBase32(fromBase32(made))).toBe(made);
    const url = new URL(totpUrl(made, 'Atrium at localhost', 'ada@example.org'));
    expect(url.searchParams.get('secret')).toBe(made);
    expect(decodeURIComponent(url.pathname)).toContain('Atrium at localhost:ada@example.org');
  });
});

describe('recovery codes', () => {
  it('are read however a person types them', () => {
    const code = newRecoveryCode();
    expect(code).toMatch(/^([a-z2-9]{4}-){3}[a-z2-9]{4}$/);
    expect(isRecoveryCode(plainCode(` ${code.toUpperCase().replaceAll('-', ' ')} `))).toBe(true);
    expect(isRecoveryCode(plainCode('123 456'))).toBe(false);
    expect(new Set(Array.from({ length: 100 }, newRecoveryCode)).size).toBe(100);
  });
});
