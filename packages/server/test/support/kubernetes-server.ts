import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './rest-client.ts';

type Kind = 'services' | 'ingresses' | 'namespaces';

export interface KubernetesServer {
  url: string;
  /** Lists that were asked for, by kind. */
  lists: Record<Kind, number>;
  /** Kinds that the role does not see. */
  denied: Set<Kind>;
  /** Tokens that came. */
  tokens: Set<string>;
  readonly watches: number;
  put(kind: Kind, object: Json): void;
  remove(kind: Kind, name: string, namespace?: string): void;
  /** Sends what only moves the version on. */
  bookmark(): void;
  /** Forgets its history: open watches of the kind hear of it, new ones are refused until a list was read. */
  forget(kind: Kind): void;
  close(): Promise<void>;
}

interface Watch {
  kind: Kind;
  namespace: string | null;
  response: ServerResponse;
}

const bases: Record<string, Kind> = {
  '/api/v1/services': 'services',
  '/api/v1/namespaces': 'namespaces',
  '/apis/networking.k8s.io/v1/ingresses': 'ingresses',
};

const kindOf = (path: string): { kind: Kind; namespace: string | null } | null => {
  const named = /^(\/api\/v1|\/apis\/networking\.k8s\.io\/v1)\/namespaces\/([^/]+)\/(services|ingresses)$/.exec(path);
  if (named !== null) return { kind: named[3] as Kind, namespace: named[2]! };
  const kind = bases[path];
  return kind === undefined ? null : { kind, namespace: null };
};

const gone = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message: 'too old resource version' };

/** The part of a Kubernetes API server that discovery uses: lists in pages, watches, bookmarks and a history that ends. */
export const startKubernetesServer = async (
  /** Asked first; true when it has answered. */
  routes?: (request: IncomingMessage, response: ServerResponse) => boolean,
): Promise<KubernetesServer> => {
  const objects: Record<Kind, Map<string, Json>> = { services: new Map(), ingresses: new Map(), namespaces: new Map() };
  const watches = new Set<Watch>();
  /** Versions below are no longer known. */
  const horizon: Record<Kind, number> = { services: 0, ingresses: 0, namespaces: 0 };
  const history: { kind: Kind; version: number; type: string; object: Json }[] = [];
  let version = 1000;

  const concerns = (watch: Pick<Watch, 'kind' | 'namespace'>, kind: Kind, object: Json): boolean =>
    watch.kind === kind && (watch.namespace === null || object.metadata.namespace === watch.namespace);
  const tell = (kind: Kind, type: string, object: Json): void => {
    history.push({ kind, version, type, object });
    for (const watch of watches)
      if (concerns(watch, kind, object)) watch.response.write(`${JSON.stringify({ type, object })}\n`);
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://kubernetes');
    const found = kindOf(url.pathname);
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    api.tokens.add(String(request.headers.authorization));
    if (routes?.(request, response)) return;
    if (found === null) return answer(404, { message: 'not found' });
    const { kind, namespace } = found;
    if (api.denied.has(kind))
      return answer(403, { kind: 'Status', code: 403, message: `${kind} is forbidden: cannot list resource` });
    if (url.searchParams.get('watch') === 'true') {
      const from = Number(url.searchParams.get('resourceVersion'));
      if (from < horizon[kind]) return answer(410, gone);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const watch = { kind, namespace, response };
      for (const past of history)
        if (past.version > from && concerns(watch, past.kind, past.object))
          response.write(`${JSON.stringify({ type: past.type, object: past.object })}\n`);
      watches.add(watch);
      response.on('close', () => watches.delete(watch));
      return;
    }
    const all = [...objects[kind].values()].filter((one) => namespace === null || one.metadata.namespace === namespace);
    // Pages of two, so that a client that reads only the first one is found out.
    const start = Number(url.searchParams.get('continue') ?? 0);
    const items = url.searchParams.has('limit') ? all.slice(start, start + 2) : all;
    const next = start + 2 < all.length && url.searchParams.has('limit') ? String(start + 2) : '';
    if (start === 0) api.lists[kind] += 1;
    answer(200, { kind: 'List', metadata: { resourceVersion: String(version), continue: next }, items });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const keyOf = (name: string, namespace = '') => `${namespace}/${name}`;
  const api: KubernetesServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lists: { services: 0, ingresses: 0, namespaces: 0 },
    denied: new Set(),
    tokens: new Set(),
    get watches() {
      return watches.size;
    },
    put: (kind, object) => {
      version += 1;
      const key = keyOf(object.metadata.name, object.metadata.namespace);
      const type = objects[kind].has(key) ? 'MODIFIED' : 'ADDED';
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      objects[kind].set(key, stored);
      tell(kind, type, stored);
    },
    remove: (kind, name, namespace) => {
      const object = objects[kind].get(keyOf(name, namespace));
      if (object === undefined) throw new Error(`there are no ${kind} ${name}`);
      version += 1;
      objects[kind].delete(keyOf(name, namespace));
      tell(kind, 'DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
    },
    bookmark: () => {
      for (const { kind, response } of watches)
        response.write(
          `${JSON.stringify({ type: 'BOOKMARK', object: { kind, metadata: { resourceVersion: String(version) } } })}\n`,
        );
    },
    forget: (kind) => {
      version += 1;
      horizon[kind] = version;
      for (const watch of watches)
        if (watch.kind === kind) watch.response.end(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return api;
};
