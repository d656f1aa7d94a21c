import type { IncomingHttpHeaders } from 'node:http';
import { mostHeaders } from '../request-form.ts';
import { hasOnlyFieldBytes, readFields } from './fields.ts';

/**
 * The lines of a head below its first one. Requests that follow one another may share them, so nobody changes them or
 * knows a request by them.
 */
export interface RequestFields {
  /** As they were sent. */
  readonly text: string;
  readonly raw: string[];
  readonly headers: IncomingHttpHeaders;
  /** Of the body; -1 when it comes in chunks. */
  readonly length: number;
  readonly keep: boolean;
}

/** An ordinary request, read so that nothing about it can be read in another way. */
export interface RequestHead {
  method: string;
  url: string;
  fields: RequestFields;
  /** Where the body begins. */
  end: number;
}

/** Beyond it the reader of Node takes the connection. */
export const largestHead = 16 * 1024;

/** Each by itself, so that no request keeps a text of its own for it. */
const methods = new Map(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((name) => [name, name]));
const target = /^\/[\x21-\x7e]*$/;
const digits = /^\d{1,15}$/;

/** Fields that change what a connection is or how it is read, and a name that objects do not take. */
const odd = new Set(['expect', 'upgrade', 'trailer', 'http2-settings', 'proxy-connection', '__proto__']);

/** Below it a head and what comes behind it become text at once, which is less work than looking for its end first. */
const short = 2048;

/**
 * Reads a head at the front of some bytes. `odd` is everything that is not plain: perhaps in order, perhaps not; who
 * gets it reads it from its first byte. `last` are the fields of the request before: a client that sends the same ones
 * again, byte for byte, costs one comparison.
 */
export const readRequestHead = (bytes: Buffer, last: RequestFields | null = null): RequestHead | 'partial' | 'odd' => {
  const all = bytes.length > short ? '' : bytes.toString('latin1', 0, bytes.length);
  const mark = bytes.length > short ? bytes.indexOf('\r\n\r\n', 0, 'latin1') : all.indexOf('\r\n\r\n');
  if (mark === -1) return bytes.length > largestHead ? 'odd' : 'partial';
  if (mark > largestHead) return 'odd';
  const head = bytes.length > short ? bytes.toString('latin1', 0, mark + 2) : all.slice(0, mark + 2);
  const line = head.indexOf('\r\n');
  const space = head.indexOf(' ');
  const method = methods.get(head.slice(0, space));
  if (method === undefined || line < 14 || head.slice(line - 9, line) !== ' HTTP/1.1') return 'odd';
  const url = head.slice(space + 1, line - 9);
  if (!target.test(url)) return 'odd';
  const text = head.slice(line + 2);
  const fields = last !== null && last.text === text ? last : readRequestFields(text);
  return fields === null ? 'odd' : { method, url, fields, end: mark + 4 };
};

const readRequestFields = (text: string): RequestFields | null => {
  if (!hasOnlyFieldBytes(text)) return null;
  const raw: string[] = [];
  const names: string[] = [];
  const count = readFields(text, 0, raw, names);
  if (count < 1 || count > mostHeaders) return null;
  const headers: Record<string, string> = {};
  for (let at = 0; at < count; at++) {
    const name = names[at]!;
    // What comes twice is joined, dropped or refused by rules of its own.
    if (headers[name] !== undefined || odd.has(name)) return null;
    headers[name] = raw[2 * at + 1]!;
  }
  const { host, connection } = headers;
  if (host === undefined) return null;
  let keep = true;
  if (connection !== undefined) {
    const wish = connection.toLowerCase();
    if (wish === 'close') keep = false;
    else if (wish !== 'keep-alive') return null;
  }
  const length = lengthOf(headers);
  return length === null ? null : { text, raw, headers, length, keep };
};

const lengthOf = (headers: Readonly<Record<string, string>>): number | null => {
  const [coding, length] = [headers['transfer-encoding'], headers['content-length']];
  if (coding !== undefined) return coding === 'chunked' && length === undefined ? -1 : null;
  if (length === undefined) return 0;
  return digits.test(length) ? Number(length) : null;
};
