import { rmSync } from 'node:fs';
import { AtriumError, createAtrium, NotAnswered, waitForOutcome } from '@atrium/sdk';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { callServer, itemTitled, manyCalls, setUp } from '../support/cli.ts';
import { type RunningServer, startServer } from '../support/start-server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let server: RunningServer;
let owner: string;
let agentKey: string;

beforeAll(async () => {
  server = await startServer({ env: manyCalls });
  owner = await setUp(server);
  agentKey = (await callServer(server, owner, 'POST', '/api/v1/agents', { name: 'Builder' })).api_key;
});
afterAll(async () => {
  await server.stop();
  rmSync(server.dataDir, { recursive: true, force: true });
});

const atrium = () => createAtrium({ url: server.url, token: agentKey });
const answer = async (title: string, values: unknown) => {
  const { id } = await itemTitled(server, owner, title);
  await callServer(server, owner, 'POST', `/api/v1/inbox/items/${id}/answer`, { values });
};

it('the answer of a zod schema is typed, nested objects and lists included', async () => {
  const asked = atrium().ask({
    title: 'Trip',
    schema: z.object({
      city: z.string().min(2),
      seats: z.number().int(),
      person: z.object({ first: z.string() }),
      stops: z.array(z.object({ at: z.string() })),
      note: z.string().optional(),
    }),
  });
  await answer('Trip', { city: 'Oslo', seats: 2, person: [{ first: 'Ada' }], stops: [{ at: 'a' }, { at: 'b' }] });
  const result = await asked;
  expect(result.person.first).toBe('Ada');
  expect(result).toEqual({ city: 'Oslo', seats: 2, person: { first: 'Ada' }, stops: [{ at: 'a' }, { at: 'b' }] });
});

it('a question goes on through a restart of the server', async () => {
  const asked = atrium().ask({ title: 'Through', schema: { type: 'object', properties: { ok: { type: 'boolean' } } } });
  await itemTitled(server, owner, 'Through');
  await server.kill();
  server = await startServer({ env: manyCalls, dataDir: server.dataDir, port: Number(new URL(server.url).port) });
  await answer('Through', { ok: true });
  expect(await asked).toEqual({ ok: true });
});

it('time that is up leaves the question open for whoever waits on', async () => {
  const form = { fields: [{ id: 'a', type: 'text' as const }] };
  const error = await atrium()
    .ask({ title: 'Slow', form, timeoutMs: 300 })
    .catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(NotAnswered);
  const waiting = waitForOutcome(atrium().transport, (error as NotAnswered).itemId);
  await answer('Slow', { a: 'late' });
  expect(await waiting).toMatchObject({ status: 'answered', values: { a: 'late' } });
});

it('the same key with another question is refused', async () => {
  const form = { fields: [{ id: 'a', type: 'text' as const }] };
  const ask = (title: string) => atrium().ask({ title, form, idempotency_key: 'once', timeoutMs: 0 });
  await expect(ask('First')).rejects.toBeInstanceOf(NotAnswered);
  await expect(ask('First')).rejects.toBeInstanceOf(NotAnswered);
  await expect(ask('Second')).rejects.toSatisfy(
    (error) => error instanceof AtriumError && error.code === 'idempotency_key_reused',
  );
});
