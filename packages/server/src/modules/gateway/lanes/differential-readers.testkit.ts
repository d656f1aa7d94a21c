import { createRequire } from 'node:module';
import { BadChunks, ChunkReader } from '../../../platform/http/fast/chunks.ts';
import { type RequestFields, readRequestHead } from '../../../platform/http/fast/request-head.ts';
import { type AnswerHead, BadAnswer, readAnswerHead } from './answer-head.ts';
import type { AnswerCase, WireCase } from './differential-cases.testkit.ts';

/** The reader of Node itself, which has no types of its own. */
interface NodeParser {
  initialize(kind: number, resource: object): void;
  execute(bytes: Buffer): number | Error;
  finish(): unknown;
  close(): void;
  [callback: number]: unknown;
}
const { HTTPParser } = createRequire(import.meta.url)('node:_http_common') as {
  HTTPParser: (new () => NodeParser) & Record<string, number>;
};

const methodNames = (createRequire(import.meta.url)('node:_http_common') as { methods: string[] }).methods;

/** What was read, up to where it was in order. */
interface Reading {
  messages: string[];
  refused: boolean;
}

const messageOf = (start: string, raw: readonly string[], body: string): string => JSON.stringify([start, raw, body]);

/** Reads all of it with the reader of Node, in one piece. */
const byNode = (bytes: Buffer, kind: 'request' | 'answer', method: string): Reading & { methods: string[] } => {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser[kind === 'request' ? 'REQUEST' : 'RESPONSE']!, {});
  const messages: string[] = [];
  const methods: string[] = [];
  let [start, body, begun] = ['', '', false];
  let raw: string[] = [];
  parser[HTTPParser['kOnHeaders']!] = (more: string[], url: string) => {
    // What comes behind the head are trailers.
    if (begun) return;
    raw.push(...more);
    start += url;
  };
  parser[HTTPParser['kOnHeadersComplete']!] = (
    major: number,
    minor: number,
    headers: string[] | undefined,
    verb: number | undefined,
    url: string | undefined,
    status: number | undefined,
    reason: string | undefined,
  ): number => {
    raw.push(...(headers ?? []));
    start =
      kind === 'request'
        ? `${methodNames[verb!]} ${start}${url ?? ''} ${major}.${minor}`
        : `${major}.${minor} ${status} ${reason}`;
    begun = true;
    if (verb !== undefined && kind === 'request') methods.push(methodNames[verb]!);
    return kind === 'answer' && (method === 'HEAD' || status! < 200) ? 1 : 0;
  };
  parser[HTTPParser['kOnBody']!] = (part: Buffer) => {
    body += part.toString('latin1');
  };
  parser[HTTPParser['kOnMessageComplete']!] = () => {
    messages.push(messageOf(start, raw, body));
    [start, body, raw, begun] = ['', '', [], false];
  };
  const result = parser.execute(bytes);
  const end = result instanceof Error ? result : parser.finish();
  parser.close();
  return { messages, methods, refused: end instanceof Error };
};

const pieces = ({ bytes, cuts }: WireCase): Buffer[] => {
  const edges = [0, ...cuts, bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
};

/** Reads requests with the fast reader, in pieces, as a connection does; ends where something is not plain. */
const requestsByUs = (given: WireCase): Reading => {
  const messages: string[] = [];
  let held: Buffer = Buffer.alloc(0);
  let last: RequestFields | null = null;
  let reading: {
    start: string;
    raw: string[];
    body: string;
    left: number;
    keep: boolean;
    chunks: ChunkReader | null;
  } | null = null;
  for (const piece of pieces(given)) {
    held = Buffer.concat([held, piece]);
    for (;;) {
      if (reading === null) {
        const head = readRequestHead(held, last);
        if (head === 'partial') break;
        if (head === 'odd') return { messages, refused: true };
        const { fields } = head;
        last = fields;
        const chunks = fields.length === -1 ? new ChunkReader() : null;
        reading = {
          start: `${head.method} ${head.url} 1.1`,
          raw: fields.raw,
          body: '',
          left: fields.length,
          keep: fields.keep,
          chunks,
        };
        held = held.subarray(head.end);
      }
      const one: NonNullable<typeof reading> = reading;
      if (one.chunks === null) {
        const part = held.subarray(0, one.left);
        one.body += part.toString('latin1');
        one.left -= part.length;
        held = held.subarray(part.length);
        if (one.left > 0) break;
      } else {
        try {
          const end = one.chunks.read(held, (part) => {
            one.body += part.toString('latin1');
            return true;
          });
          held = end === -1 ? Buffer.alloc(0) : held.subarray(end);
          if (end === -1) break;
        } catch (error) {
          if (!(error instanceof BadChunks)) throw error;
          return { messages, refused: true };
        }
      }
      messages.push(messageOf(one.start, one.raw, one.body));
      // What comes behind the last request of a connection is not read.
      if (!one.keep) return { messages, refused: true };
      reading = null;
    }
  }
  return { messages, refused: false };
};

/** Reads one answer and those before it that are none yet, in pieces. */
const answerByUs = (given: AnswerCase): Reading => {
  const messages: string[] = [];
  let held: Buffer = Buffer.alloc(0);
  let [start, body, left] = ['', '', 0];
  let raw: string[] = [];
  let last: AnswerHead | null = null;
  let state: 'head' | 'length' | 'chunks' | 'close' = 'head';
  const chunks = new ChunkReader();
  try {
    for (const piece of pieces(given)) {
      held = Buffer.concat([held, piece]);
      while (state === 'head') {
        const head = readAnswerHead(held, given.method, last);
        if (head === null) break;
        last = head;
        held = held.subarray(head.end);
        [start, raw] = [`1.${head.minor} ${head.status} ${head.text}`, head.raw];
        if (head.status === 101) return { messages, refused: true };
        if (head.status < 200) {
          messages.push(messageOf(start, raw, ''));
          continue;
        }
        state = typeof head.framing === 'number' ? 'length' : head.framing;
        left = typeof head.framing === 'number' ? head.framing : 0;
      }
      if (state === 'head') continue;
      if (state === 'chunks') {
        const end = chunks.read(held, (part) => {
          body += part.toString('latin1');
          return true;
        });
        held = Buffer.alloc(0);
        if (end !== -1) return { messages: [...messages, messageOf(start, raw, body)], refused: false };
      } else {
        const part = state === 'close' ? held : held.subarray(0, left);
        body += part.toString('latin1');
        left -= part.length;
        held = Buffer.alloc(0);
        if (state === 'length' && left === 0)
          return { messages: [...messages, messageOf(start, raw, body)], refused: false };
      }
    }
  } catch (error) {
    if (!(error instanceof BadChunks) && !(error instanceof BadAnswer)) throw error;
    return { messages, refused: true };
  }
  if (state === 'close') messages.push(messageOf(start, raw, body));
  return { messages, refused: false };
};

/** Methods of the requests in these bytes, as Node reads them. */
export const methodsByNode = (bytes: Buffer): string[] => byNode(bytes, 'request', '').methods;

/** The first answer in these bytes that is one, as Node reads it: status and body. */
export const answerByNode = ({ bytes, method }: AnswerCase): string => {
  for (const message of byNode(bytes, 'answer', method).messages) {
    const [start, , body] = JSON.parse(message) as [string, string[], string];
    const status = start.split(' ')[1]!;
    if (Number(status) >= 200) return `${status} ${body}`;
  }
  return 'none';
};

/** Null when whatever the fast readers take is what Node's reader takes, message by message. */
export const compareReaders = (given: WireCase | AnswerCase): { ours: Reading; nodes: Reading } | null => {
  const isAnswer = 'method' in given;
  const ours = isAnswer ? answerByUs(given) : requestsByUs(given);
  const nodes = byNode(given.bytes, isAnswer ? 'answer' : 'request', isAnswer ? given.method : '');
  return ours.messages.every((message, at) => message === nodes.messages[at]) ? null : { ours, nodes };
};
