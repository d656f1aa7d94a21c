import type { AnswerLines } from '../../../platform/http/fast/answer-lines.ts';
import { hasOnlyFieldBytes, readFields } from '../../../platform/http/fast/fields.ts';

/** An answer that can be read in more than one way, or in none. */
export class BadAnswer extends Error {
  readonly code = 'ATRIUM_BAD_ANSWER';
}

export interface AnswerHead {
  /** As it was sent, and to which method. */
  bytes: string;
  method: string;
  status: number;
  text: string;
  /** Of its version. */
  minor: string;
  raw: string[];
  /** Of the body: a length, chunks, or until the connection ends. */
  framing: number | 'chunks' | 'close';
  /** The connection may be used again; how long it is kept, when the app tells. */
  keep: boolean;
  keep_ms: number | null;
  /** Where the body begins. */
  end: number;
  /** What the client gets of it, once that was found out; null where that depends on the request. */
  passed: PassedHead | null;
}

export interface PassedHead {
  shared_origin: boolean;
  rewrite: boolean;
  origin: string;
  lines: AnswerLines | null;
}

/** Of a head, as other readers have it. */
export const largestAnswerHead = 64 * 1024;

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([^\r\n]*))?$/;
const digits = /^\d{1,15}$/;

/** Below it all that came becomes text at once, which is less work than looking for the end of the head first. */
const short = 2048;

/**
 * Reads the head of an answer; null while it is not whole. Throws BadAnswer. `last` is the one before on the same
 * connection, which is taken again when this one is the same, byte for byte.
 */
export const readAnswerHead = (bytes: Buffer, method: string, last: AnswerHead | null = null): AnswerHead | null => {
  const all = bytes.length > short ? '' : bytes.toString('latin1', 0, bytes.length);
  const mark = bytes.length > short ? bytes.indexOf('\r\n\r\n', 0, 'latin1') : all.indexOf('\r\n\r\n');
  if (mark === -1 ? bytes.length > largestAnswerHead : mark > largestAnswerHead)
    throw new BadAnswer('the head of the answer is too large');
  if (mark === -1) {
    // What begins otherwise will never be an answer, and may never end.
    const start = bytes.toString('latin1', 0, Math.min(bytes.length, 5));
    if (!'HTTP/'.startsWith(start)) throw new BadAnswer('the answer is not HTTP');
    return null;
  }
  const head = bytes.length > short ? bytes.toString('latin1', 0, mark + 2) : all.slice(0, mark + 2);
  if (last !== null && last.bytes === head && last.method === method) return last;
  const line = head.indexOf('\r\n');
  const [, minor, code, text = ''] = statusLine.exec(head.slice(0, line)) ?? [];
  if (code === undefined || !hasOnlyFieldBytes(head)) throw new BadAnswer('the answer is not HTTP');
  const raw: string[] = [];
  const names: string[] = [];
  if (readFields(head, line + 2, raw, names) === -1) throw new BadAnswer('the answer has a field that is none');
  let length: string | null = null;
  let coding: string | null = null;
  let connection: string | null = null;
  let hint: string | null = null;
  for (let at = 0; at < names.length; at++) {
    const value = raw[2 * at + 1]!;
    switch (names[at]) {
      case 'content-length':
        if (length !== null || !digits.test(value)) throw new BadAnswer('the answer has no one length');
        length = value;
        break;
      case 'transfer-encoding':
        if (coding !== null || value.toLowerCase() !== 'chunked')
          throw new BadAnswer('the answer has a strange coding');
        coding = value;
        break;
      case 'connection':
        connection = connection === null ? value : `${connection},${value}`;
        break;
      case 'keep-alive':
        hint = value;
        break;
    }
  }
  if (coding !== null && (length !== null || minor === '0')) throw new BadAnswer('the answer has two lengths');
  const status = Number(code);
  if (status < 200 && (minor === '0' || closes(connection))) throw new BadAnswer('the answer ends before it began');
  const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304;
  const framing = bodiless ? 0 : coding !== null ? 'chunks' : length !== null ? Number(length) : 'close';
  // Whoever answers HEAD wrongly sends a body behind it, which the next request would take for its answer.
  const keep = minor === '1' && framing !== 'close' && method !== 'HEAD' && !closes(connection);
  return {
    ...{ bytes: head, method, status, text, minor: minor!, raw, framing },
    ...{ keep, keep_ms: keptFor(hint), end: mark + 4, passed: null },
  };
};

const closes = (connection: string | null): boolean =>
  connection !== null && /(?:^|[\s,])close(?:$|[\s,])/i.test(connection);

const keptFor = (hint: string | null): number | null => {
  const seconds = hint === null ? undefined : /(?:^|[\s,])timeout=(\d{1,6})/i.exec(hint)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
};
