import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerAction } from '@atrium/protocol';
import type { Clock } from '../../../platform/clock/clock.ts';
import { ServiceRefusal } from '../../../platform/net/service-client.ts';
import {
  type DockerInspected,
  type DockerListed,
  type DockerStats,
  inspectedOf,
  listedOf,
  usageOf,
} from './docker-answers.ts';
import { DockerApi, type DockerEndpoint, type DockerEvent } from './docker-api.ts';
import { multiplexedLines, plainLines } from './log-lines.ts';
import {
  ActionFailed,
  type Inspected,
  type Listed,
  type LogWishes,
  NoContainer,
  NoRight,
  type Rights,
  type Runtime,
  type RuntimeEvent,
  type RuntimeLine,
  type Usage,
} from './runtime.ts';

const proxyLine =
  'CONTAINERS=1 EVENTS=1 NETWORKS=1 PING=1 VERSION=1 POST=1 ALLOW_START=1 ALLOW_STOP=1 ALLOW_RESTARTS=1';
const readHint = 'Give the socket proxy these rights: CONTAINERS=1 EVENTS=1 NETWORKS=1 PING=1 VERSION=1';
const controlHint = `Give the socket proxy these rights: ${proxyLine}`;
const engineMs = 15_000;
/** No container has this name: whether the answer is 404 or 403 tells what a proxy lets through. */
const nobody = 'atrium-asks-for-the-right';
/** A reading is kept so long to measure the next one against. */
const readingMs = 60_000;
const refusalMs = 500;

const refusedWith = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof ServiceRefusal && statuses.includes(error.status);

const kinds: Readonly<Record<string, RuntimeEvent['kind']>> = {
  ...{ start: 'started', unpause: 'started', die: 'stopped', stop: 'stopped', pause: 'stopped', oom: 'changed' },
  ...{ create: 'changed', rename: 'changed', update: 'changed', destroy: 'removed', restart: 'started' },
};

/** Containers of a Docker engine, or of one that speaks its API. */
export class DockerRuntime implements Runtime {
  readonly kind = 'docker';
  readonly endpoint: string;
  readonly #settings: DockerEndpoint;
  readonly #clock: Clock;
  readonly #readings = new Map<string, { at: number; stats: DockerStats }>();
  #api: Promise<DockerApi> | null = null;

  constructor(settings: DockerEndpoint, clock: Clock) {
    this.endpoint = settings.endpoint;
    this.#settings = settings;
    this.#clock = clock;
  }

  async ping(signal: AbortSignal): Promise<void> {
    const { client, prefix } = await this.#open(signal);
    // What a proxy refuses, it refuses alive.
    await client.head(`${prefix}/_ping`, signal).catch((error: unknown) => {
      if (!(error instanceof ServiceRefusal)) throw error;
    });
  }

  async rights(signal: AbortSignal): Promise<Rights> {
    const api = await this.#open(signal);
    const missing = new Set(api.missing);
    const may = async (right: string, ask: () => Promise<unknown>): Promise<boolean> => {
      try {
        await ask();
      } catch (error) {
        // The engine itself answered, hence the question reached it.
        if (refusedWith(error, 404, 409, 400)) return true;
        if (!(error instanceof ServiceRefusal)) throw error;
        missing.add(right);
        return false;
      }
      return true;
    };
    const path = (rest: string) => `${api.prefix}/containers/${rest}`;
    const [read, logs, stats] = [
      await may('CONTAINERS', () => api.client.json(path('json?limit=1'), signal)),
      await may('CONTAINERS', () => api.client.head(path(`${nobody}/logs?stdout=1`), signal)),
      await may('CONTAINERS', () => api.client.head(path(`${nobody}/stats?stream=false`), signal)),
    ];
    const events = await may('EVENTS', async () => {
      const stop = new AbortController();
      const opening = api.client.bytes(`${api.prefix}/events`, AbortSignal.any([signal, stop.signal]));
      // Some engines begin the answer with the first event: what is not refused by then is allowed.
      const late = pause(refusalMs, null, { signal: stop.signal, ref: false });
      await Promise.race([opening, late]).finally(() => stop.abort());
      opening.catch(() => {});
      late.catch(() => {});
    });
    const acts = [
      await may('POST, ALLOW_START', () => api.client.act('POST', path(`${nobody}/start`), signal)),
      await may('POST, ALLOW_STOP', () => api.client.act('POST', path(`${nobody}/stop`), signal)),
      await may('POST, ALLOW_RESTARTS', () => api.client.act('POST', path(`${nobody}/restart`), signal)),
    ];
    const control = acts.every(Boolean);
    const whole = read && logs && stats && events && api.missing.length === 0;
    return {
      ...{ read, control, stats, logs, events },
      missing: [...new Set([...missing].flatMap((one) => one.split(', ')))],
      hint: whole && control ? null : control ? readHint : controlHint,
    };
  }

  async list(signal: AbortSignal): Promise<Listed[]> {
    const containers = await this.#ask('', ['CONTAINERS'], signal, ({ client, prefix }) =>
      client.json<DockerListed[]>(`${prefix}/containers/json?all=true`, signal),
    );
    return containers.map(listedOf);
  }

  async inspect(id: string, signal: AbortSignal): Promise<Inspected> {
    return inspectedOf(await this.#inspect(id, signal));
  }

  async act(id: string, action: ContainerAction, timeout_s: number, signal: AbortSignal): Promise<void> {
    const right = { start: 'ALLOW_START', stop: 'ALLOW_STOP', restart: 'ALLOW_RESTARTS' }[action];
    const query = action === 'start' ? '' : `?t=${timeout_s}`;
    const wait_ms = engineMs + timeout_s * 1000;
    try {
      await this.#ask(id, ['POST', right], signal, ({ client, prefix }) =>
        client.act('POST', `${prefix}/containers/${id}/${action}${query}`, signal, { wait_ms }),
      );
    } catch (error) {
      if (error instanceof ServiceRefusal) throw new ActionFailed(wordsOf(error), { cause: error });
      if ((error as Error).name === 'TimeoutError')
        throw new ActionFailed(`the engine did not say within ${wait_ms / 1000} seconds that it is done`);
      throw error;
    }
  }

  async usage(id: string, signal: AbortSignal): Promise<Usage> {
    const now = performance.now();
    for (const [key, { at }] of this.#readings) if (now - at > readingMs) this.#readings.delete(key);
    const before = this.#readings.get(id)?.stats ?? null;
    // Without an earlier reading the engine measures for a second; with one it answers at once.
    const query = before === null ? 'stream=false' : 'stream=false&one-shot=true';
    const stats = await this.#ask(id, ['CONTAINERS'], signal, ({ client, prefix }) =>
      client.json<DockerStats>(`${prefix}/containers/${id}/stats?${query}`, signal),
    );
    this.#readings.set(id, { at: now, stats });
    return usageOf(id, this.#clock.now(), stats, before);
  }

  async *logs(id: string, { tail, follow, since }: LogWishes, signal: AbortSignal): AsyncGenerator<RuntimeLine> {
    const tty = (await this.#inspect(id, signal)).Config?.Tty === true;
    const query = new URLSearchParams({
      ...{ stdout: '1', stderr: '1', timestamps: '1', tail: String(tail), follow: follow ? '1' : '0' },
      ...(since === null ? {} : { since: secondsOf(since) }),
    });
    const { body } = await this.#ask(id, ['CONTAINERS'], signal, ({ client, prefix }) =>
      client.bytes(`${prefix}/containers/${id}/logs?${query}`, signal),
    );
    yield* tty ? plainLines(body) : multiplexedLines(body);
  }

  async events(signal: AbortSignal): Promise<AsyncGenerator<RuntimeEvent>> {
    const api = await this.#open(signal);
    const told = await api.events(signal).catch((error: unknown) => {
      throw error instanceof ServiceRefusal ? new NoRight(['EVENTS'], readHint) : error;
    });
    return eventsOf(told);
  }

  async close(): Promise<void> {
    const api = await this.#api?.catch(() => null);
    await api?.close();
  }

  #inspect(id: string, signal: AbortSignal): Promise<DockerInspected> {
    return this.#ask(id, ['CONTAINERS'], signal, ({ client, prefix }) =>
      client.json<DockerInspected>(`${prefix}/containers/${id}/json`, signal),
    );
  }

  #open(signal: AbortSignal): Promise<DockerApi> {
    signal.throwIfAborted();
    this.#api ??= DockerApi.open(this.#settings, AbortSignal.timeout(engineMs)).catch((error: unknown) => {
      this.#api = null;
      throw error;
    });
    return this.#api;
  }

  async #ask<T>(
    id: string,
    rights: readonly string[],
    signal: AbortSignal,
    ask: (api: DockerApi) => Promise<T>,
  ): Promise<T> {
    const api = await this.#open(signal);
    try {
      return await ask(api);
    } catch (error) {
      if (refusedWith(error, 404) && id !== '') throw new NoContainer(id);
      if (refusedWith(error, 401, 403, 405)) throw new NoRight(rights, controlHint);
      // Another engine is there now, of another version.
      if (refusedWith(error, 400) && (error as Error).message.includes('client version')) {
        this.#api = null;
        await api.close();
      }
      throw error;
    }
  }
}

async function* eventsOf(told: AsyncIterable<DockerEvent>): AsyncGenerator<RuntimeEvent> {
  for await (const { Type, Action = '', Actor } of told) {
    const kind = kinds[Action];
    if (Type === 'container' && kind !== undefined && Actor?.ID !== undefined) yield { id: Actor.ID, kind };
  }
}

const wordsOf = (error: ServiceRefusal): string => {
  const words = error.message.replace(/^\d+ for \S+(?:: )?/, '');
  return words === '' ? `the engine answered ${error.status}` : words;
};

/** A moment as Docker takes it: seconds with nanoseconds. */
const secondsOf = (at: string): string => {
  const [whole = '', fraction = '0'] = at.replace(/Z$/, '').split('.');
  return `${Date.parse(`${whole}Z`) / 1000}.${fraction}`;
};
