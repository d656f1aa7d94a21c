import { once } from 'node:events';
import { expect, it } from 'vitest';
import { type LinkStream, Mux, windowBytes } from './mux.ts';

/** Two ends; frames wait until they are delivered, as on a line. */
const makeLine = () => {
  const frames: { to: Mux; frame: Buffer }[] = [];
  const opened: LinkStream[] = [];
  let [left, right]: (Mux | null)[] = [null, null];
  left = new Mux({
    ...{ caller: true, remote_address: 'right', opened: () => true },
    send: (frame) => frames.push({ to: right!, frame }),
  });
  right = new Mux({
    ...{ caller: false, remote_address: 'left', opened: (stream) => opened.push(stream) > 0 },
    send: (frame) => frames.push({ to: left!, frame }),
  });
  /** Until nobody says anything more. */
  const deliver = async (): Promise<void> => {
    do {
      for (const { to, frame } of frames.splice(0)) expect(to.take(frame)).toBe(true);
      await new Promise((done) => setImmediate(done));
    } while (frames.length > 0);
  };
  return { left, right, opened, frames, deliver };
};

it('what one side writes the other reads, and both may end apart', async () => {
  const { left, opened, deliver } = makeLine();
  const stream = left.open();
  stream.end('question');
  await deliver();
  const [other] = opened as [LinkStream];
  expect(String(other.read())).toBe('question');
  other.end('answer');
  other.resume();
  await deliver();
  expect(String(stream.read())).toBe('answer');
  stream.resume();
  await deliver();
  expect(left.size).toBe(0);
});

it('a side that does not read holds the other up at the window, and no other stream', async () => {
  const { left, opened, deliver } = makeLine();
  const slow = left.open();
  const quick = left.open();
  const large = Buffer.alloc(4 * windowBytes, 'x');
  slow.end(large);
  quick.end('quick');
  await deliver();
  const [unread, read] = opened as [LinkStream, LinkStream];
  expect(unread.bytesRead).toBe(windowBytes);
  expect(String(read.read())).toBe('quick');
  const parts: Buffer[] = [];
  unread.on('data', (part: Buffer) => parts.push(part));
  const ended = once(unread, 'end');
  await deliver();
  await ended;
  expect(Buffer.concat(parts).equals(large)).toBe(true);
});

it('a side that sends more than it may, or speaks for the other, breaks the link', async () => {
  const { left, right, opened, deliver } = makeLine();
  left.open();
  await deliver();
  const frame = (kind: number, id: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head[0] = kind;
    head.writeUInt32BE(id, 1);
    return Buffer.concat([head, body]);
  };
  const most = Buffer.alloc(32 * 1024);
  for (let sent = 0; sent < windowBytes; sent += most.length) expect(right.take(frame(2, 1, most))).toBe(true);
  expect(opened).toHaveLength(1);
  expect(right.take(frame(2, 1, Buffer.alloc(1)))).toBe(false);
  expect(right.take(frame(1, 2, Buffer.alloc(0)))).toBe(false);
  expect(right.take(frame(1, 1, Buffer.alloc(0)))).toBe(false);
  expect(right.take(frame(9, 1, Buffer.alloc(0)))).toBe(false);
  expect(right.take(Buffer.from([1]))).toBe(false);
  const credit = Buffer.alloc(4);
  credit.writeUInt32BE(1);
  expect(right.take(frame(5, 1, credit))).toBe(false);
});

it('streams end with the link', async () => {
  const { left, right, opened, deliver } = makeLine();
  const stream = left.open();
  await deliver();
  const failed = new Promise((done) => opened[0]!.once('close', done));
  right.close('the link is over');
  await failed;
  expect(opened[0]!.destroyed).toBe(true);
  left.close('the link is over');
  expect(stream.destroyed).toBe(true);
  expect(() => left.open()).toThrow('the link is closed');
});

it('what was written before an end is read also when its writer lets go right afterwards', async () => {
  const { left, opened, deliver } = makeLine();
  const stream = left.open();
  await deliver();
  const [other] = opened as [LinkStream];
  const failures: Error[] = [];
  stream.on('error', (error) => failures.push(error));
  const large = Buffer.alloc(windowBytes / 2, 'x');
  other.end(large, () => other.destroy());
  await deliver();
  const closed = once(stream, 'close');
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  await closed;
  expect(Buffer.concat(parts).equals(large)).toBe(true);
  expect(failures).toEqual([]);
  expect(left.size).toBe(0);
});
