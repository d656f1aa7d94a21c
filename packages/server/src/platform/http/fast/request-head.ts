import type { IncomingHttpHeaders } from 'node:http';
import { mostHeaders } from '../request-form.ts';
import { hasOnlyFieldBytes, readFields } from './fields.ts';

/** An ordinary request, read so that nothing about it can be read in another way. */
export interface RequestHead {
  method: string;
  url: string;
  raw: string[];
  headers: IncomingHttpHeaders;
  /** Of the body; -1 when it comes in chunks. */
  length: number;
  keep: boolean;
  /** Where the body begins. */
  end: number;
}

/** Beyond it the reader of Node takes the connection. */
export const largestHead = 16 * 1024;

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const target = /^\/[\x21-\x7e]*$/;
const digits = /^\d{1,15}$/;

/** Fields that change what a connection is or how it is read, and a name that objects do not take. */
const odd = new Set(['expect', 'upgrade', 'trailer', 'http2-settings', 'proxy-connection', '__proto__']);

/**
 * Reads a head at the front of some bytes. `odd` is everything that is not plain: perhaps in order, perhaps not; who
 * gets it reads it from its first byte.
 */
export const readRequestHead = (bytes: Buffer): RequestHead | 'partial' | 'odd' => {
  const mark = bytes.indexOf('\r\n\r\n', 0, 'latin1');
  if (mark === -1) return bytes.length > largestHead ? 'odd' : 'partial';
  if (mark > largestHead) return 'odd';
  const head = bytes.toString('latin1', 0, mark + 2);
  const line = head.indexOf('\r\n');
  const space = head.indexOf(' ');
  const method = head.slice(0, space);
  if (!methods.has(method) || line < 14 || head.slice(line - 9, line) !== ' HTTP/1.1') return 'odd';
  const url = head.slice(space + 1, line - 9);
  if (!target.test(url) || !hasOnlyFieldBytes(head)) return 'odd';
  const raw: string[] = [];
  const names: string[] = [];
  const count = readFields(head, line + 2, raw, names);
  if (count < 1 || count > mostHeaders) return 'odd';
  const headers: Record<string, string> = {};
  for (let at = 0; at < count; at++) {
    const name = names[at]!;
    // What comes twice is joined, dropped or refused by rules of its own.
    if (headers[name] !== undefined || odd.has(name)) return 'odd';
    headers[name] = raw[2 * at + 1]!;
  }
  const { host, connection } = headers;
  if (host === undefined) return 'odd';
  let keep = true;
  if (connection !== undefined) {
    const wish = connection.toLowerCase();
    if (wish === 'close') keep = false;
    else if (wish !== 'keep-alive') return 'odd';
  }
  const length = lengthOf(headers);
  return length === null ? 'odd' : { method, url, raw, headers, length, keep, end: mark + 4 };
};

const lengthOf = (headers: Readonly<Record<string, string>>): number | null => {
  const [coding, length] = [headers['transfer-encoding'], headers['content-length']];
  if (coding !== undefined) return coding === 'chunked' && length === undefined ? -1 : null;
  if (length === undefined) return 0;
  return digits.test(length) ? Number(length) : null;
};
