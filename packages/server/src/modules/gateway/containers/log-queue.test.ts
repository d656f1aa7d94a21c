import { expect, it } from 'vitest';
import { type LogPiece, LogQueue } from './log-queue.ts';

const signal = new AbortController().signal;
const line = (text: string) => ({ at: null, stream: 'stdout' as const, text });
const drain = async (queue: LogQueue): Promise<LogPiece[]> => {
  const pieces: LogPiece[] = [];
  for (;;) {
    const piece = await queue.next(signal);
    if (piece === null) return pieces;
    pieces.push(piece);
    if (piece.kind === 'end') return pieces;
  }
};
const linesOf = (pieces: LogPiece[]) => pieces.flatMap((piece) => (piece.kind === 'lines' ? piece.lines : []));
const skippedOf = (pieces: LogPiece[]) =>
  pieces.reduce((sum, piece) => sum + (piece.kind === 'lines' ? piece.skipped : 0), 0);

it('a reader who is too slow gets the newest lines and is told how many they missed', async () => {
  const queue = new LogQueue();
  for (let n = 0; n < 10_000; n += 1) await queue.push(line(`line ${n}`), false);
  queue.end('end');
  const pieces = await drain(queue);
  const lines = linesOf(pieces);
  expect(lines.at(-1)!.text).toBe('line 9999');
  expect(lines.length).toBeLessThanOrEqual(2000);
  expect(lines.length + skippedOf(pieces)).toBe(10_000);
  expect(pieces.at(-1)).toEqual({ kind: 'end', reason: 'end' });
});

it('lines that are large count by their size', async () => {
  const queue = new LogQueue();
  for (let n = 0; n < 1000; n += 1) await queue.push(line('x'.repeat(16_000)), false);
  queue.end('end');
  const pieces = await drain(queue);
  expect(linesOf(pieces).length).toBeLessThan(300);
  expect(skippedOf(pieces)).toBe(1000 - linesOf(pieces).length);
});

it('what has an end waits for its reader and loses nothing', async () => {
  const queue = new LogQueue();
  const writing = (async () => {
    for (let n = 0; n < 5000; n += 1) await queue.push(line(`${n}`), true);
    queue.end('end');
  })();
  const pieces = await drain(queue);
  await writing;
  expect(linesOf(pieces).map(({ text }) => Number(text))).toEqual(Array.from({ length: 5000 }, (_, n) => n));
  expect(skippedOf(pieces)).toBe(0);
});

it('a failure comes after the lines before it, and an aborted wait is null', async () => {
  const queue = new LogQueue();
  await queue.push(line('last words'), false);
  queue.fail(new Error('gone'));
  expect(await queue.next(signal)).toMatchObject({ kind: 'lines' });
  await expect(queue.next(signal)).rejects.toThrow('gone');
  const stop = new AbortController();
  const waiting = new LogQueue().next(stop.signal);
  stop.abort();
  expect(await waiting).toBeNull();
});
