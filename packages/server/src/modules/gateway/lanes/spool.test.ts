import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../../../test/support/until.ts';
import { Spool, SpoolRoom } from './spool.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'atrium-spool-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MiB = 1024 * 1024;
const chunk = randomBytes(64 * 1024);
const parts = (count: number) => Array.from({ length: count }, () => chunk);
const digest = (all: readonly Buffer[]) => {
  const hash = createHash('sha256');
  for (const one of all) hash.update(one);
  return hash.digest('hex');
};
const readAll = async (spool: Spool): Promise<Buffer[]> => {
  const all: Buffer[] = [];
  for await (const part of spool) all.push(part as Buffer);
  return all;
};

test('a body that nobody reads goes to disk beyond a MiB, and comes back as it was', async () => {
  const room = new SpoolRoom(folder, 64 * MiB);
  const spool = new Spool(room);
  for (const part of parts(128)) spool.write(part);
  const ended = new Promise((resolve) => spool.once('finish', resolve));
  spool.end();
  await ended;
  expect(room.used).toBe(7 * MiB);
  // Without a name: whoever looks into the directory sees nothing, and nothing is left by a process that was killed.
  expect(readdirSync(folder)).toEqual([]);
  expect(digest(await readAll(spool))).toBe(digest(parts(128)));
  expect([spool.bytes, spool.complete]).toEqual([8 * MiB, true]);
  await until(async () => room.used === 0, 'the room is given back');
});

test('while it is read and written, order is kept', async () => {
  const room = new SpoolRoom(folder, 64 * MiB);
  const spool = new Spool(room);
  const numbers = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(4096, index % 251));
  const reading = readAll(spool);
  for (const [index, part] of numbers.entries()) {
    spool.write(part);
    if (index % 400 === 0) await turn();
  }
  spool.end();
  expect(digest(await reading)).toBe(digest(numbers));
});

test('when there is no more room the writer waits, and goes on as it is read', async () => {
  const room = new SpoolRoom(folder, 8 * MiB);
  const spool = new Spool(room);
  const full = new Promise((resolve) => spool.once('full', resolve));
  for (const part of parts(160)) spool.write(part);
  spool.end();
  await full;
  // One body has a quarter of the room.
  expect([room.used, spool.isFull, spool.writableFinished]).toEqual([2 * MiB, true, false]);
  expect(digest(await readAll(spool))).toBe(digest(parts(160)));
});

test('without a disk a MiB is all there is', async () => {
  const spool = new Spool(new SpoolRoom(null, 0));
  const full = new Promise((resolve) => spool.once('full', resolve));
  for (const part of parts(40)) spool.write(part);
  spool.end();
  await full;
  expect(digest(await readAll(spool))).toBe(digest(parts(40)));
});

test('what is given up gives its room back, and what an earlier process left is removed', async () => {
  writeFileSync(join(folder, 'left'), 'x');
  const room = new SpoolRoom(folder, 64 * MiB);
  expect(readdirSync(folder)).toEqual([]);
  const spool = new Spool(room);
  for (const part of parts(64)) spool.write(part);
  await until(async () => room.used === 3 * MiB, 'it is on disk');
  spool.destroy();
  expect(room.used).toBe(0);
});
