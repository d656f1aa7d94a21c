import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { setUp } from '../support/first-owner.ts';
import { type RunningServer, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

const disk = mkdtempSync(join(tmpdir(), 'atrium-disk-'));
const ballast = join(disk, 'ballast');
const isRoot = process.getuid?.() === 0;
let server: RunningServer;

beforeEach(async () => {
  if (!isRoot) return;
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=320m,mode=0755', 'tmpfs', disk]);
  server = await startServer({ dataDir: disk, env: { ATRIUM_RATE_LIMIT_REST: '1000000' } });
}, 60_000);
afterEach(async () => {
  if (isRoot) {
    rmSync(ballast, { force: true });
    await server.stop();
    execFileSync('umount', [disk]);
  }
  rmSync(disk, { recursive: true, force: true });
});

const freeMegabytes = (): number => {
  const { bavail, bsize } = statfsSync(disk);
  return (bavail * bsize) / 2 ** 20;
};

/** Takes all room but so many megabytes. */
const fill = (left: number): void => {
  const file = openSync(ballast, 'a');
  try {
    for (const chunk of [Buffer.alloc(2 ** 20), Buffer.alloc(4096)])
      while (freeMegabytes() > left + chunk.length / 2 ** 20) writeSync(file, chunk);
  } finally {
    closeSync(file);
  }
};

it.runIf(isRoot)(
  'on a full disk writing answers 507, reading goes on, nothing acknowledged is lost, and room makes it work again',
  async () => {
    const people = await setUp(server);
    const notify = () => people.agent.post('/api/v1/inbox/notify', { title: 'Written', message: 'x'.repeat(4000) });
    const before = await notify();
    expect(before.status).toBe(201);

    // Up to the last byte, at once.
    fill(0);
    const full = await until(async () => {
      const answer = await notify();
      return answer.status === 507 && answer;
    }, 'writing is refused');
    expect(full.body).toMatchObject({ code: 'storage_full', title: 'Storage is full', status: 507 });
    expect((await people.owner.get(`/api/v1/inbox/items/${before.body.id}`)).body).toMatchObject({ title: 'Written' });
    expect((await people.owner.get('/ready')).status).toBe(200);
    expect(server.output()).toContain('the disk is full');
    rmSync(ballast);
    await until(async () => (await notify()).status === 201, 'it can be written again');

    // Bit by bit, by what is written: PostgreSQL must not meet the end of the disk.
    fill(80);
    const kept: string[] = [];
    const refused = await until(
      async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, notify));
        kept.push(...answers.filter((answer) => answer.status === 201).map((answer) => answer.body.id));
        const others = answers.filter((answer) => answer.status !== 201);
        expect(others.map((answer) => answer.body.code)).toEqual(others.map(() => 'storage_full'));
        return others.length === answers.length;
      },
      'writing is refused again',
      120_000,
    );
    expect(refused).toBe(true);
    expect(freeMegabytes()).toBeGreaterThan(16);
    expect((await people.owner.get('/api/v1/inbox/items')).status).toBe(200);
    rmSync(ballast);
    await until(async () => (await notify()).status === 201, 'it can be written again');
    for (const id of kept) expect((await people.owner.get(`/api/v1/inbox/items/${id}`)).status).toBe(200);
    expect(server.output()).not.toContain('postgres ended by itself');
  },
  180_000,
);

it.skipIf(isRoot)('only root may mount the small disk that this file needs: run it as root', () => {
  expect(isRoot).toBe(false);
});
