import type { Clock } from '../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { type Caller, systemCaller } from '../../platform/operations/caller.ts';
import { type DeviceMark, devicesStore } from './devices-store.ts';
import { identityEvents } from './identity-events.ts';

const minuteMs = 60_000;

/**
 * Which devices have a connection open. A device is online from its first one; it is offline when no replica has seen one
 * for a while, so that a phone that changes its network is not told of twice a minute.
 */
export class DevicePresence {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #offlineAfterMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #open = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: {
    database: Database;
    clock: Clock;
    offline_after_ms: number;
    onError: (error: unknown) => void;
  }) {
    this.#database = parts.database;
    this.#clock = parts.clock;
    this.#offlineAfterMs = parts.offline_after_ms;
    this.#onError = parts.onError;
  }

  readonly opened = (caller: Caller): void => {
    if (caller.kind !== 'device') return;
    const before = this.#open.get(caller.id) ?? 0;
    this.#open.set(caller.id, before + 1);
    if (before > 0) return;
    this.#write(() => this.#tell(identityEvents.deviceOnline, (tx) => this.#online(tx, caller.id)));
    // Twice within the time after which it would count as gone, and once a minute where that is longer.
    this.#timer ??= setInterval(() => this.#beat(), Math.min(minuteMs, this.#offlineAfterMs / 2)).unref();
  };

  readonly closed = (caller: Caller): void => {
    const left = (this.#open.get(caller.id) ?? 0) - 1;
    if (left > 0) this.#open.set(caller.id, left);
    else this.#open.delete(caller.id);
  };

  /** Run by one replica at a time. */
  readonly sweep = (): Promise<void> =>
    this.#tell(identityEvents.deviceOffline, (tx) =>
      devicesStore.setOffline(tx.db, new Date(this.#clock.now().getTime() - this.#offlineAfterMs)),
    );

  /** Resolves when what is under way is written; called before the database closes. */
  stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    return this.#writing;
  }

  #beat(): void {
    const at = this.#clock.now();
    // One order for all replicas, so that two of them cannot deadlock.
    const uses = [...this.#open.keys()].toSorted().map((id) => ({ id, at }));
    if (uses.length > 0) this.#write(() => devicesStore.touch(this.#database.read, uses));
  }

  async #online(tx: Transaction, id: string): Promise<DeviceMark[]> {
    const device = await devicesStore.setOnline(tx.db, id, this.#clock.now());
    return device === null ? [] : [device];
  }

  async #tell(kind: string, change: (tx: Transaction) => Promise<DeviceMark[]>): Promise<void> {
    const nobody = internalCall(systemCaller({ id: '00000000-0000-0000-0000-000000000000' }), newId());
    await this.#database.transaction(nobody, async (tx) => {
      for (const { id, org_id, user_id, name } of await change(tx))
        tx.emit({ kind, id, org_id, body: { user_id, name } });
    });
  }

  #write(act: () => Promise<void>): void {
    this.#writing = this.#writing.then(act).catch(this.#onError);
  }
}
