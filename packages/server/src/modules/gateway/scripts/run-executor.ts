import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError } from '../../../platform/errors/app-error.ts';
import type { IdWaiters } from '../../../platform/events/id-waiters.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import type { createContainerRunner } from './container-runner.ts';
import type { createHostRunner } from './host-runner.ts';
import { variablesOf } from './parameters.ts';
import { cancelled, failed, interrupted, type RunEnding, type Stop } from './run-ending.ts';
import { RunOutput } from './run-output.ts';
import { mostRunning, type RunQueue } from './run-queue.ts';
import { runsStore } from './runs-store.ts';
import type { ScriptFiles } from './script-files.ts';
import { byOf, emitRun, scriptEvents } from './scripts-events.ts';
import { runPlace, type ScriptsParts, scriptPlace } from './scripts-parts.ts';
import type { OutputRow, RunRow, ScriptRow } from './scripts-rows.ts';
import { scriptsStore } from './scripts-store.ts';
import { unseal } from './sealing.ts';

interface Runners {
  host: ReturnType<typeof createHostRunner>;
  container: ReturnType<typeof createContainerRunner>;
}

/** Short values of the environment, such as `true`, would make holes in every text. */
const shortestMasked = 6;
const cancelLookMs = 2000;
const outputEventMs = 1000;
/** How long the end of a run waits for the database. */
const endTries = 60;
const endPauseMs = 1000;

const callFor = (orgId: string): Call => internalCall(systemCaller({ id: orgId }), newId());

/** Runs what the jobs name, in this process. */
export class RunExecutor {
  readonly #parts: ScriptsParts;
  readonly #queue: RunQueue;
  readonly #files: ScriptFiles;
  readonly #runners: Runners;
  readonly #changes: IdWaiters;
  readonly #active = new Map<string, { stop: AbortController; done: Promise<void> }>();
  #closing = false;
  #look: NodeJS.Timeout | null = null;

  constructor(parts: ScriptsParts, queue: RunQueue, files: ScriptFiles, runners: Runners, changes: IdWaiters) {
    this.#parts = parts;
    this.#queue = queue;
    this.#files = files;
    this.#runners = runners;
    this.#changes = changes;
  }

  /** The job. What is told by `attempt` is which of the jobs of a run this is: only the one that began it may say that it was cut off. */
  async run(id: string, attempt: number): Promise<void> {
    const { database, onError } = this.#parts;
    const seen = await runsStore.byId(database.read, id);
    if (seen === null || this.#active.has(id) || this.#closing) return;
    const cutOff = seen.state === 'running' && seen.claimed === attempt;
    if (cutOff && seen.runner !== null)
      await this.#runners[seen.runner].clear(id).catch((error: unknown) => onError(error, 'clearing after a script'));
    const call = callFor(seen.org_id);
    const row = await database.transaction(call, (tx) => this.#claim(tx, call, id, attempt));
    if (row === null) return this.#changes.wake(id);
    const stop = new AbortController();
    const done = this.#perform(row, attempt, stop);
    this.#active.set(id, { stop, done });
    this.#look ??= setInterval(() => void this.#lookForCancels(), cancelLookMs).unref();
    try {
      await done;
    } finally {
      this.#active.delete(id);
      this.#changes.wake(id);
      if (this.#active.size === 0 && this.#look !== null) {
        clearInterval(this.#look);
        this.#look = null;
      }
    }
  }

  /** Somebody wants it to end; nothing happens when it does not run here. */
  cancel(id: string): void {
    this.#active.get(id)?.stop.abort('cancel' satisfies Stop);
  }

  /** What still runs is ended and marked so. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const { stop } of this.#active.values()) stop.abort('shutdown' satisfies Stop);
    await Promise.allSettled([...this.#active.values()].map(({ done }) => done));
  }

  async #claim(tx: Transaction, call: Call, id: string, attempt: number): Promise<RunRow | null> {
    const { clock, holder, settings } = this.#parts;
    await runsStore.lockQueue(tx.db);
    const row = await runsStore.lock(tx.db, id);
    if (row === null) return null;
    if (row.state === 'running' && row.claimed === attempt) {
      const ending = interrupted();
      await runsStore.addNote(tx.db, id, ending.detail!, clock.now());
      await this.#queue.end(tx, call, row, ending);
      await this.#queue.startWaiting(tx);
      return null;
    }
    if (row.state !== 'pending' || !row.ready) return null;
    const { enabled, allow_host } = settings();
    if (!enabled) {
      await this.#queue.end(tx, call, row, failed('disabled', 'Scripts were switched off before its turn came.'));
      return null;
    }
    const running = await runsStore.running(tx.db, row.script_id);
    // Whoever ends gives it another job.
    if (running.all >= mostRunning || running.of_script >= row.max_parallel) return null;
    const runner = allow_host ? 'host' : 'container';
    await runsStore.begin(tx.db, id, { holder, claimed: attempt, runner, at: clock.now() });
    emitRun(tx, scriptEvents.started, row, { runner, dry_run: row.dry_run });
    return { ...row, state: 'running', runner, claimed: attempt, holder };
  }

  async #perform(row: RunRow, attempt: number, stop: AbortController): Promise<void> {
    this.#changes.wake(row.id);
    const timer = setTimeout(() => stop.abort('timeout' satisfies Stop), row.timeout_s * 1000);
    const ending = await this.#ending(row, stop).catch((error: unknown) => {
      this.#parts.onError(error, 'a script could not be run');
      return failed('internal', 'The server could not run it; its log says why.');
    });
    clearTimeout(timer);
    await this.#finish(row, attempt, ending);
  }

  async #ending(row: RunRow, stop: AbortController): Promise<RunEnding> {
    const { database, settings, clock } = this.#parts;
    const script = row.script_id === null ? null : await scriptsStore.find(database.read, row.org_id, row.script_id);
    if (script === null) return failed('script_deleted', 'The script was deleted before it began.');
    let file: Awaited<ReturnType<ScriptFiles['read']>>;
    try {
      file = await this.#files.read(script.path);
    } catch (error) {
      if (error instanceof AppError) return failed('script_file_refused', error.message);
      throw error;
    }
    if (file.digest !== script.digest)
      return failed('script_changed', 'Its file is not the one that an operator agreed to.');
    const environment = unseal(this.#parts, script.environment, scriptPlace(script.id));
    const secrets = unseal(this.#parts, row.secrets, runPlace(row.id));
    const output = new RunOutput({
      secrets: [
        ...Object.values(secrets),
        ...Object.values(environment).filter((value) => value.length >= shortestMasked),
      ],
      max_bytes: settings().max_output_bytes,
      now: () => clock.now(),
      write: this.#writer(row),
    });
    const ending = await this.#runners[row.runner!].run({
      ...{ id: row.id, org_id: row.org_id, name: basename(script.path), path: script.path },
      ...{ bytes: file.bytes, kind: file.kind, image: script.image, timeout_s: row.timeout_s, signal: stop.signal },
      command: row.dry_run ? script.dry_run_command : null,
      variables: variablesFor(row, script, environment, secrets),
      onOutput: (stream, chunk) => output.push(stream, chunk),
      onNote: (text) => output.note(text),
    });
    if (ending.detail !== null) output.note(ending.detail);
    await output.end().catch((error: unknown) => this.#parts.onError(error, 'output of a script could not be kept'));
    return ending;
  }

  /** Tells those who look on from other processes once a second at most; who reads here hears of each part. */
  #writer(row: RunRow): (parts: readonly OutputRow[], total: { bytes: number; cut: boolean }) => Promise<void> {
    const { database } = this.#parts;
    let told = 0;
    return async (parts, total) => {
      await runsStore.writeOutput(database.read, row.id, parts, total);
      this.#changes.wake(row.id);
      if (performance.now() - told < outputEventMs) return;
      told = performance.now();
      await database.transaction(callFor(row.org_id), async (tx) =>
        tx.emit({
          ...{ kind: scriptEvents.output, id: row.id, org_id: row.org_id },
          body: { seq: parts.at(-1)!.seq, bytes: total.bytes, ...byOf(row) },
        }),
      );
    };
  }

  /** A result that cost an hour must not be lost to a database that is away for a moment. */
  async #finish(row: RunRow, attempt: number, ending: RunEnding): Promise<void> {
    const call = callFor(row.org_id);
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#parts.database.transaction(call, async (tx) => {
          await runsStore.lockQueue(tx.db);
          const now = await runsStore.lock(tx.db, row.id);
          if (now?.state !== 'running' || now.claimed !== attempt) return;
          await this.#queue.end(tx, call, now, ending);
          await this.#queue.startWaiting(tx);
        });
      } catch (error) {
        if (tries >= endTries || this.#closing) throw error;
        await pause(endPauseMs);
      }
    }
  }

  async #lookForCancels(): Promise<void> {
    try {
      const ids = [...this.#active.keys()];
      for (const id of await runsStore.cancelRequested(this.#parts.database.read, ids)) this.cancel(id);
    } catch (error) {
      this.#parts.onError(error, 'looking for runs to cancel');
    }
  }

  /** Backstop of the queue: what waits although there is room, what never ended, what nobody agreed to. */
  async repair(waitingBefore: Date, approvalBefore: Date): Promise<void> {
    const { database, clock } = this.#parts;
    for (const { id } of await runsStore.overdue(database.read, clock.now(), approvalBefore)) {
      const seen = await runsStore.byId(database.read, id);
      if (seen === null || this.#active.has(id)) continue;
      const call = callFor(seen.org_id);
      await database.transaction(call, async (tx) => {
        await runsStore.lockQueue(tx.db);
        const row = await runsStore.lock(tx.db, id);
        if (row?.state === 'running') await this.#queue.end(tx, call, row, interrupted());
        if (row?.state === 'pending' && row.approval === 'waiting')
          await this.#queue.end(tx, call, row, {
            ...cancelled('Nobody agreed to it within a day.'),
            reason: 'not_approved',
          });
      });
    }
    await database.transaction(callFor(nobodys), async (tx) => {
      await runsStore.lockQueue(tx.db);
      await this.#queue.startWaiting(tx, waitingBefore);
    });
  }
}

/** The organisation of work for all of them. */
const nobodys = '00000000-0000-0000-0000-000000000000';

const variablesFor = (
  row: RunRow,
  script: ScriptRow,
  environment: Record<string, string>,
  secrets: Record<string, string>,
): Record<string, string> => ({
  ...Object.fromEntries(script.environment_names.map((name) => [name, environment[name] ?? ''])),
  ...variablesOf(row.parameters, secrets),
  ...(row.dry_run ? { DRY_RUN: 'true' } : {}),
});
