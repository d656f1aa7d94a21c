import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type KubernetesWorkloads,
  startKubernetesWorkloads,
} from '../../../../test/support/kubernetes-server-workloads.ts';
import { systemClock } from '../../../platform/clock/clock.ts';
import { quantity } from './kubernetes-answers.ts';
import { KubernetesRuntime } from './kubernetes-runtime.ts';
import { runtimeSuite } from './runtime.testsuite.ts';
import { ActionFailed } from './runtime.ts';

const folder = mkdtempSync(join(tmpdir(), 'atrium-cluster-'));
const signal = new AbortController().signal;
let cluster: KubernetesWorkloads;
let runtime: KubernetesRuntime;

beforeAll(async () => {
  cluster = await startKubernetesWorkloads();
  const access = join(folder, 'config');
  const config = {
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: cluster.url } }],
    users: [{ name: 'test', user: { token: 'cluster-token' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  writeFileSync(access, JSON.stringify(config));
  runtime = new KubernetesRuntime({ access, context: null, namespaces: [] }, systemClock);
});
afterAll(async () => {
  await runtime.close();
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
});

const env = [{ name: 'GREETING', value: 'hello' }];

runtimeSuite('Kubernetes', {
  runtime: () => runtime,
  make: (name) => {
    cluster.make('deployments', name, { container: { env } });
    return `deployment.default.${name}`;
  },
  turn: (name, on) => cluster.scale('deployments', name, on ? 1 : 0),
  remove: (name) => cluster.removeWorkload('deployments', name),
  write: (name, text) => cluster.write(name, text),
  cutLogs: () => cluster.cutLogs(),
  forbidActs: () => void cluster.forbidden.add('patch deployments'),
  allowActs: () => void cluster.forbidden.delete('patch deployments'),
  unknown: 'deployment.default.nobody',
});

it('a stop remembers how many there were, and a start brings as many back', async () => {
  cluster.make('statefulsets', 'store', { replicas: 3 });
  const id = 'statefulset.default.store';
  await runtime.act(id, 'stop', 10, signal);
  expect(cluster.workload('statefulsets', 'store')).toMatchObject({
    spec: { replicas: 0 },
    metadata: { annotations: { 'atrium/replicas': '3' } },
  });
  await runtime.act(id, 'start', 10, signal);
  const one = cluster.workload('statefulsets', 'store');
  expect([one.spec.replicas, one.metadata.annotations]).toEqual([3, {}]);
  expect(await runtime.inspect(id, signal)).toMatchObject({ kind: 'stateful_set', replicas: { wanted: 3, ready: 3 } });
});

it('a restart is a rollout, and the log goes on in the new pod', async () => {
  cluster.make('deployments', 'rolled');
  cluster.write('rolled', 'old');
  await runtime.act('deployment.default.rolled', 'restart', 10, signal);
  cluster.write('rolled', 'new');
  const lines = [];
  const wishes = { tail: 10, follow: false, since: null };
  for await (const line of runtime.logs('deployment.default.rolled', wishes, signal)) lines.push(line.text);
  expect(lines).toEqual(['new']);
});

it('a pod that nothing keeps running is shown and not stopped', async () => {
  cluster.bare('task');
  const task = (await runtime.list(signal)).find(({ name }) => name === 'task');
  expect(task).toMatchObject({ id: 'pod.default.task', kind: 'pod', controllable: false });
  await expect(runtime.act('pod.default.task', 'stop', 1, signal)).rejects.toThrow(ActionFailed);
});

it('without a metrics server nothing is measured, and the status says what to install', async () => {
  cluster.make('deployments', 'unmeasured');
  cluster.metrics = false;
  expect(await runtime.usage('deployment.default.unmeasured', signal)).toMatchObject({
    cpu_percent: null,
    memory_bytes: null,
  });
  cluster.metrics = true;
});

it('quantities are read as Kubernetes writes them', () => {
  expect(['250m', '1.5', '64Mi', '125000000n', '2e3', 'much'].map(quantity)).toEqual([
    ...[0.25, 1.5, 67_108_864, 0.125, 2000, null],
  ]);
});
