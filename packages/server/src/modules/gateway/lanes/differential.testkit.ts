import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pathBelow, readRequestPath } from '../matching/request-path.ts';
import { type AnswerCase, generatedCase, type WireCase } from './differential-cases.testkit.ts';
import { answerByNode, methodsByNode } from './differential-readers.testkit.ts';
import { makeRoute, makeTarget, startLane, startRawUpstream, startUpstream, type TestLane } from './lane.testkit.ts';

/** A request as an app saw it. */
interface Seen {
  method: string;
  url: string;
  headers: string[];
  body: string;
  /** Its body came to its end. */
  whole: boolean;
}

/** One answer of a lane. */
interface Answered {
  status: number;
  text: string;
  headers: string[];
  body: string;
  /** All of it came. */
  whole: boolean;
}

interface Run {
  answers: Answered[];
  seen: Seen[];
  /** The lane ended the connection; else it was let go after some silence. */
  ended: boolean;
}

export interface Disagreement {
  name: string;
  kind: 'lanes' | 'oracle';
  bytes: string;
  cuts: number[];
  fast: unknown;
  other: unknown;
}

const ids = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Of each connection or moment, and in the nature of a lane. */
const ownFields = new Set(['date', 'connection', 'keep-alive']);

/** An answer that stands where another one's body would be has a date of its own. */
const plainBody = (body: string): string => body.replaceAll(ids, 'ID').replaceAll(/Date: [^\r]*/g, '');

const pairsOf = (raw: readonly string[]): string[] => {
  const pairs: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    if (!ownFields.has(name)) pairs.push(`${name}: ${raw[at + 1]!.trim()}`.replaceAll(ids, 'ID'));
  }
  return pairs.sort();
};

/** Takes answers apart that a lane wrote; what is no answer any more is the last one's body. */
const readAnswers = (text: string, methods: readonly string[]): Answered[] => {
  const answers: Answered[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\r\n\r\n', at);
    const head = text.slice(at, end === -1 ? undefined : end).split('\r\n');
    const [, status = '0', reason = ''] = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(head[0]!) ?? [];
    const raw = head.slice(1).flatMap((line) => {
      const mark = line.indexOf(': ');
      return [line.slice(0, mark), line.slice(mark + 2)];
    });
    const answer: Answered = {
      status: Number(status),
      text: reason,
      headers: pairsOf(raw),
      body: '',
      whole: end !== -1,
    };
    answers.push(answer);
    if (end === -1) break;
    at = end + 4;
    if (answer.status < 200) continue;
    const fieldOf = (name: string): string | undefined =>
      raw.find((_value, index) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === name);
    const method = methods[answers.filter((one) => one.status >= 200).length - 1];
    // A refusal may stand where the answer to HEAD would.
    const refused = answer.status === 400 && text.startsWith('{', at);
    if (!refused && (method === 'HEAD' || answer.status === 204 || answer.status === 304)) continue;
    if (fieldOf('transfer-encoding') !== undefined) {
      answer.whole = false;
      for (;;) {
        const line = text.indexOf('\r\n', at);
        const size = line === -1 ? Number.NaN : Number.parseInt(text.slice(at, line), 16);
        if (Number.isNaN(size)) break;
        if (size === 0) {
          const last = text.indexOf('\r\n\r\n', line);
          answer.whole = last !== -1;
          answer.body += last === line ? '' : `|${text.slice(line + 2, last)}`;
          at = last === -1 ? text.length : last + 4;
          break;
        }
        answer.body += text.slice(line + 2, line + 2 + size);
        at = line + 2 + size + 2;
      }
      if (!answer.whole) break;
    } else {
      const length = Number(fieldOf('content-length') ?? 0);
      answer.body = text.slice(at, at + length);
      answer.whole = answer.body.length === length;
      at += length;
    }
    answer.body = plainBody(answer.body);
  }
  return answers;
};

/** Writes the pieces in packets of their own and hands out what came back when the other side closed or fell silent. */
const talk = (
  port: number,
  bytes: Buffer,
  cuts: readonly number[],
  silence_ms: number,
): Promise<{ text: string; ended: boolean }> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let text = '';
    let ended = true;
    // Whoever waits for bytes that never come is let go; an app of this kit answers at once.
    const timer = setTimeout(() => {
      ended = false;
      socket.destroy();
    }, silence_ms);
    socket.setEncoding('latin1').on('data', (part) => {
      text += part;
      timer.refresh();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ text, ended });
    });
    socket.on('connect', () => {
      const edges = [...cuts, bytes.length];
      let from = 0;
      const next = (): void => {
        const to = edges.shift();
        if (to === undefined || socket.destroyed) return;
        socket.write(bytes.subarray(from, to), () => setImmediate(next));
        from = to;
      };
      next();
    });
  });

const last = 'GET /apps/notes/last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** Remembers what it is asked, with bodies that came whole. */
const remember = (seen: Seen[], request: IncomingMessage, done: () => void): void => {
  const { method = '', url = '', rawHeaders } = request;
  const one: Seen = { method, url, headers: pairsOf(rawHeaders), body: '', whole: false };
  seen.push(one);
  let body = '';
  request.on('error', () => undefined);
  request.setEncoding('latin1').on('data', (part) => {
    body += part;
  });
  request.on('end', () => {
    one.body = body;
    one.whole = true;
    done();
  });
};

/** A lane with an app that remembers, and one that says what it is told to. */
class Side {
  readonly lane: TestLane;
  readonly #seen: Seen[];
  readonly #script: { now: AnswerCase | null };
  readonly #closers: (() => Promise<void>)[];

  private constructor(
    lane: TestLane,
    seen: Seen[],
    script: { now: AnswerCase | null },
    closers: (() => Promise<void>)[],
  ) {
    this.lane = lane;
    this.#seen = seen;
    this.#script = script;
    this.#closers = closers;
  }

  static async start(fast_lane: boolean): Promise<Side> {
    const seen: Seen[] = [];
    const app = await startUpstream((request, response) =>
      remember(seen, request, () => response.writeHead(200, { 'content-length': 2 }).end('ok')),
    );
    const script: { now: AnswerCase | null } = { now: null };
    const told = await startRawUpstream((socket) => {
      let text = '';
      socket.setNoDelay(true).on('data', (part) => {
        text += part.toString('latin1');
        const given = script.now;
        const end = text.indexOf('\r\n\r\n');
        if (given === null || end === -1 || (text.startsWith('POST') && text.length < end + 6)) return;
        text = '';
        const edges = [...given.cuts, given.bytes.length];
        let from = 0;
        const next = (): void => {
          const to = edges.shift();
          if (socket.destroyed) return;
          if (to === undefined) {
            socket.end();
            return;
          }
          socket.write(given.bytes.subarray(from, to), () => setImmediate(next));
          from = to;
        };
        next();
      });
    });
    const lane = await startLane(
      [
        { host: '', path: '/apps/notes/', route: makeRoute({ slug: 'notes', targets: [makeTarget(app.url)] }) },
        { host: 'notes.test', path: '/', route: makeRoute({ slug: 'host', targets: [makeTarget(app.url)] }) },
        { host: '', path: '/apps/script/', route: makeRoute({ slug: 'script', targets: [makeTarget(told.url)] }) },
      ],
      {
        config: { fast_lane, max_connections_per_address: 0, public_url: () => 'http://localhost' },
        parts: { public_url: () => 'http://localhost', guard: { refusal: () => null } },
      },
    );
    return new Side(lane, seen, script, [lane.close, app.close, told.close]);
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }

  async request(bytes: Buffer, cuts: readonly number[], silence_ms: number): Promise<Run> {
    this.#seen.length = 0;
    const { text, ended } = await talk(this.lane.port, bytes, cuts, silence_ms);
    return { answers: readAnswers(text, methodsByNode(bytes)), seen: [...this.#seen], ended };
  }

  async answer(given: AnswerCase, bytes: Buffer, silence_ms: number): Promise<Answered[]> {
    this.#script.now = given;
    return readAnswers((await talk(this.lane.port, bytes, [], silence_ms)).text, [given.method]);
  }
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The answer to bytes that are no request, or the part of an answer that was cut off with them. */
const isBroken = (answer: Answered | undefined): boolean =>
  answer !== undefined && (!answer.whole || (answer.status === 400 && answer.body.includes('This is not valid HTTP.')));

const final = ({ answers }: Run): Answered[] => answers.filter(({ status }) => status !== 100);

/**
 * Node reads further requests while the first one runs, asks for all of them at once, and when one of them is none, its
 * refusal takes the place of the answers that are not there yet. The fast lane reads one after the other. What both
 * answer is the same, in its order, and what both ask an app for is as well.
 */
const agree = (fast: Run, slow: Run, bytes: Buffer): boolean => {
  // To go on is told as soon as it is this request's turn, which comes sooner or later.
  const [quick, calm] = [final(fast), final(slow)].map((list) => (isBroken(list.at(-1)) ? list.slice(0, -1) : list));
  const common = Math.min(quick!.length, calm!.length);
  if (!same(quick!.slice(0, common), calm!.slice(0, common))) return false;
  // Who says less has refused something and ended the connection; who answers all has answered the last one as well.
  // Who waits to be told to go on, in such a row, is not told, and then Node ends the connection behind the answer.
  const waits = /expect:\s*100-continue/i.test(bytes.toString('latin1'));
  const reached = !waits && slow.seen.some(({ url }) => url === '/last');
  if (quick!.length < calm!.length && !isBroken(fast.answers.at(-1)) && (reached || !fast.ended)) return false;
  const whole = fast.seen.filter((one) => one.whole);
  return whole.every((one) => {
    const isAlike = ({ method, url, body }: Seen): boolean =>
      method === one.method && url === one.url && body === one.body;
    const alike = slow.seen.filter((other) => other.whole && isAlike(other));
    // Of some that ask the same, one lane may have passed on fewer before it refused.
    return alike.length < whole.filter(isAlike).length || alike.some((other) => same(other, one));
  });
};

const refusal = (answers: readonly Answered[]): boolean => {
  const end = answers.at(-1);
  return (
    end === undefined ||
    !end.whole ||
    end.status < 200 ||
    end.headers.some((field) => field.startsWith('atrium-error:'))
  );
};

/** Two lanes, and a plain server and client of Node for what the bytes mean to them. One case at a time. */
export class Differential {
  readonly #silence: number;
  readonly #fast: Side;
  readonly #slow: Side;
  readonly #meant: Seen[] = [];
  readonly #oracle = createServer({ maxHeaderSize: 64 * 1024, keepAliveTimeout: 0 }, (request, response) =>
    remember(this.#meant, request, () => response.end('ok')),
  );

  private constructor(silence_ms: number, fast: Side, slow: Side) {
    this.#silence = silence_ms;
    this.#fast = fast;
    this.#slow = slow;
  }

  /** `silence_ms`: after so long without a byte, whoever is asked is taken to wait for more. */
  static async start(silence_ms: number): Promise<Differential> {
    const made = new Differential(silence_ms, await Side.start(true), await Side.start(false));
    await new Promise<void>((resolve) => made.#oracle.listen(0, '127.0.0.1', resolve));
    return made;
  }

  async close(): Promise<void> {
    this.#oracle.close();
    this.#oracle.closeAllConnections();
    await Promise.all([this.#fast.close(), this.#slow.close()]);
  }

  /** Null when all agree. What differs is asked again: a moment of a busy machine is no disagreement. */
  async request(given: WireCase): Promise<Disagreement | null> {
    return again((patience) => this.#request(given, patience));
  }

  async answer(given: AnswerCase): Promise<Disagreement | null> {
    return again((patience) => this.#answer(given, patience));
  }

  async #request(given: WireCase, patience: number): Promise<Disagreement | null> {
    const bytes = Buffer.concat([given.bytes, Buffer.from(last)]);
    const silence = this.#silence * patience;
    const [fast, slow] = await Promise.all([
      this.#fast.request(bytes, given.cuts, silence),
      this.#slow.request(bytes, given.cuts, silence),
    ]);
    if (!agree(fast, slow, bytes)) return report('lanes', given, fast, slow);
    const meant = await this.#meaning(bytes, silence);
    const passed = fast.seen.filter(({ whole }) => whole).map(({ method, url, body }) => `${method} ${url} ${body}`);
    const left = [...meant];
    for (const one of passed) {
      const at = left.indexOf(one);
      if (at === -1) return report('oracle', given, passed, meant);
      left.splice(at, 1);
    }
    return null;
  }

  /** A refusal of the fast lane hurts nobody. */
  async #answer(given: AnswerCase, patience: number): Promise<Disagreement | null> {
    const sends = given.method === 'POST';
    const bytes = Buffer.from(
      `${given.method} /apps/script/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${sends ? 'Content-Length: 2\r\n' : ''}\r\n${sends ? 'hi' : ''}`,
    );
    const silence = this.#silence * patience * 10;
    const [fast, slow] = await Promise.all([
      this.#fast.answer(given, bytes, silence),
      this.#slow.answer(given, bytes, silence),
    ]);
    if (refusal(fast)) return null;
    // What comes to undici in two pieces it reads otherwise where it is not ASCII, and of a reason it keeps the last.
    if (given.cuts.length > 0)
      for (const one of [...fast, ...slow]) {
        one.text = '';
        one.headers = one.headers.map((field) => field.replaceAll(/[\x80-\xff]/g, ''));
      }
    if (!same(fast, slow)) return report('lanes', given, fast, slow);
    const final = fast.at(-1)!;
    const got = `${final.status} ${final.body.split('|')[0]}`;
    const meant = plainBody(answerByNode(given));
    return got === meant ? null : report('oracle', given, got, meant);
  }

  /** What a server of Node reads in these bytes, as an app below the gateway would be asked for it. */
  async #meaning(bytes: Buffer, silence_ms: number): Promise<string[]> {
    this.#meant.length = 0;
    await talk((this.#oracle.address() as AddressInfo).port, bytes, [], silence_ms);
    return this.#meant.map(({ method, url, headers, body }) => {
      const read = readRequestPath(url) ?? { path: url, query: '' };
      const own = headers.some((field) => /^host: notes\.test\.?$/i.test(field));
      return `${method} ${own ? read.path : pathBelow(read.path, '/apps/notes/')}${read.query} ${body}`;
    });
  }
}

/** Until it agrees, three times at most, each after what is left of the time before has ended. */
const again = async (ask: (patience: number) => Promise<Disagreement | null>): Promise<Disagreement | null> => {
  let found = await ask(1);
  for (const patience of [4, 20]) {
    if (found === null) return null;
    await delay(20 * patience);
    found = await ask(patience);
  }
  return found;
};

const report = (kind: Disagreement['kind'], given: WireCase, fast: unknown, other: unknown): Disagreement => ({
  ...{ name: given.name, kind, bytes: given.bytes.toString('latin1'), cuts: given.cuts, fast, other },
});

/** Runs cases of a seed from one place to another, several at a time. */
export const runCases = async (
  seed: number,
  from: number,
  to: number,
  options: {
    workers: number;
    silence_ms: number;
    found: (one: Disagreement) => void;
    progress?: (done: number) => void;
  },
): Promise<void> => {
  let next = from;
  let done = from;
  const work = async (): Promise<void> => {
    const differential = await Differential.start(options.silence_ms);
    try {
      while (next < to) {
        const index = next++;
        const given = generatedCase(seed, index);
        const found = 'method' in given ? await differential.answer(given) : await differential.request(given);
        if (found !== null) options.found(found);
        done += 1;
        options.progress?.(done);
      }
    } finally {
      await differential.close();
    }
  };
  await Promise.all(Array.from({ length: options.workers }, work));
};
