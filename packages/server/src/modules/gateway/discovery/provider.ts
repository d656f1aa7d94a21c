import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../platform/clock/clock.ts';
import { pauseAfter } from './back-off.ts';
import type { DiscoverySource } from './sighting.ts';

/** A source of services. It runs from start to stop, whatever happens to what it asks. */
export interface Provider {
  readonly name: string;
  readonly kind: DiscoverySource;
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** Asks anew, at once, also while it waits to try again. */
  rescan(): void;
}

/** How a provider is doing, as `discovery.status` shows it. */
export interface ProviderState {
  name: string;
  kind: DiscoverySource;
  state: 'off' | 'connecting' | 'running' | 'retrying';
  endpoint: string | null;
  last_event_at: Date | null;
  last_error: string | null;
  failures: number;
  next_attempt_at: Date | null;
  missing_rights: readonly string[];
  hint: string | null;
}

/** Told of each change. */
export type OnState = (state: ProviderState) => void;

/** Told of each look at everything that a source has. */
export type OnScan = (kind: DiscoverySource, seconds: number) => void;

export interface LoopParts {
  name: string;
  kind: DiscoverySource;
  endpoint: string | null;
  clock: Clock;
  onState: OnState;
  onScan?: OnScan | undefined;
  /** What to do about an error, in one line. */
  hintOf?: (error: unknown) => string | null;
  /** Waits; ends early, without an error, when the signal aborts. Another one in tests alone. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** One connection from beginning to end. It rejects, or resolves, when that is over. */
  attempt: (run: Run) => Promise<void>;
}

export interface Run {
  /** Aborts when the provider stops. */
  signal: AbortSignal;
  /** It is connected and has seen everything once. */
  up: () => void;
  heard: () => void;
  /** A look at everything, which began at that time of `performance.now()`, is over. */
  scanned: (began: number) => void;
  missing: (rights: readonly string[], hint: string | null) => void;
  /** Called on `rescan` while it is connected. */
  onRescan: (act: () => void) => void;
}

const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error && error.message !== '' ? error.message : String(error);
};

const pauseOrWake = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal, ref: false }).catch(() => {});

/** Runs attempts one after another for ever; nothing that one of them throws leaves this loop. */
export const createProviderLoop = (parts: LoopParts): Provider => {
  const { name, kind, endpoint, clock, onState } = parts;
  const pause = parts.pause ?? pauseOrWake;
  const stopping = new AbortController();
  let waking = new AbortController();
  let running: Promise<void> | null = null;
  let rescan: (() => void) | null = null;
  let state: ProviderState = {
    ...{ name, kind, endpoint, state: 'connecting', last_event_at: null, last_error: null },
    ...{ failures: 0, next_attempt_at: null, missing_rights: [], hint: null },
  };
  const change = (changes: Partial<ProviderState>): void => {
    state = { ...state, ...changes };
    onState(state);
  };

  const once = async (): Promise<void> => {
    const run: Run = {
      signal: stopping.signal,
      up: () => change({ state: 'running', failures: 0, next_attempt_at: null, last_error: null, hint: null }),
      heard: () => change({ last_event_at: clock.now() }),
      scanned: (began) => parts.onScan?.(kind, (performance.now() - began) / 1000),
      missing: (missing_rights, hint) => change({ missing_rights, hint }),
      onRescan: (act) => {
        rescan = act;
      },
    };
    await parts.attempt(run);
  };

  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let error: unknown = new Error('the connection ended');
      try {
        await once();
      } catch (caught) {
        error = caught;
      }
      rescan = null;
      if (stopping.signal.aborted) return;
      const failures = state.failures + 1;
      const ms = pauseAfter(failures);
      waking = new AbortController();
      change({
        ...{ state: 'retrying', failures, last_error: messageOf(error) },
        next_attempt_at: new Date(clock.now().getTime() + ms),
        hint: parts.hintOf?.(error) ?? state.hint,
      });
      await pause(ms, AbortSignal.any([stopping.signal, waking.signal]));
    }
  };

  return {
    name,
    kind,
    start: () => {
      if (running !== null) return;
      change({});
      running = loop();
    },
    stop: async () => {
      stopping.abort();
      await running;
      change({ state: 'off', next_attempt_at: null });
    },
    rescan: () => {
      if (rescan === null) waking.abort();
      else rescan();
    },
  };
};
