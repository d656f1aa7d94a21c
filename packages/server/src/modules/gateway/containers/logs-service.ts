import { setTimeout as pause } from 'node:timers/promises';
import {
  containersFollowLogs,
  type containersLogs,
  type LogLine,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import { AppError } from '../../../platform/errors/app-error.ts';
import { isAllowed } from '../../../platform/operations/authorize.ts';
import type { StreamAnswer } from '../../../platform/operations/binding.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { nanoTime } from '../runtime/log-lines.ts';
import type { RuntimeLine } from '../runtime/runtime.ts';
import type { ContainersParts } from './containers-parts.ts';
import { engineError } from './engine.ts';
import { followLog } from './log-following.ts';
import { type LogPiece, LogQueue } from './log-queue.ts';

type Wishes = Omit<ParsedInputOf<typeof containersFollowLogs>, 'id'>;

const readMs = 20_000;
/** How long somebody who lost the right may go on reading. */
const recheckMs = 5000;
const mostOfPrincipal = 20;
const mostOfAll = 200;

const view = ({ at, stream, text }: RuntimeLine, timestamps: boolean): LogLine => ({
  at: timestamps ? at : null,
  stream,
  text,
});

export type LogsService = ReturnType<typeof createLogsService>;

export const createLogsService = ({ engine, refresh }: ContainersParts) => {
  const open = new Map<string, number>();

  const enter = (principal: string): (() => void) => {
    const mine = open.get(principal) ?? 0;
    const all = [...open.values()].reduce((sum, count) => sum + count, 0);
    if (mine >= mostOfPrincipal || all >= mostOfAll)
      throw new AppError('too_many_waits', `${mine} logs are open already; close one, or read it without following.`);
    open.set(principal, mine + 1);
    return () => {
      const left = (open.get(principal) ?? 1) - 1;
      if (left === 0) open.delete(principal);
      else open.set(principal, left);
    };
  };

  /** Asks the engine once, so that what is not there or not allowed is an answer and no broken stream. */
  const check = async (call: Call, id: string): Promise<void> => {
    try {
      await (await engine.runtime()).inspect(id, call.signal);
    } catch (error) {
      throw engineError(error, call.signal);
    }
  };

  async function* pieces(call: Call, id: string, wishes: Wishes, leave: () => void): AsyncGenerator<LogPiece> {
    const ending = new AbortController();
    const signal = AbortSignal.any([call.signal, ending.signal]);
    const queue = new LogQueue();
    const since = wishes.since === undefined ? null : nanoTime(wishes.since);
    followLog(id, { tail: wishes.tail, follow: wishes.follow, since }, signal, {
      runtime: () => engine.runtime(),
      pause: (ms, until) => pause(ms, undefined, { signal: until, ref: false }).catch(() => {}),
      onLine: (line) => queue.push(view(line, wishes.timestamps), !wishes.follow),
      onPaused: (reason) => queue.pause(reason),
    }).then(
      (reason) => queue.end(reason),
      (error: unknown) => queue.fail(engineError(error, signal)),
    );
    const recheck = setInterval(() => {
      refresh(call.caller).then(
        (now) => {
          if (now === null || !isAllowed(containersFollowLogs, now)) ending.abort();
        },
        // While nobody can be asked, what was allowed goes on.
        () => {},
      );
    }, recheckMs);
    try {
      for (;;) {
        const piece = await queue.next(signal);
        if (piece === null) return;
        yield piece;
        if (piece.kind === 'end') return;
      }
    } finally {
      clearInterval(recheck);
      ending.abort();
      leave();
    }
  }

  const follow = async (call: Call, id: string, wishes: Wishes): Promise<AsyncGenerator<LogPiece>> => {
    const leave = enter(call.caller.id);
    try {
      await check(call, id);
    } catch (error) {
      leave();
      throw error;
    }
    return pieces(call, id, wishes, leave);
  };

  return {
    follow,

    /** The last lines, without waiting for more. */
    read: async (
      call: Call,
      { id, ...wishes }: ParsedInputOf<typeof containersLogs>,
    ): Promise<OutputOf<typeof containersLogs>> => {
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(readMs)]);
      const lines: LogLine[] = [];
      for await (const piece of await follow({ ...call, signal }, id, { ...wishes, follow: false }))
        if (piece.kind === 'lines') lines.push(...piece.lines);
      return { lines: lines.slice(-wishes.tail) };
    },

    stream: async (call: Call, id: string, wishes: Wishes): Promise<StreamAnswer> => ({
      events: eventsOf(await follow(call, id, wishes)),
      paced: true,
    }),
  };
};

async function* eventsOf(pieces: AsyncIterable<LogPiece>): AsyncGenerator<{ event: string; data: string }> {
  for await (const piece of pieces) {
    if (piece.kind !== 'lines') {
      yield { event: piece.kind, data: JSON.stringify({ reason: piece.reason }) };
      continue;
    }
    if (piece.skipped > 0) yield { event: 'skipped', data: JSON.stringify({ lines: piece.skipped }) };
    for (const line of piece.lines) yield { event: 'line', data: JSON.stringify(line) };
  }
}
