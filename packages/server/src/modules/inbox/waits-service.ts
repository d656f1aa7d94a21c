import type { Outcome } from '@atrium/protocol';
import { AppError } from '../../platform/errors/app-error.ts';
import type { StoredEvent } from '../../platform/module.ts';
import type { Call } from '../../platform/operations/call.ts';
import { takeSealed } from './answers-store.ts';
import type { InboxParts } from './inbox-parts.ts';
import { mayHear, visibleTo } from './inbox-policy.ts';
import { noItem } from './items-access.ts';
import type { ItemRow } from './items-rows.ts';
import { findItem } from './items-store.ts';
import { isSettled, outcomeOf } from './outcome.ts';
import { answerPlace, createSealedValues } from './sealed-values.ts';

export interface WaitsService {
  /** Holds until the item is settled, time is over, or the call ends; then says what the database says. */
  wait(call: Call, id: string, seconds: number, since: Date | null): Promise<Outcome>;
  /** How the item stands; sealed values are given to who asked, once. */
  takeOutcome(call: Call, id: string, since?: Date | null): Promise<Outcome>;
  /** How the item stands, without what is given only once. */
  peek(call: Call, id: string): Promise<Outcome>;
  /** Refuses the 21st wait of a principal. Call it before anything is created that the wait is for. */
  requireRoom(call: Call): void;
  /** Wakes whoever waits for the subject of an event. */
  wake(event: StoredEvent): void;
  /** Ends all waits as pending, for a server that drains. */
  release(): void;
}

export interface WaitLimits {
  per_principal: number;
  progress_ms: number;
}

const defaults: WaitLimits = { per_principal: 20, progress_ms: 15_000 };
const longestTimer = 2 ** 31 - 1;

export const createWaitsService = (parts: InboxParts, limits: WaitLimits = defaults): WaitsService => {
  const { database, clock } = parts;
  const sealedValues = createSealedValues(parts);
  const waiting = new Map<string, Set<() => void>>();
  const held = new Map<string, number>();
  let draining = false;

  const load = async (call: Call, id: string, deleted: boolean): Promise<ItemRow> => {
    const item = await findItem(database.read, visibleTo(call.caller, { deleted }), id);
    if (item === null) throw noItem();
    return item;
  };

  const takeOutcomeOf = async (call: Call, item: ItemRow, since: Date | null): Promise<Outcome> => {
    const mine = item.status === 'answered' && item.created_by_id === call.caller.id;
    if (!mine || item.sealed_values === null) return outcomeOf(item, call.caller, { since });
    const sealed = await database.transaction({ ...call, idempotency: null }, (tx) =>
      takeSealed(tx.db, item.id, call.caller.id, clock.now()),
    );
    return outcomeOf(item, call.caller, { since, sealed: sealedValues.open(sealed, answerPlace(item.id)) });
  };

  const requireRoom = (call: Call): void => {
    if ((held.get(call.caller.id) ?? 0) >= limits.per_principal) throw new AppError('too_many_waits');
  };

  /** Resolves at the next event of the item, at the latest after `ms`. */
  const nextWake = (id: string, ms: number, signal: AbortSignal): { happened: Promise<void>; cancel: () => void } => {
    const wakes = waiting.get(id) ?? new Set();
    waiting.set(id, wakes);
    let done!: () => void;
    const happened = new Promise<void>((resolve) => {
      done = resolve;
    });
    const timer = setTimeout(done, Math.min(ms, longestTimer));
    wakes.add(done);
    signal.addEventListener('abort', done, { once: true });
    const cancel = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      wakes.delete(done);
      if (wakes.size === 0) waiting.delete(id);
    };
    return { happened, cancel };
  };

  const hold = async (call: Call, id: string, seconds: number, since: Date | null): Promise<ItemRow> => {
    const started = performance.now();
    for (let ticks = 1; ; ticks += 1) {
      const left = seconds * 1000 - (performance.now() - started);
      const over = left <= 0 || call.signal.aborted || draining;
      // Registered before reading: an answer between the two is not missed.
      const wake = nextWake(id, over ? 0 : Math.min(left, limits.progress_ms), call.signal);
      try {
        const item = await load(call, id, true);
        if (over || isSettled(item, since)) return item;
        call.waits?.begin();
        try {
          await wake.happened;
        } finally {
          call.waits?.end();
        }
        const elapsed = (performance.now() - started) / 1000;
        call.progress({
          progress: Math.min(elapsed, seconds),
          total: seconds,
          message: `waiting for an answer (${ticks})`,
        });
      } finally {
        wake.cancel();
      }
    }
  };

  /** A wait lasts for up to an hour: whoever was shut out or narrowed meanwhile gets no answer by it. */
  const stillAllowed = async (call: Call, item: ItemRow): Promise<Call> => {
    const caller = await parts.refreshCaller(call.caller);
    if (caller === null) throw new AppError('unauthorized');
    if (caller.org_id !== item.org_id || !mayHear(caller)) throw noItem();
    return { ...call, caller };
  };

  return {
    requireRoom,

    wait: async (call, id, seconds, since) => {
      requireRoom(call);
      const { id: principal } = call.caller;
      held.set(principal, (held.get(principal) ?? 0) + 1);
      try {
        await load(call, id, false);
        const item = await hold(call, id, seconds, since);
        const now = await stillAllowed(call, item);
        return await takeOutcomeOf(now, await load(now, id, true), since);
      } finally {
        const left = held.get(principal)! - 1;
        if (left === 0) held.delete(principal);
        else held.set(principal, left);
      }
    },

    peek: async (call, id) => outcomeOf(await load(call, id, false), call.caller),

    takeOutcome: async (call, id, since = null) => takeOutcomeOf(call, await load(call, id, false), since),

    wake: (event) => {
      if (!event.kind.startsWith('inbox.') || waiting.size === 0) return;
      const ids = event.kind === 'inbox.bulk.updated' ? (event.body['ids'] as string[]) : [event.id];
      for (const id of ids) for (const done of [...(waiting.get(id) ?? [])]) done();
    },

    release: () => {
      draining = true;
      for (const wakes of waiting.values()) for (const done of [...wakes]) done();
    },
  };
};
