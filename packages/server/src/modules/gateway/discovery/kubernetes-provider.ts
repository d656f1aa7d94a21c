import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../platform/clock/clock.ts';
import { ServiceClient, ServiceRefusal } from '../../../platform/net/service-client.ts';
import { type ClusterAccess, readClusterAccess } from './kubeconfig.ts';
import { type KubeIngress, type KubeObject, type KubeService, sightingsOf } from './kubernetes-services.ts';
import { createProviderLoop, type OnScan, type OnState, type Provider, type Run } from './provider.ts';
import type { Sighting, SightingSink } from './sighting.ts';

export interface KubernetesSettings {
  /** Path of a kubeconfig, or of the folder of a pod's account. */
  access: string;
  context: string | null;
  /** Empty: all. */
  namespaces: readonly string[];
  resync_ms: number;
}

export interface KubernetesProviderParts {
  settings: KubernetesSettings;
  sink: SightingSink;
  clock: Clock;
  onState: OnState;
  onScan?: OnScan | undefined;
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

interface List {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: KubeObject[] | null;
}

interface WatchEvent {
  type?: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object?: KubeObject & { code?: number; message?: string };
}

const pageSize = 500;
/** Servers end a watch after a while; asking for it keeps both sides from believing in a dead connection. */
const watchSeconds = 290;
/** Changes of one moment are looked at together. */
const gatherMs = 100;

/** The history that was asked for is gone; a new list is the way on. */
class Outdated extends Error {}

const keyOf = ({ metadata }: KubeObject): string => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

/** One kind of object, in one namespace or all: a list that is kept up to date by a watch. */
class Collection {
  readonly #client: ServiceClient;
  readonly #path: string;
  readonly #changed: () => void;
  objects = new Map<string, KubeObject>();

  constructor(client: ServiceClient, path: string, changed: () => void) {
    this.#client = client;
    this.#path = path;
    this.#changed = changed;
  }

  async follow(signal: AbortSignal, listed: () => void): Promise<void> {
    for (;;) {
      let version = await this.#list(signal);
      listed();
      try {
        for (;;) version = await this.#watch(version, signal);
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const objects = new Map<string, KubeObject>();
    let next = '';
    let version = '';
    do {
      const query = new URLSearchParams({ limit: String(pageSize), ...(next === '' ? {} : { continue: next }) });
      const page = await this.#client.json<List>(`${this.#path}?${query}`, signal);
      for (const object of page.items ?? []) objects.set(keyOf(object), object);
      version = page.metadata?.resourceVersion ?? '';
      next = page.metadata?.continue ?? '';
    } while (next !== '');
    // In one step, so that nothing seems to be gone while the list is read anew.
    this.objects = objects;
    this.#changed();
    return version;
  }

  /** Until the server ends it; resolves to where to go on. */
  async #watch(from: string, signal: AbortSignal): Promise<string> {
    const query = new URLSearchParams({
      ...{ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from, timeoutSeconds: String(watchSeconds) },
    });
    let version = from;
    const events = await this.#client.lines<WatchEvent>(`${this.#path}?${query}`, signal).catch((error: unknown) => {
      throw error instanceof ServiceRefusal && error.status === 410 ? new Outdated() : error;
    });
    for await (const { type, object } of events) {
      if (object === undefined) continue;
      if (type === 'ERROR') {
        if (object.code === 410) throw new Outdated();
        throw new Error(object.message ?? 'the watch failed');
      }
      version = object.metadata?.resourceVersion ?? version;
      if (type === 'BOOKMARK') continue;
      if (type === 'DELETED') this.objects.delete(keyOf(object));
      else this.objects.set(keyOf(object), object);
      this.#changed();
    }
    return version;
  }
}

const kinds = [
  { kind: 'services', base: '/api/v1', right: 'services' },
  { kind: 'ingresses', base: '/apis/networking.k8s.io/v1', right: 'ingresses.networking.k8s.io' },
] as const;

const isForbidden = (error: unknown): boolean => error instanceof ServiceRefusal && error.status === 403;

/** What was told, beyond one connection. */
type Told = Map<string, Sighting>;

const follow = async (parts: KubernetesProviderParts, run: Run, told: Told): Promise<void> => {
  const { settings, sink } = parts;
  const access: ClusterAccess = await readClusterAccess(settings.access, settings.context);
  const client = new ServiceClient(access.address);
  const ending = new AbortController();
  const signal = AbortSignal.any([run.signal, ending.signal]);
  const missing = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let complete = false;

  const tell = (): void => {
    timer = null;
    if (!complete || signal.aborted) return;
    const of = <T extends KubeObject>(name: string): T[] =>
      collections.filter((one) => one.name === name).flatMap((one) => [...one.collection.objects.values()] as T[]);
    const sightings = sightingsOf({
      services: of<KubeService>('services'),
      ingresses: of<KubeIngress>('ingresses'),
      namespaces: of('namespaces'),
      inside: access.inside,
      node: new URL(access.address.origin).hostname,
    });
    const now = new Map(sightings.map((sighting) => [sighting.fingerprint, sighting]));
    for (const fingerprint of told.keys())
      if (!now.has(fingerprint)) {
        told.delete(fingerprint);
        sink.gone('kubernetes', fingerprint);
      }
    for (const [fingerprint, sighting] of now) {
      if (isDeepStrictEqual(told.get(fingerprint), sighting)) continue;
      told.set(fingerprint, sighting);
      sink.sight(sighting);
    }
  };
  const changed = (): void => {
    timer ??= setTimeout(tell, gatherMs);
  };
  const again = (): void => {
    for (const sighting of told.values()) sink.sight(sighting);
  };
  const make = (name: string, path: string, right: string) => ({
    ...{ name, right },
    collection: new Collection(client, path, () => {
      run.heard();
      changed();
    }),
  });
  const inEach = settings.namespaces.length === 0 ? [''] : settings.namespaces.map((name) => `/namespaces/${name}`);
  const collections = [
    make('namespaces', '/api/v1/namespaces', 'namespaces'),
    ...kinds.flatMap(({ kind, base, right }) => inEach.map((space) => make(kind, `${base}${space}/${kind}`, right))),
  ];
  const waiting = new Set(collections);
  const began = performance.now();
  const oneListed = (one: (typeof collections)[number]): void => {
    waiting.delete(one);
    if (waiting.size > 0 || complete) return;
    complete = true;
    run.scanned(began);
    run.up();
    run.missing([...missing], missing.size === 0 ? null : `Grant get, list and watch on ${[...missing].join(', ')}`);
    changed();
  };
  const resync = setInterval(again, settings.resync_ms).unref();
  run.onRescan(again);
  try {
    await Promise.all(
      collections.map(async (one) => {
        try {
          await one.collection.follow(signal, () => oneListed(one));
        } catch (error) {
          // A role without one kind sees the others all the same; without Services there is nothing to see.
          if (!isForbidden(error) || one.name === 'services') throw error;
          missing.add(one.right);
          oneListed(one);
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        }
      }),
    );
  } finally {
    ending.abort();
    if (timer !== null) clearTimeout(timer);
    clearInterval(resync);
    await client.close();
  }
};

const hintOf = (error: unknown): string | null =>
  isForbidden(error) ? 'Grant get, list and watch on services, ingresses.networking.k8s.io and namespaces' : null;

/** Services and Ingresses of a cluster: lists that watches keep up to date. */
export const createKubernetesProvider = (parts: KubernetesProviderParts): Provider => {
  const told: Told = new Map();
  return createProviderLoop({
    ...{ name: 'kubernetes', kind: 'kubernetes', endpoint: parts.settings.access, hintOf },
    clock: parts.clock,
    onState: parts.onState,
    onScan: parts.onScan,
    ...(parts.pause === undefined ? {} : { pause: parts.pause }),
    attempt: (run) => follow(parts, run, told),
  });
};
