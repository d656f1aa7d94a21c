import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { federationStore } from './federation-store.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const peer = (more: object = {}) => ({
  ...{ id: newId(), name: 'Barn', api_address: 'https://barn.example', public_key: newId(), pins: ['sha256/one'] },
  ...{ dials: true, joined_by: 'cluster_secret' as const, last_seen_at: t.clock.now(), joined_at: t.clock.now() },
  ...more,
});

it('a peer that joins this server as well leaves the way to it as it was named here', async () => {
  const db = t.database.read;
  const named = peer();
  await federationStore.join(db, named);
  await federationStore.join(db, { ...named, api_address: 'https://elsewhere.example', pins: [], dials: false });
  const kept = { api_address: 'https://barn.example', pins: ['sha256/one'], dials: true };
  expect(await federationStore.peer(db, named.id)).toMatchObject(kept);
});

it('a peer that this server joins is called at the address of that, whatever it said before', async () => {
  const db = t.database.read;
  const came = peer({ api_address: 'https://elsewhere.example', pins: [], dials: false });
  await federationStore.join(db, came);
  const named = { api_address: 'https://barn.example', pins: ['sha256/one'], dials: true };
  await federationStore.join(db, { ...came, ...named });
  expect(await federationStore.peer(db, came.id)).toMatchObject(named);
});

it('another key never takes the place of a peer', async () => {
  const db = t.database.read;
  const known = peer();
  await federationStore.join(db, known);
  await federationStore.join(db, { ...known, name: 'Rogue', public_key: 'another key', pins: ['sha256/two'] });
  expect(await federationStore.peer(db, known.id)).toMatchObject({ name: 'Barn', pins: ['sha256/one'] });
});
