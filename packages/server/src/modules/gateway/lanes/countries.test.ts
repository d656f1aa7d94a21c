import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { mmdbFile } from '../../../../test/support/mmdb-file.ts';
import { Countries } from './countries.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-countries-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('addresses have the country of their network, and a newer database counts once it is read again', async () => {
  const path = join(folder, 'a.mmdb');
  writeFileSync(path, mmdbFile({ '203.0.113.0/24': 'nz', '198.51.100.0/25': 'DE', '192.0.2.9/32': 'FR' }));
  const errors: unknown[] = [];
  let now: string | null = path;
  const countries = new Countries(
    () => now,
    (error) => void errors.push(error),
  );
  await countries.refresh();
  const of = (address: string) => countries.of(address);
  expect([of('203.0.113.77'), of('::ffff:198.51.100.127'), of('192.0.2.9')]).toEqual(['NZ', 'DE', 'FR']);
  expect([of('198.51.100.128'), of('127.0.0.1'), of('2001:db8::1'), of('nonsense')]).toEqual(Array(4).fill(null));

  writeFileSync(path, mmdbFile({ '203.0.113.0/24': 'AU' }));
  utimesSync(path, 1, 1);
  await countries.refresh();
  expect([of('203.0.113.77'), of('192.0.2.9'), errors]).toEqual(['AU', null, []]);

  // A broken one leaves in use what was, and is complained of once.
  writeFileSync(path, 'no database');
  await countries.refresh();
  await countries.refresh();
  expect([of('203.0.113.77'), errors.length]).toEqual(['AU', 1]);
  now = null;
  await countries.refresh();
  expect(of('203.0.113.77')).toBeNull();
});
