import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DockerEngine, startDockerEngine } from '../../../../test/support/docker-server-containers.ts';
import { systemClock } from '../../../platform/clock/clock.ts';
import { DockerRuntime } from './docker-runtime.ts';
import { runtimeSuite } from './runtime.testsuite.ts';
import { ActionFailed } from './runtime.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-docker-'));
const signal = new AbortController().signal;
let docker: DockerEngine;
let runtime: DockerRuntime;

beforeAll(async () => {
  docker = await startDockerEngine({ socket: join(folder, 'docker.sock') });
  runtime = new DockerRuntime({ endpoint: docker.endpoint, cert_path: null }, systemClock);
});
afterAll(async () => {
  await runtime.close();
  await docker.close();
  rmSync(folder, { recursive: true, force: true });
});

runtimeSuite('Docker', {
  runtime: () => runtime,
  make: (name) => docker.make({ name, environment: { GREETING: 'hello' } }),
  turn: (name, on) => docker.turn(name, on),
  remove: (name) => docker.remove(name),
  write: (name, text) => docker.write(name, text),
  cutLogs: (name) => docker.cutLogs(name),
  forbidActs: () => void docker.denied.add('POST '),
  allowActs: () => void docker.denied.delete('POST '),
  unknown: 'f'.repeat(64),
});

const lines = async (id: string) => {
  const found = [];
  for await (const line of runtime.logs(id, { tail: 'all', follow: false, since: null }, signal)) found.push(line);
  return found;
};

it('both streams are told apart, and a terminal has one', async () => {
  const id = docker.make({ name: 'streams' });
  docker.write('streams', 'fine');
  docker.write('streams', 'bad', 'stderr');
  expect((await lines(id)).map(({ stream, text }) => [stream, text])).toEqual([
    ['stdout', 'fine'],
    ['stderr', 'bad'],
  ]);
  const terminal = docker.make({ name: 'terminal', tty: true });
  docker.write('terminal', 'as it comes');
  expect((await lines(terminal)).map(({ stream, text }) => [stream, text])).toEqual([['stdout', 'as it comes']]);
});

it('a line without end is cut, and the next one is whole', async () => {
  const id = docker.make({ name: 'long' });
  docker.write('long', 'x'.repeat(200_000));
  docker.write('long', 'next');
  const [first, second] = await lines(id);
  expect(first!.text).toHaveLength(16 * 1024);
  expect(second!.text).toBe('next');
});

it('use is measured between two readings, without the cache of files', async () => {
  const id = docker.make({ name: 'used' });
  await runtime.usage(id, signal);
  expect(await runtime.usage(id, signal)).toMatchObject({
    ...{ cpu_percent: 25, memory_bytes: 100_000_000, memory_limit_bytes: 1_000_000_000 },
    ...{ received_bytes: 1001, sent_bytes: 2002, read_bytes: 10, written_bytes: 20, processes: 7 },
  });
});

it('one that ended badly is failed, one that was told to end is stopped', async () => {
  const id = docker.make({ name: 'ended' });
  docker.die('ended', 1);
  expect(await runtime.inspect(id, signal)).toMatchObject({ state: 'failed', exit_code: 1, started_at: null });
  docker.turn('ended', true);
  docker.die('ended', 143);
  expect((await runtime.list(signal)).find((one) => one.id === id)).toMatchObject({ state: 'stopped' });
});

it('what the engine says to an act that failed is told, and how long it may take is asked', async () => {
  const id = docker.make({ name: 'faulty' });
  docker.faults.set('faulty:restart', { status: 500, message: 'driver failed programming external connectivity' });
  await expect(runtime.act(id, 'restart', 7, signal)).rejects.toThrow(ActionFailed);
  await expect(runtime.act(id, 'restart', 7, signal)).rejects.toThrow('driver failed');
  expect(docker.acts).toContain('faulty:restart:7');
});

it('a proxy that lets nothing be started is told its own words', async () => {
  docker.denied.add('POST ');
  docker.denied.add('/events');
  const rights = await runtime.rights(signal);
  expect(rights.missing).toEqual(['EVENTS', 'POST', 'ALLOW_START', 'ALLOW_STOP', 'ALLOW_RESTARTS']);
  expect(rights.hint).toMatch(/: CONTAINERS=1 .*POST=1 ALLOW_START=1 ALLOW_STOP=1 ALLOW_RESTARTS=1$/);
  docker.denied.clear();
});
