import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startScriptEngine } from '../../../../test/support/script-engine.ts';
import { createContainerRunner } from './container-runner.ts';
import type { RunOrder } from './run-ending.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-scripts-'));
let engine: Awaited<ReturnType<typeof startScriptEngine>>;
let runner: ReturnType<typeof createContainerRunner>;
beforeAll(async () => {
  engine = await startScriptEngine();
  runner = createContainerRunner(
    () => ({ endpoint: engine.endpoint, cert_path: null }),
    () => folder,
  );
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const orderOf = (text: string, parts: Partial<RunOrder> = {}) => {
  writeFileSync(join(folder, 'job.sh'), text, { mode: 0o755 });
  const heard = { stdout: '', stderr: '', notes: [] as string[] };
  const order: RunOrder = {
    ...{ id: crypto.randomUUID(), org_id: 'org', name: 'job.sh', path: 'job.sh', bytes: Buffer.from(text) },
    ...{ kind: 'sh', command: null, image: null, variables: {}, timeout_s: 60, signal: new AbortController().signal },
    onOutput: (stream, chunk) => {
      heard[stream] += chunk;
    },
    onNote: (note) => void heard.notes.push(note),
    ...parts,
  };
  return { order, heard };
};

it('a container has no network, sees the file alone, and is gone afterwards', async () => {
  const { order, heard } = orderOf('echo "$NAME"; echo bad >&2; exit 3', { variables: { NAME: '$(reboot)' } });
  expect(await runner.run(order)).toMatchObject({ state: 'failed', reason: 'exit', exit_code: 3 });
  expect(heard).toEqual({ stdout: '$(reboot)\n', stderr: 'bad\n', notes: ['Fetching the image alpine:3.'] });
  expect(engine.seen.at(-1)!.body).toMatchObject({
    Image: 'alpine:3',
    Cmd: ['/bin/sh', '/script/job.sh'],
    Env: ['LANG=C.UTF-8', 'HOME=/tmp', 'NAME=$(reboot)'],
    HostConfig: {
      NetworkMode: 'none',
      Binds: [`${folder}/job.sh:/script/job.sh:ro`],
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
    },
  });
  expect(engine.containers.size).toBe(0);
});

it('one that is stopped is removed by force, and what a dead server left is cleared', async () => {
  const stop = new AbortController();
  const { order } = orderOf('echo begun; sleep 60', {
    signal: stop.signal,
    onOutput: () => stop.abort('timeout'),
    timeout_s: 1,
  });
  expect(await runner.run(order)).toMatchObject({ state: 'timeout' });
  expect(engine.containers.size).toBe(0);
  await runner.clear(order.id);
});

it('an engine that does not answer is the reason of the failure', async () => {
  const away = createContainerRunner(
    () => ({ endpoint: 'unix:///nowhere/docker.sock', cert_path: null }),
    () => folder,
  );
  expect(await away.run(orderOf('true').order)).toMatchObject({
    state: 'failed',
    reason: 'no_container',
    detail: expect.stringContaining('ENOENT'),
  });
});
