import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../config/secret.ts';
import { AppError } from '../errors/app-error.ts';
import { addMasterKey, loadKeyRing } from './master-key.ts';
import { keyId, rotateSecrets, SecretBox } from './secret-box.ts';
import { hashToken, newToken, timingSafeEqualText } from './tokens.ts';

const directory = mkdtempSync(join(tmpdir(), 'atrium-secrets-'));
afterAll(() => rmSync(directory, { recursive: true }));
const newDirectory = () => mkdtempSync(join(directory, 'd-'));

describe('SecretBox', () => {
  const box = new SecretBox([randomBytes(32)]);

  it('gives back what it encrypted, under a new nonce each time', () => {
    const first = box.encrypt('naïve 🗝', 'row:1');
    expect(first).toMatch(new RegExp(`^v1\\.${box.currentKeyId}\\.[\\w-]{16}\\.[\\w-]+$`));
    expect(box.decrypt(first, 'row:1')).toBe('naïve 🗝');
    expect(box.encrypt('naïve 🗝', 'row:1')).not.toBe(first);
    expect(box.decrypt(box.encrypt('', 'row:1'), 'row:1')).toBe('');
  });

  it('refuses a secret of another row, a changed one, a cut one and one under an unknown key', () => {
    const envelope = box.encrypt('secret', 'row:1');
    const [version, id, nonce, sealed] = envelope.split('.') as [string, string, string, string];
    const changed = Buffer.from(sealed, 'base64url');
    changed[0]! ^= 1;
    const cut = Buffer.from(sealed, 'base64url').subarray(0, 15).toString('base64url');
    expect(() => box.decrypt(envelope, 'row:2')).toThrow(AppError);
    expect(() => box.decrypt([version, id, nonce, changed.toString('base64url')].join('.'), 'row:1')).toThrow(AppError);
    expect(() => box.decrypt([version, id, nonce, cut].join('.'), 'row:1')).toThrow(AppError);
    expect(() => box.decrypt(envelope.replace(id, '00000000'), 'row:1')).toThrow(AppError);
    expect(() => box.decrypt('plain text', 'row:1')).toThrow(AppError);
  });

  it('brings old secrets under the current key and can be run again', async () => {
    const [old, current] = [randomBytes(32), randomBytes(32)];
    const before = new SecretBox([old]);
    const rows = new Map(['a', 'b'].map((id) => [id, before.encrypt(`secret ${id}`, id)]));
    const after = new SecretBox([current, old]);
    rows.set('c', after.encrypt('secret c', 'c'));
    const rotate = () =>
      rotateSecrets(after, [
        async (reencrypt) => {
          for (const [id, envelope] of rows) rows.set(id, reencrypt(envelope, id) ?? envelope);
        },
      ]);
    expect(await rotate()).toEqual({ seen: 3, renewed: 2 });
    expect(await rotate()).toEqual({ seen: 3, renewed: 0 });
    const alone = new SecretBox([current]);
    expect([...rows].map(([id, envelope]) => alone.decrypt(envelope, id))).toEqual([
      'secret a',
      'secret b',
      'secret c',
    ]);
  });
});

describe('loadKeyRing', () => {
  it('creates a key that only the owner may read, and finds it again', () => {
    const dataDir = newDirectory();
    const [key] = loadKeyRing({ dataDir, masterKey: null });
    expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
    expect(loadKeyRing({ dataDir, masterKey: null })).toEqual([key]);
  });

  it('takes the variable first and keeps the key of the file for decryption', () => {
    const dataDir = newDirectory();
    const [stored] = loadKeyRing({ dataDir, masterKey: null });
    const [current, previous] = [randomBytes(32), randomBytes(32)];
    const masterKey = new Secret(`${current.toString('base64')},${previous.toString('base64')}`);
    expect(loadKeyRing({ dataDir, masterKey })).toEqual([current, previous, stored]);
  });

  it('creates no file when the variable is set', () => {
    const dataDir = newDirectory();
    loadKeyRing({ dataDir, masterKey: new Secret(randomBytes(32).toString('base64')) });
    expect(statSync(join(dataDir, 'master.key'), { throwIfNoEntry: false })).toBeUndefined();
  });

  it('puts a new key first', () => {
    const dataDir = newDirectory();
    const [old] = loadKeyRing({ dataDir, masterKey: null });
    addMasterKey(dataDir);
    const [current, previous] = loadKeyRing({ dataDir, masterKey: null });
    expect(previous).toEqual(old);
    expect(keyId(current)).not.toBe(keyId(old));
    expect(readFileSync(join(dataDir, 'master.key'), 'utf8').trim().split('\n')).toHaveLength(2);
  });

  it('refuses a broken file instead of making a new key', () => {
    const dataDir = newDirectory();
    writeFileSync(join(dataDir, 'master.key'), 'nonsense\n');
    expect(() => loadKeyRing({ dataDir, masterKey: null })).toThrow('not 32 bytes in base64');
    writeFileSync(join(dataDir, 'master.key'), '');
    expect(() => loadKeyRing({ dataDir, masterKey: null })).toThrow('holds no key');
  });
});

describe('tokens', () => {
  it('have a prefix and 43 characters that never repeat', () => {
    expect(newToken('atk_')).toMatch(/^atk_[\w-]{43}$/);
    expect(newToken()).not.toBe(newToken());
  });

  it('are stored as a SHA-256 and compared by content', () => {
    expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(timingSafeEqualText('abc', 'abc')).toBe(true);
    expect(timingSafeEqualText('abc', 'abd')).toBe(false);
    expect(timingSafeEqualText('abc', 'abcd')).toBe(false);
  });
});
