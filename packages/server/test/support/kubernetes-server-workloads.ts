import type { IncomingMessage, ServerResponse } from 'node:http';
import { type KubernetesServer, startKubernetesServer } from './kubernetes-server.ts';
import type { Json } from './rest-client.ts';

type Kind = 'deployments' | 'statefulsets';

export interface KubernetesWorkloads extends KubernetesServer {
  /** Makes a workload whose pods run. */
  make(
    kind: Kind,
    name: string,
    plan?: { replicas?: number; namespace?: string; container?: Json; labels?: Json },
  ): void;
  /** A pod that nothing keeps running. */
  bare(name: string): void;
  scale(kind: Kind, name: string, replicas: number): void;
  removeWorkload(kind: Kind, name: string): void;
  workload(kind: Kind, name: string): Json;
  /** Writes a line to the log of the newest pod of the workload. */
  write(name: string, text: string): string;
  /** Ends streams of logs. */
  cutLogs(): void;
  /** `verb resource` that the role has not. */
  forbidden: Set<string>;
  metrics: boolean;
}

interface Pod {
  object: Json;
  owner: string | null;
  lines: { at: string; text: string }[];
  followers: Set<ServerResponse>;
}

const merged = (before: Json, change: Json): Json => {
  if (change === null || typeof change !== 'object' || Array.isArray(change)) return change;
  const result: Record<string, Json> = { ...(typeof before === 'object' ? before : {}) };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key] ?? {}, value);
  }
  return result;
};

/** Deployments, stateful sets, pods with logs, rights and metrics, as a cluster serves them. */
export const startKubernetesWorkloads = async (): Promise<KubernetesWorkloads> => {
  const workloads: Record<Kind, Map<string, Json>> = { deployments: new Map(), statefulsets: new Map() };
  const pods = new Map<string, Pod>();
  const watches = new Set<{ kind: Kind; response: ServerResponse }>();
  const forbidden = new Set<string>();
  let version = 1;
  let made = 0;
  let written = 0;

  const keyOf = (name: string, namespace = 'default'): string => `${namespace}/${name}`;
  const settle = (kind: Kind, key: string): void => {
    const one = workloads[kind].get(key)!;
    const mine = [...pods.entries()].filter(([, { owner }]) => owner === `${kind} ${key}`);
    const wanted = one.spec.replicas as number;
    const stamp = JSON.stringify(one.spec.template.metadata.annotations ?? {});
    for (const [podKey, pod] of mine)
      if (mine.indexOf(mine.find(([other]) => other === podKey)!) >= wanted || pod.object.stamp !== stamp) {
        for (const follower of pod.followers) follower.end();
        pods.delete(podKey);
      }
    let count = [...pods.values()].filter(({ owner }) => owner === `${kind} ${key}`).length;
    for (; count < wanted; count += 1) {
      made += 1;
      const { namespace, name } = one.metadata;
      const podName = `${name}-${made}`;
      pods.set(keyOf(podName, namespace), {
        ...{ owner: `${kind} ${key}`, lines: [], followers: new Set() },
        object: {
          stamp,
          metadata: {
            ...{ name: podName, namespace, labels: one.spec.template.metadata.labels, ownerReferences: [{ kind }] },
            creationTimestamp: new Date(1_790_000_000_000 + made * 1000).toISOString(),
          },
          spec: one.spec.template.spec,
          status: {
            ...{ phase: 'Running', startTime: '2026-01-02T03:04:05Z', podIP: `10.1.0.${made}` },
            containerStatuses: [{ name: 'main', ready: true, restartCount: 1, state: { running: {} } }],
          },
        },
      });
    }
    version += 1;
    one.status = { readyReplicas: wanted };
    one.metadata.resourceVersion = String(version);
    tell(kind, 'MODIFIED', one);
  };
  const tell = (kind: Kind, type: string, object: Json): void => {
    for (const watch of watches) if (watch.kind === kind) watch.response.write(`${JSON.stringify({ type, object })}\n`);
  };

  const answer = (response: ServerResponse, status: number, body: unknown): true => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
    return true;
  };
  const refuse = (response: ServerResponse, what: string): true =>
    answer(response, 403, { kind: 'Status', code: 403, message: `${what} is forbidden` });
  const bodyOf = async (request: IncomingMessage): Promise<Json> => {
    let text = '';
    for await (const chunk of request) text += chunk;
    return JSON.parse(text);
  };
  const selected = (url: URL): Pod[] => {
    const wanted = (url.searchParams.get('labelSelector') ?? '').split(',').filter((one) => one !== '');
    return [...pods.values()].filter(({ object }) =>
      wanted.every((one) => object.metadata.labels?.[one.split('=')[0]!] === one.split('=')[1]),
    );
  };

  const log = (pod: Pod, url: URL, response: ServerResponse): true => {
    const since = url.searchParams.get('sinceTime') ?? '';
    const tail = url.searchParams.get('tailLines');
    const last = tail === null ? pod.lines : tail === '0' ? [] : pod.lines.slice(-Number(tail));
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.flushHeaders();
    for (const { at, text } of last) if (at >= since) response.write(`${at} ${text}\n`);
    if (url.searchParams.get('follow') !== 'true') response.end();
    else {
      pod.followers.add(response);
      response.on('close', () => pod.followers.delete(response));
    }
    return true;
  };

  const routes = (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = new URL(request.url!, 'http://kubernetes');
    if (url.pathname === '/version') return answer(response, 200, { gitVersion: 'v1.33.0' });
    if (url.pathname.endsWith('/selfsubjectaccessreviews')) {
      void bodyOf(request).then(({ spec: { resourceAttributes: asked } }) => {
        const resource = `${asked.resource}${asked.subresource ? `/${asked.subresource}` : ''}`;
        answer(response, 201, { status: { allowed: !forbidden.has(`${asked.verb} ${resource}`) } });
      });
      return true;
    }
    const metrics = /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/[^/]+\/pods(?:\/([^/]+))?$/.exec(url.pathname);
    if (metrics !== null) {
      if (!api.metrics) return answer(response, 404, { message: 'the server could not find the requested resource' });
      const use = { containers: [{ name: 'main', usage: { cpu: '125000000n', memory: '64Mi' } }] };
      return answer(response, 200, metrics[1] === undefined ? { items: selected(url).map(() => use) } : use);
    }
    const found =
      /^(?:\/apis\/apps\/v1|\/api\/v1)(?:\/namespaces\/([^/]+))?\/(deployments|statefulsets|pods)(?:\/([^/]+))?(\/log)?$/.exec(
        url.pathname,
      );
    if (found === null) return false;
    const [, namespace, kind, name, sub] = found as unknown as [string, string?, string?, string?, string?];
    const verb =
      request.method === 'PATCH'
        ? 'patch'
        : name === undefined
          ? url.searchParams.has('watch')
            ? 'watch'
            : 'list'
          : 'get';
    if (forbidden.has(`${verb} ${kind}${sub ?? ''}`)) return refuse(response, `${verb} ${kind}`);
    if (kind === 'pods') {
      if (name === undefined)
        return answer(response, 200, { metadata: {}, items: selected(url).map(({ object }) => object) });
      const pod = pods.get(keyOf(name, namespace));
      if (pod === undefined) return answer(response, 404, { message: `pods "${name}" not found` });
      return sub === undefined ? answer(response, 200, pod.object) : log(pod, url, response);
    }
    const all = workloads[kind as Kind];
    if (url.searchParams.has('watch')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const watch = { kind: kind as Kind, response };
      watches.add(watch);
      response.on('close', () => watches.delete(watch));
      return true;
    }
    if (name === undefined)
      return answer(response, 200, { metadata: { resourceVersion: String(version) }, items: [...all.values()] });
    const key = keyOf(name, namespace);
    const one = all.get(key);
    if (one === undefined) return answer(response, 404, { message: `${kind} "${name}" not found` });
    if (request.method !== 'PATCH') return answer(response, 200, one);
    void bodyOf(request).then((change) => {
      all.set(key, merged(one, change));
      settle(kind as Kind, key);
      answer(response, 200, all.get(key));
    });
    return true;
  };

  const base = await startKubernetesServer(routes);
  const more: Omit<KubernetesWorkloads, keyof KubernetesServer> = {
    forbidden,
    metrics: true,
    make: (kind, name, { replicas = 1, namespace = 'default', container = {}, labels = {} } = {}) => {
      const podLabels = { app: name };
      workloads[kind].set(keyOf(name, namespace), {
        metadata: { name, namespace, labels, creationTimestamp: '2026-01-02T03:04:05Z' },
        spec: {
          ...{ replicas, selector: { matchLabels: podLabels } },
          template: {
            metadata: { labels: podLabels },
            spec: { containers: [{ name: 'main', image: 'example/app:1', ...container }], volumes: [] },
          },
        },
      });
      settle(kind, keyOf(name, namespace));
    },
    bare: (name) => {
      pods.set(keyOf(name), {
        ...{ owner: null, lines: [], followers: new Set() },
        object: {
          metadata: { name, namespace: 'default', labels: {} },
          spec: { containers: [{ name: 'main', image: 'example/task:1' }] },
          status: { phase: 'Running', startTime: '2026-01-02T03:04:05Z', containerStatuses: [{ ready: true }] },
        },
      });
    },
    scale: (kind, name, replicas) => {
      workloads[kind].get(keyOf(name))!.spec.replicas = replicas;
      settle(kind, keyOf(name));
    },
    removeWorkload: (kind, name) => {
      more.scale(kind, name, 0);
      const one = workloads[kind].get(keyOf(name))!;
      workloads[kind].delete(keyOf(name));
      tell(kind, 'DELETED', one);
    },
    workload: (kind, name) => workloads[kind].get(keyOf(name))!,
    write: (name, text) => {
      const pod = [...pods.values()].filter(({ object }) => object.metadata.labels?.app === name).at(-1)!;
      written += 1;
      const at = `${new Date(1_790_000_000_000 + written).toISOString().slice(0, -1)}${String(written).padStart(6, '0')}Z`;
      pod.lines.push({ at, text });
      for (const follower of pod.followers) follower.write(`${at} ${text}\n`);
      return at;
    },
    cutLogs: () => {
      for (const { followers } of pods.values()) for (const follower of followers) follower.end();
    },
  };
  const api = Object.assign(base, more) as KubernetesWorkloads;
  return api;
};
