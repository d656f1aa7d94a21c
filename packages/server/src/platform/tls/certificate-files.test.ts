import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../test/support/make-certificate.ts';
import { certificateFor } from '../../../test/support/tls-certificates.ts';
import { until } from '../../../test/support/until.ts';
import { FileCertificates, fileProblems } from './certificate-files.ts';
import { covers, readPair } from './certificate-pair.ts';

const directory = mkdtempSync(join(tmpdir(), 'atrium-certificates-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);
const now = new Date();

describe('a certificate with its key', () => {
  const good = certificateFor(['atrium.example.org', '*.apps.example.org']);
  const day = 86_400_000;

  it('is read with its names, its end and the pins of its key and its issuer', () => {
    const pair = readPair(good.chain, good.key, now);
    expect(pair.names).toEqual(['atrium.example.org', '*.apps.example.org']);
    expect(pair.pins).toHaveLength(2);
    expect(readPair(good.pem, good.key, now).pins).toEqual([pair.pins[0]]);
  });

  it('G38: is refused with a reason when the two cannot be served', () => {
    const other = certificateFor(['other.example.org']);
    const late = certificateFor(['a.example.org'], { from: new Date(+now - 2 * day), to: new Date(+now - day) });
    const early = certificateFor(['a.example.org'], { from: new Date(+now + day), to: new Date(+now + 2 * day) });
    const nameless = makeCertificate({ subject: { CN: 'a.example.org' } });
    const reason = (chain: string, key: string) => {
      try {
        readPair(chain, key, now);
      } catch (error) {
        return (error as Error).message;
      }
      return null;
    };
    expect(reason(good.chain, other.key)).toBe('belongs to another certificate');
    expect(reason('', good.key)).toBe('holds no certificate in PEM');
    expect(reason(good.chain, 'none')).toBe('holds no private key in PEM');
    expect(reason(good.chain, '-----BEGIN ENCRYPTED PRIVATE KEY-----')).toContain('without one');
    expect(reason(late.chain, late.key)).toMatch(/^expired on \d{4}-\d\d-\d\d$/);
    expect(reason(early.chain, early.key)).toMatch(/^is valid only from/);
    expect(reason(nameless.pem, nameless.key)).toContain('names no host');
  });

  it('covers its names, a wildcard those one label below it', () => {
    const { names } = readPair(good.chain, good.key, now);
    const covered = [
      'atrium.example.org',
      'a.apps.example.org',
      'a.b.apps.example.org',
      'apps.example.org',
      'example.org',
    ];
    expect(covered.map((name) => covers(names, name))).toEqual([true, true, false, false, false]);
  });
});

describe('certificate files', () => {
  const store = (folder: string, made: { chain: string; key: string }): void => {
    mkdirSync(at(folder));
    writeFileSync(join(at(folder), 'cert.pem'), made.chain);
    writeFileSync(join(at(folder), 'key.pem'), made.key);
  };

  it('are read again when a link in their place leads elsewhere, or the settings name others; what is broken is told of once', async () => {
    const made = ['one', 'two', 'three'].map((name) => ({ name, ...certificateFor([`${name}.example.org`]) }));
    for (const { name, ...pair } of made) store(name, pair);
    mkdirSync(at('live'));
    const link = (name: string): void => {
      for (const file of ['cert.pem', 'key.pem']) {
        symlinkSync(join(at(name), file), at(`live/${file}.new`));
        renameSync(at(`live/${file}.new`), at(`live/${file}`));
      }
    };
    link('one');
    const files = { certFile: at('live/cert.pem'), keyFile: at('live/key.pem') };
    const loaded: string[] = [];
    const refused: string[] = [];
    const certificates = new FileCertificates({
      ...{ files: () => files, now: () => now },
      onLoaded: ({ names }) => loaded.push(names[0]!),
      onRefused: (problem) => refused.push(problem),
    });
    certificates.start();
    expect(certificates.contextFor('one.example.org')).toBe(certificates.fallback());
    expect(certificates.contextFor('two.example.org')).toBeNull();
    link('two');
    await until(() => loaded.includes('two.example.org'), 'the second');
    expect(certificates.contextFor('two.example.org')).not.toBeNull();
    Object.assign(files, { keyFile: join(at('three'), 'key.pem') });
    certificates.reload();
    certificates.reload();
    expect(refused).toEqual([`${files.keyFile} belongs to another certificate`]);
    expect(certificates.contextFor('two.example.org')).not.toBeNull();
    Object.assign(files, { certFile: join(at('three'), 'cert.pem') });
    certificates.reload();
    expect(loaded).toEqual(['two.example.org', 'three.example.org']);
    certificates.stop();
  });

  it('are a problem of the settings when they cannot be served, and none in another mode', () => {
    const config = {
      mode: 'files',
      certFile: at('nowhere.pem'),
      keyFile: at('nowhere.key'),
      redirectAddress: null,
      acme: { directory: '', email: null, challenge: 'http-01', dnsCommand: null },
    } as const;
    expect(fileProblems(config, now)).toMatchObject([
      { key: 'ATRIUM_TLS_CERT_FILE', problem: `names ${at('nowhere.pem')}, which cannot be read (ENOENT)` },
    ]);
    expect(fileProblems({ ...config, mode: 'internal' }, now)).toEqual([]);
  });
});
