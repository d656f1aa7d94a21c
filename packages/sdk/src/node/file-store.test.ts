import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fileStore } from './file-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'atrium-sdk-store-'));
afterAll(() => rmSync(directory, { recursive: true }));

let made = 0;
const newPath = () => join(directory, `below-${made++}`, 'tokens.json');
const grant = { issuer: 'https://issuer.example', client_id: 'client', access_token: 'secret' };

describe('a file of tokens', () => {
  it('can be read by its owner alone, and goes with its last entry', async () => {
    const path = newPath();
    const store = fileStore(path);
    expect(await store.get('a')).toBeNull();
    await store.set('a', grant);
    await store.set('b', { ...grant, access_token: 'other' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    expect(await fileStore(path).get('a')).toEqual(grant);
    await store.set('a', null);
    expect(await store.get('b')).toMatchObject({ access_token: 'other' });
    await store.set('b', null);
    expect(existsSync(path)).toBe(false);
  });

  it('that is damaged says what to do, and nothing of what it holds', async () => {
    const path = newPath();
    await fileStore(path).set('a', grant);
    writeFileSync(path, '{"a": {"access_token": "secret"');
    const error = await fileStore(path)
      .get('a')
      .catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'sign_in_required', message: expect.stringContaining(path) });
    expect(String(error)).not.toContain('secret');
  });

  it('lets one program at a time renew', async () => {
    const path = newPath();
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside++;
      most = Math.max(most, inside);
      await new Promise((done) => setImmediate(done));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => fileStore(path).exclusively(work)));
    expect(most).toBe(1);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it('is free again after work that failed, and after a program that died', async () => {
    const path = newPath();
    const store = fileStore(path);
    const failing = store.exclusively(async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(`${path}.lock`, String(pid));
    expect(await Promise.all([1, 2].map((n) => fileStore(path).exclusively(async () => n)))).toEqual([1, 2]);
  });

  it('that is held can be waited for no longer than the caller wants', async () => {
    const path = newPath();
    const stop = new AbortController();
    await fileStore(path).exclusively(async () => {
      const waiting = fileStore(path).exclusively(async () => 'in', stop.signal);
      stop.abort(new Error('enough'));
      await expect(waiting).rejects.toThrow('enough');
    });
  });
});
