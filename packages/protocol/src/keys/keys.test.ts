import { execFileSync } from 'node:child_process';
import { createPublicKey, randomBytes, verify as verifyWithNode } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bytes, fromBase64, toBase64, toHex, utf8 } from './bytes.ts';
import { parseRecoveryChallenge, recoveryChallenge, registerProof, rotationProof } from './key-proofs.ts';
import { fingerprintForm, fingerprintOf, normaliseFingerprint, parsePublicKey, publicKeyText } from './public-key.ts';
import {
  generateKeyPair,
  isKeyPair,
  parseSignature,
  publicKeyOfPrivate,
  signBytes,
  signMessage,
  signText,
  verifyBytes,
  verifyMessage,
  verifyText,
} from './signatures.ts';
import { signingInput, signingPayload } from './signing-bytes.ts';
import { signingVectors } from './signing-vectors.ts';
import { sshPrivatePem, sshPublicLine } from './ssh-key.ts';

const { private_key, public_key, fingerprint, nonce, cases } = signingVectors;
const bytesOf = (text: string): Bytes => {
  const parsed = parsePublicKey(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.bytes;
};
const problemOf = (text: string): string | null => {
  const parsed = parsePublicKey(text);
  return parsed.ok ? null : parsed.problem;
};
const someBytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Uint8Array.from(bytes));

describe('1: the known answers', () => {
  it('the key of RFC 8032 has its text and its fingerprint', async () => {
    expect(toHex(fromBase64(private_key)!)).toBe('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
    expect(publicKeyText(await publicKeyOfPrivate(private_key))).toBe(public_key);
    expect(await fingerprintOf(bytesOf(public_key))).toBe(fingerprint);
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, { message, signature }) => {
    const input = await signingInput(message, nonce);
    expect(input.length).toBe(86);
    expect(await signMessage(private_key, message, nonce)).toBe(signature);
    expect(await signBytes(private_key, input)).toBe(signature);
    expect(await verifyMessage(public_key, message, nonce, signature)).toBe(true);
    // The form for reading is not what is signed.
    const unframed = await signText(private_key, signingPayload(message, nonce));
    expect(await verifyMessage(public_key, message, nonce, unframed)).toBe(false);
  });
});

describe('a public key', () => {
  it.each([
    ['no prefix', public_key.slice(8), 'must begin with ed25519:'],
    ['another prefix', `rsa:${public_key.slice(8)}`, 'must begin with ed25519:'],
    ['the prefix in capitals', `ED25519:${public_key.slice(8)}`, 'must begin with ed25519:'],
    ['no padding', public_key.slice(0, -1), 'the base64 lacks its padding (=) or was cut off'],
    ['31 bytes', `ed25519:${toBase64(new Uint8Array(31).fill(7))}`, 'must be 32 bytes, not 31'],
    ['33 bytes', `ed25519:${toBase64(new Uint8Array(33).fill(7))}`, 'must be 32 bytes, not 33'],
    ['nothing', 'ed25519:', 'must be 32 bytes, not 0'],
    [
      'base64url',
      `ed25519:${toBase64(new Uint8Array(32).fill(0xfb)).replaceAll('+', '-')}`,
      'is base64url; write it in base64, with + and /',
    ],
    ['a letter of no alphabet', `ed25519:${'*'.repeat(43)}=`, 'must be base64 behind ed25519:'],
    ['a space behind it', `${public_key} `, 'must be base64 behind ed25519:'],
    ['spare bits in the last letter', `${public_key.slice(0, -2)}p=`, 'must be base64 behind ed25519:'],
  ])('with %s is refused by what is wrong with it', (_what, text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  it('in the SPKI form is refused as such', () => {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: toUrl(public_key.slice(8)) }, format: 'jwk' });
    const spki = key.export({ type: 'spki', format: 'der' });
    expect(problemOf(`ed25519:${spki.toString('base64')}`)).toContain('SPKI');
  });

  // Under the first of them this signature fits any message, with every OpenSSL before 3.5.
  it.each(['01', '00', 'ec', 'ed', 'ee'])('of small order (%s…) is refused, with either sign', async (first) => {
    const fill = first.startsWith('0') ? 0 : 255;
    const point = new Uint8Array(32).fill(fill);
    point[0] = Number.parseInt(first, 16);
    for (const last of [fill & 0x7f, fill | 0x80]) {
      point[31] = last;
      expect(problemOf(publicKeyText(point))).toContain('small order');
      const fits = new Uint8Array(64);
      fits[0] = 1;
      expect(await verifyText(publicKeyText(point), 'pay', toBase64(fits))).toBe(false);
    }
  });

  it('has one text, and its fingerprint is found in either case', () =>
    fc.assert(
      fc.asyncProperty(someBytes(32), async (bytes) => {
        const text = publicKeyText(bytes);
        fc.pre(parsePublicKey(text).ok);
        expect(toHex(bytesOf(text))).toBe(toHex(bytes));
        const print = await fingerprintOf(bytes);
        expect(print).toMatch(/^[0-9A-F]{4}(-[0-9A-F]{4}){3}$/);
        expect(print.toLowerCase()).toMatch(fingerprintForm);
        expect(normaliseFingerprint(print.toLowerCase())).toBe(print);
      }),
    ));
});

const toUrl = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

describe('base64', () => {
  it('is what Node writes, and one text for each sequence of bytes', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64'));
        expect(toHex(fromBase64(text)!)).toBe(toHex(bytes));
      }),
    ));

  it('of any other text is nothing, or the text itself', () =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        const bytes = fromBase64(text);
        if (bytes !== null) expect(toBase64(bytes)).toBe(text);
      }),
    ));
});

describe('a signature', () => {
  it('is good for its message, nonce and key alone, and agrees with the one of OpenSSL', { tags: ['long'] }, () =>
    fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.uuid(), fc.string(), async (message, id, other) => {
        const pair = await generateKeyPair();
        const key = publicKeyText(pair.public_key);
        const signature = await signMessage(pair.private_key, message, id);
        expect(await verifyMessage(key, message, id, signature)).toBe(true);
        const jwk = { kty: 'OKP', crv: 'Ed25519', x: toUrl(toBase64(pair.public_key)) };
        const node = createPublicKey({ key: jwk, format: 'jwk' });
        const input = await signingInput(message, id);
        expect(verifyWithNode(null, input, node, Buffer.from(signature, 'base64'))).toBe(true);
        expect(await verifyMessage(key, `${message}${other}.`, id, signature)).toBe(false);
        expect(await verifyMessage(key, message, `${id}0`, signature)).toBe(false);
        expect(await verifyMessage(public_key, message, id, signature)).toBe(false);
      }),
      { numRuns: 4 },
    ),
  );

  it('altered in any byte is none', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(63), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = fromBase64(cases[0].signature)!;
        bytes[at]! ^= change;
        expect(await verifyMessage(public_key, cases[0].message, nonce, toBase64(bytes))).toBe(false);
      }),
      { numRuns: 20 },
    ));

  it('of another form is refused and never throws', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.base64String(), fc.string({ maxLength: 88 })), async (text) => {
        fc.pre(parseSignature(text) === null);
        expect(await verifyBytes(public_key, utf8('x'), text)).toBe(false);
      }),
    ));

  it('under bytes that are no point is refused and never throws', async () => {
    const nowhere = publicKeyText(Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 2 : 0)));
    expect(await verifyText(nowhere, 'x', cases[0].signature)).toBe(false);
    await expect(verifyText('ed25519:short', 'x', cases[0].signature)).resolves.toBe(false);
  });

  it('needs a private key in its form', async () => {
    await expect(signText('too short', 'x')).rejects.toThrow('base64 of 32 bytes');
    expect(await isKeyPair(bytesOf(public_key), private_key)).toBe(true);
    expect(await isKeyPair(bytesOf(public_key), (await generateKeyPair()).private_key)).toBe(false);
  });
});

describe('signed texts', () => {
  it('a proof of registration is four lines', () => {
    expect(registerProof('k'.repeat(43), public_key)).toBe(
      `atrium:register:v1\n${'k'.repeat(43)}\n${public_key}\nclient_secret`,
    );
    expect(rotationProof('i', 'old', 'new')).toBe('atrium:rotate:v1\ni\nold\nnew');
  });

  it('two pairs of message and nonce never share their bytes', () =>
    fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), fc.string(), fc.string(), async (a, b, c, d) => {
        fc.pre(a !== c || b !== d);
        expect(toHex(await signingInput(a, b))).not.toBe(toHex(await signingInput(c, d)));
      }),
    ));

  it('a recovery challenge is read back as it was written, and no other text is one', () =>
    fc.assert(
      fc.property(fc.nat(2 ** 48), fc.string(), (issued_at, noise) => {
        const challenge = { public_key, nonce: randomBytes(32).toString('hex'), issued_at };
        const text = recoveryChallenge(challenge);
        expect(parseRecoveryChallenge(text)).toEqual(challenge);
        expect(parseRecoveryChallenge(`${text}x`)).toBeNull();
        expect(parseRecoveryChallenge(text.replace('recovery', 'register'))).toBeNull();
        const read = parseRecoveryChallenge(`moltnet:recovery:${noise}`);
        if (read !== null) expect(recoveryChallenge(read)).toBe(`moltnet:recovery:${noise}`);
      }),
    ));

  it.each([
    ['a key of 31 bytes', `moltnet:recovery:ed25519:${toBase64(new Uint8Array(31))}:${'a'.repeat(64)}:1`],
    ['a nonce in capitals', `moltnet:recovery:${public_key}:${'A'.repeat(64)}:1`],
    ['a nonce of 63 digits', `moltnet:recovery:${public_key}:${'a'.repeat(63)}:1`],
    ['a time with a zero in front', `moltnet:recovery:${public_key}:${'a'.repeat(64)}:01`],
    ['a time before time', `moltnet:recovery:${public_key}:${'a'.repeat(64)}:-1`],
    ['no time', `moltnet:recovery:${public_key}:${'a'.repeat(64)}`],
    ['one part more', `moltnet:recovery:${public_key}:${'a'.repeat(64)}:1:2`],
  ])('a recovery challenge with %s is none', (_what, text) => {
    expect(parseRecoveryChallenge(text)).toBeNull();
  });
});

describe('OpenSSH', () => {
  it('reads the files, derives the same public line and verifies what the key signed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'atrium-test-'));
    try {
      const pem = await sshPrivatePem(private_key, 'agent@example.org');
      expect(
        pem
          .split('\n')
          .slice(1, -3)
          .every((line) => line.length === 70),
      ).toBe(true);
      const file = join(folder, 'key');
      writeFileSync(file, pem, { mode: 0o600 });
      const line = sshPublicLine(bytesOf(public_key), 'agent@example.org');
      // Older ones leave the comment out.
      expect(line.startsWith(execFileSync('ssh-keygen', ['-y', '-f', file]).toString().trim())).toBe(true);
      writeFileSync(join(folder, 'text'), 'commit');
      execFileSync('ssh-keygen', ['-Y', 'sign', '-f', file, '-n', 'git', join(folder, 'text')], { stdio: 'pipe' });
      writeFileSync(join(folder, 'signers'), `agent@example.org ${line}\n`);
      const verified = execFileSync(
        'ssh-keygen',
        [
          '-Y',
          'verify',
          '-f',
          join(folder, 'signers'),
          '-I',
          'agent@example.org',
          '-n',
          'git',
          '-s',
          join(folder, 'text.sig'),
        ],
        { input: 'commit' },
      );
      expect(verified.toString()).toContain('Good "git" signature');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes no comment that would be a line of its own', async () => {
    await expect(sshPrivatePem(private_key, 'a\nb')).rejects.toThrow('one line');
    expect(() => sshPublicLine(bytesOf(public_key), 'a\nb')).toThrow('one line');
    expect(sshPublicLine(bytesOf(public_key))).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]+=*$/);
  });
});
