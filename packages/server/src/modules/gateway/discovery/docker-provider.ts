import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { ProbedAddress } from '../../../platform/net/http-probe.ts';
import {
  DockerApi,
  type DockerContainer,
  type DockerEndpoint,
  type DockerEvent,
  isRefused,
} from '../runtime/docker-api.ts';
import {
  type ContainerFacts,
  factsOf,
  fingerprintOf,
  type NetworkChoice,
  type Outlook,
  portsOf,
  sightingOf,
  standsBefore,
  waysTo,
  whySkipped,
} from './docker-containers.ts';
import { readLabels } from './labels.ts';
import { createProviderLoop, type OnScan, type OnState, type Provider, type Run } from './provider.ts';
import type { SightedAddress, Sighting, SightingSink } from './sighting.ts';
import { Turns } from './turns.ts';

export interface DockerSettings extends DockerEndpoint, NetworkChoice {
  resync_ms: number;
  include_system: boolean;
}

export interface DockerProviderParts {
  settings: DockerSettings;
  sink: SightingSink;
  clock: Clock;
  onState: OnState;
  onScan?: OnScan | undefined;
  /** Ids of the container that this server runs in. */
  own_ids: readonly string[];
  /** Whether something answers HTTP there. */
  answers: (address: ProbedAddress, timeout_ms: number, signal: AbortSignal) => Promise<boolean>;
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const probeMs = 2000;
const probesOfContainer = 4;
const containersAtOnce = 32;
/** Events of one moment are answered by one list. */
const gatherMs = 50;
const listAllAbove = 20;
/** A container that asks to be here is shown before its page answers; one that does not is asked again for a while. */
const patienceMs = 1000;
const askAgainMs = [1000, 2000, 4000, 8000, 15_000, 30_000, 60_000, 120_000];
/** Without the right to events a list has to do. */
const withoutEventsMs = 30_000;
/** Some engines begin the answer with the first event. */
const openMs = 300;

const rights = 'CONTAINERS=1 EVENTS=1 NETWORKS=1 PING=1 VERSION=1';

const hintOf = (error: unknown): string | null => {
  const { code, message = '' } = error as { code?: string; message?: string };
  if (code === 'ENOENT')
    return 'In a container, mount the socket of the engine: -v /var/run/docker.sock:/var/run/docker.sock:ro';
  if (code === 'EACCES') return 'Let this user read the socket, which its group may: usermod -aG docker <user>';
  if (isRefused(error) && message.includes('/containers/')) return `Give the socket proxy these rights: ${rights}`;
  return null;
};

/** One container while it is looked at. */
interface Watched {
  facts: ContainerFacts;
  /** Facts that a change of makes the answers of its ports stale. */
  digest: string;
  sighting: Sighting | null;
  asked: number;
  timer: NodeJS.Timeout | null;
}

/** Not every engine, or what stands in for one, filters as it is asked to. */
const running = (containers: readonly DockerContainer[]): DockerContainer[] =>
  containers.filter(({ State = 'running' }) => State.toLowerCase() === 'running');

/** Containers of an engine, for as long as one connection lasts. */
class DockerWatch {
  readonly #parts: DockerProviderParts;
  readonly #api: DockerApi;
  readonly #signal: AbortSignal;
  readonly #turns = new Turns(containersAtOnce);
  readonly #watched: Map<string, Watched>;
  readonly #memory: DockerMemory;
  #outlook: Outlook;

  constructor(parts: DockerProviderParts, api: DockerApi, signal: AbortSignal, memory: DockerMemory) {
    this.#parts = parts;
    this.#api = api;
    this.#signal = signal;
    this.#watched = memory.watched;
    this.#memory = memory;
    const { endpoint } = parts.settings;
    const remote = /^(?:tcp|https?):/.test(endpoint) ? new URL(endpoint.replace(/^tcp:/, 'http:')).hostname : null;
    const local = remote === null || ['localhost', '127.0.0.1', '[::1]'].includes(remote);
    this.#outlook = { own_ids: parts.own_ids, own_networks: null, machine: local ? '127.0.0.1' : remote };
  }

  /** Everything that runs, and that what is no longer among it is gone. */
  async syncAll(): Promise<void> {
    const containers = running(await this.#api.containers(this.#signal));
    this.#lookAround(containers);
    const found = new Set(containers.map(({ Id }) => Id));
    for (const id of this.#watched.keys()) if (!found.has(id)) this.#forget(id);
    this.#takeAll(containers);
  }

  async sync(ids: readonly string[]): Promise<void> {
    const containers = running(await this.#api.containers(this.#signal, ids));
    const found = new Set(containers.map(({ Id }) => Id));
    for (const id of ids) if (!found.has(id)) this.#forget(id);
    this.#takeAll(containers);
  }

  end(): void {
    for (const { timer } of this.#watched.values()) if (timer !== null) clearTimeout(timer);
  }

  #lookAround(containers: readonly DockerContainer[]): void {
    const own = containers.map(factsOf).find((facts) => this.#outlook.own_ids.some((id) => facts.id.startsWith(id)));
    this.#outlook = { ...this.#outlook, own_networks: own === undefined ? null : own.networks.map(({ name }) => name) };
  }

  /** Nothing waits for what the ports answer: one that hangs must not hold up the others. */
  #takeAll(containers: readonly DockerContainer[]): void {
    for (const container of containers) this.#take(factsOf(container));
  }

  #take(facts: ContainerFacts): void {
    const { settings } = this.#parts;
    if (whySkipped(facts, this.#outlook, settings, settings.include_system) !== null) {
      this.#forget(facts.id);
      return;
    }
    const digest = JSON.stringify([facts, this.#outlook]);
    const known = this.#watched.get(facts.id);
    if (known?.digest === digest && known.sighting !== null) {
      this.#announce(fingerprintOf(facts));
      return;
    }
    if (known !== undefined && known.timer !== null) clearTimeout(known.timer);
    // Renamed, or relabelled: under the old name it is gone.
    const renamed = known !== undefined && fingerprintOf(known.facts) !== fingerprintOf(facts);
    if (renamed) this.#forget(facts.id);
    else if (known !== undefined) this.#leave(known);
    // Until its ports have answered it is where it was.
    const sighting = renamed ? null : (known?.sighting ?? null);
    const watched: Watched = { facts, digest, sighting, asked: 0, timer: null };
    this.#watched.set(facts.id, watched);
    this.#join(watched);
    void this.#look(watched);
  }

  /** Asks the ports and tells what came of it; comes again for a while when nothing answered. */
  async #look(watched: Watched): Promise<void> {
    const { facts } = watched;
    const plan = portsOf(facts);
    const ways = plan.ports.map((port) => waysTo(facts, port, this.#outlook, this.#parts.settings));
    const unasked = ways.flatMap((one) => one.slice(0, 1));
    if (unasked.length === 0) {
      watched.sighting = null;
      this.#announce(fingerprintOf(facts));
      return;
    }
    if (!plan.probe) {
      this.#settle(watched, unasked);
      return;
    }
    const explicit = readLabels(facts.labels).enable === true;
    // Its page may take a while to come up; that it is there is known already.
    const early = explicit ? setTimeout(() => this.#settle(watched, unasked), patienceMs) : null;
    const answered = await this.#turns.take(() => this.#ask(ways)).finally(() => early !== null && clearTimeout(early));
    if (this.#signal.aborted) return;
    if (answered.length > 0) this.#settle(watched, answered);
    else {
      if (explicit) this.#settle(watched, unasked);
      this.#askAgain(watched);
    }
  }

  async #ask(ways: readonly (readonly SightedAddress[])[]): Promise<SightedAddress[]> {
    const turns = new Turns(probesOfContainer);
    const asked = await Promise.all(
      ways.map((ofPort) =>
        turns.take(async () => {
          for (const way of ofPort) {
            const address = { scheme: way.scheme, host: way.host, port: way.dial_port };
            if (await this.#parts.answers(address, probeMs, this.#signal)) return way;
          }
          return null;
        }),
      ),
    );
    return asked.filter((way) => way !== null);
  }

  #askAgain(watched: Watched): void {
    const ms = askAgainMs[watched.asked];
    if (ms === undefined || this.#signal.aborted || !this.#isCurrent(watched)) return;
    watched.asked += 1;
    watched.timer = setTimeout(() => {
      watched.timer = null;
      if (this.#isCurrent(watched) && !this.#signal.aborted) void this.#look(watched);
    }, ms).unref();
  }

  #isCurrent(watched: Watched): boolean {
    return this.#watched.get(watched.facts.id) === watched;
  }

  #settle(watched: Watched, addresses: readonly SightedAddress[]): void {
    if (!this.#isCurrent(watched) || this.#signal.aborted) return;
    watched.sighting = sightingOf(watched.facts, addresses);
    this.#announce(fingerprintOf(watched.facts));
  }

  #forget(id: string): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    if (watched.timer !== null) clearTimeout(watched.timer);
    this.#watched.delete(id);
    this.#leave(watched);
    this.#announce(fingerprintOf(watched.facts));
  }

  #join(watched: Watched): void {
    const fingerprint = fingerprintOf(watched.facts);
    const { services } = this.#memory;
    const members = services.get(fingerprint) ?? new Set();
    services.set(fingerprint, members.add(watched));
  }

  #leave(watched: Watched): void {
    const fingerprint = fingerprintOf(watched.facts);
    const { services } = this.#memory;
    const members = services.get(fingerprint);
    members?.delete(watched);
    if (members?.size === 0) services.delete(fingerprint);
  }

  /** The container that stands for its service, or that none is left. */
  #announce(fingerprint: string): void {
    const standing = [...(this.#memory.services.get(fingerprint) ?? [])]
      .filter(({ sighting }) => sighting !== null)
      .sort((a, b) => standsBefore(a.facts, b.facts))[0];
    if (standing !== undefined) {
      this.#memory.announced.add(fingerprint);
      this.#parts.sink.sight(standing.sighting!);
    } else if (this.#memory.announced.delete(fingerprint)) this.#parts.sink.gone('docker', fingerprint);
  }
}

/** Outlives connections: a break of the stream makes nothing new or gone. */
interface DockerMemory {
  watched: Map<string, Watched>;
  /** Containers by the service that they are of. */
  services: Map<string, Set<Watched>>;
  announced: Set<string>;
}

const containerOf = ({ Type, Action = '', Actor }: DockerEvent): string | null => {
  if (Type === 'network') {
    return Action === 'connect' || Action === 'disconnect' ? (Actor?.Attributes?.['container'] ?? null) : null;
  }
  if (Type !== 'container' || Action.startsWith('exec_') || Action === 'top' || Action === 'attach') return null;
  return Actor?.ID ?? null;
};

/** Ids that come in within a moment, handed on together, one hand-over at a time. */
class Gathering {
  readonly #ids = new Set<string>();
  readonly #hand: (ids: string[]) => Promise<void>;
  #timer: NodeJS.Timeout | null = null;
  #handing = false;

  constructor(hand: (ids: string[]) => Promise<void>) {
    this.#hand = hand;
  }

  add(id: string): void {
    this.#ids.add(id);
    if (!this.#handing) this.#timer ??= setTimeout(() => void this.#go(), gatherMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#ids.clear();
  }

  async #go(): Promise<void> {
    this.#timer = null;
    this.#handing = true;
    const ids = [...this.#ids];
    this.#ids.clear();
    await this.#hand(ids);
    this.#handing = false;
    if (this.#ids.size > 0) this.#timer ??= setTimeout(() => void this.#go(), gatherMs);
  }
}

const follow = async (parts: DockerProviderParts, run: Run, memory: DockerMemory): Promise<void> => {
  // Ends everything of this connection, and it alone.
  const ending = new AbortController();
  const signal = AbortSignal.any([run.signal, ending.signal]);
  const api = await DockerApi.open(parts.settings, signal);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const orFail = (work: Promise<void>): Promise<void> => work.catch((error: unknown) => failed.reject(error));
  const watch = new DockerWatch(parts, api, signal, memory);
  const syncAll = async (): Promise<void> => {
    const began = performance.now();
    await watch.syncAll();
    run.scanned(began);
  };
  const gathering = new Gathering((ids) => orFail(ids.length > listAllAbove ? syncAll() : watch.sync(ids)));
  const missing = [...api.missing];
  const timers: NodeJS.Timeout[] = [];
  try {
    await api.networks(signal).catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      missing.push('NETWORKS');
    });
    // The stream first: what happens while the list is on its way is not missed.
    const opening = api.events(signal).catch((error: unknown) => {
      if (!isRefused(error)) throw error;
      missing.push('EVENTS');
      return null;
    });
    opening.catch(() => {});
    const early = await Promise.race([opening, pause(openMs, 'late' as const, { signal, ref: false })]);
    const every = early === null ? Math.min(withoutEventsMs, parts.settings.resync_ms) : parts.settings.resync_ms;
    timers.push(setInterval(() => void orFail(syncAll()), every).unref());
    run.onRescan(() => void orFail(syncAll()));
    const first = syncAll();
    const connected = first.then(() => {
      run.up();
      run.missing(missing, missing.length === 0 ? null : `Give the socket proxy these rights: ${rights}`);
    });
    const reading = (async () => {
      const events = await opening;
      // It began after the list: what happened in between is in another one.
      if (early === 'late') void orFail(syncAll());
      if (events === null) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      for await (const event of events ?? []) {
        run.heard();
        const id = containerOf(event);
        if (id !== null) gathering.add(id);
      }
    })();
    reading.catch(() => {});
    await Promise.race([Promise.all([connected, reading]), failed.promise]);
  } finally {
    for (const timer of timers) clearInterval(timer);
    ending.abort();
    gathering.stop();
    watch.end();
    await api.close();
  }
};

/** Containers of a Docker engine: a list, then its events for as long as they come. */
export const createDockerProvider = (parts: DockerProviderParts): Provider => {
  const memory: DockerMemory = { watched: new Map(), services: new Map(), announced: new Set() };
  return createProviderLoop({
    ...{ name: 'docker', kind: 'docker', endpoint: parts.settings.endpoint, hintOf },
    clock: parts.clock,
    onState: parts.onState,
    onScan: parts.onScan,
    ...(parts.pause === undefined ? {} : { pause: parts.pause }),
    attempt: (run) => follow(parts, run, memory),
  });
};
