import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { createGuardedFetch } from '../../../platform/net/guarded-fetch.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { SecretBox } from '../../../platform/secrets/secret-box.ts';
import { createCertificatesPart } from '../certificates-module.ts';
import { makeAuthority, makeLeaf } from './certificate-making.ts';
import type { CertificateSettings } from './certificate-parts.ts';
import { certificatesStore } from './certificates-store.ts';
import { emptyRow, issuedOf } from './issuing.ts';

let t: TestDatabase;
const secrets = new SecretBox([randomBytes(32)]);
const settings: CertificateSettings = {
  mode: 'internal',
  acme: { directory: 'https://127.0.0.1:9/d', email: null, challenge: 'http-01', dns_command: null },
  extra_hosts: [],
  base_domain: null,
};
const told: { title: string; message: string }[] = [];
const made: { issuer: string; seconds: number }[] = [];
const make = (own: Partial<CertificateSettings> = {}) => {
  const part = createCertificatesPart({
    database: t.database,
    database_url: t.url,
    clock: t.clock,
    secrets,
    settings: () => ({ ...settings, ...own }),
    public_url: () => 'https://atrium-house.org',
    orgOf: async () => newId(),
    fetch: createGuardedFetch({}),
    onError: () => {},
    onMade: (issuer, seconds) => void made.push({ issuer, seconds }),
  });
  part.onExpiring(async (_t, _c, notice) => void told.push(notice));
  return part;
};
const managed = async () =>
  (await certificatesStore.all(t.database.read)).find((r) => r.managed && r.issuer === 'internal')!;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

it('nothing changed, so the sweep leaves the managed certificate alone', async () => {
  const part = make();
  await part.start();
  const first = (await managed()).serial;
  expect(made).toEqual([{ issuer: 'internal', seconds: expect.any(Number) }]);
  await part.sweeps![0]!.run();
  const second = (await managed()).serial;
  await part.stop();
  expect(second).toBe(first);
});
it('G54: a replica with another name does not take turns with the first in making it anew', async () => {
  const [a, b] = [make({ extra_hosts: ['a.lan'] }), make({ extra_hosts: ['b.lan'] })];
  await a.sweeps![0]!.run();
  await b.sweeps![0]!.run();
  const one = (await managed()).serial;
  await a.sweeps![0]!.run();
  await b.sweeps![0]!.run();
  expect((await managed()).serial).toBe(one);
});
it('the certificate of the authority is served before that of our own for the public name', async () => {
  const part = make({ mode: 'acme' });
  await part.start();
  const now = t.clock.now();
  const le = await makeAuthority('Public authority', now);
  const id = newId();
  // As Let's Encrypt does: valid from an hour ago, for 90 days.
  const pair = await makeLeaf(le, ['atrium-house.org'], new Date(now.getTime() - 3_600_000));
  const call = internalCall(systemCaller({ id: newId() }), newId());
  const issued = issuedOf({ secrets, clock: t.clock }, id, pair, true);
  const row = emptyRow(call, now, { id, names: issued.names, issuer: 'acme', managed: true });
  await certificatesStore.insert(t.database.read, { ...row, ...issued, state: 'active' });
  await part.certificates.reload();
  const pins = part.certificates.pins();
  await part.stop();
  expect(pins[0]).toBe(issued.pins[0]);
  await certificatesStore.delete(t.database.read, id);
});
it('G55: a short certificate that is freshly issued is no alarm', async () => {
  const part = make({ mode: 'off' });
  const now = t.clock.now();
  const ca = await makeAuthority('Private authority', now);
  const id = newId();
  const pair = await makeLeaf(ca, ['short.example.org'], new Date(now.getTime() - 84 * 86_400_000));
  const issued = issuedOf({ secrets, clock: t.clock }, id, pair, true);
  const call = internalCall(systemCaller({ id: newId() }), newId());
  await certificatesStore.insert(t.database.read, {
    ...emptyRow(call, now, { id, names: issued.names, issuer: 'acme', managed: false }),
    ...issued,
    renew_at: new Date(now.getTime() + 4 * 86_400_000),
    state: 'active',
  });
  await part.sweeps![0]!.run();
  expect(told).toEqual([]);
});
it('a managed certificate of a name that is gone can be got rid of', async () => {
  const part = make({ mode: 'acme', extra_hosts: ['gone-house.org'] });
  await part.sweeps![0]!.run();
  const rows = async () =>
    (await certificatesStore.all(t.database.read)).filter(
      (r) => r.names.includes('gone-house.org') && r.issuer === 'acme',
    );
  expect((await rows()).length).toBe(1);
  await make({ mode: 'acme' }).sweeps![0]!.run();
  const [left] = await rows();
  const remove = part.bindings.find(({ operation }) => operation.name === 'certificates.delete')!;
  const call = internalCall(systemCaller({ id: newId() }), newId());
  const gone =
    left === undefined ||
    (await remove.run(call, { id: left.id } as never).then(
      () => true,
      (e: Error) => e.message,
    ));
  expect(gone).toBe(true);
});
