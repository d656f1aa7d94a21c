import { STATUS_CODES } from 'node:http';
import { isFieldValue, lowerName } from './fields.ts';

/** The head of an answer as it is written, without what belongs to the connection. */
export interface AnswerLines {
  readonly status: number;
  readonly text: string;
  /** Some of it says how long the body is, what time it is, or what becomes of the connection. */
  readonly measured: boolean;
  readonly dated: boolean;
  readonly connected: boolean;
  readonly closes: boolean;
}

const closes = /(?:^|[\s,])close(?:$|[\s,])/i;

/** Throws where something cannot be written. */
export const answerLines = (status: number, reason: string | null, pairs: readonly string[]): AnswerLines => {
  const text = reason ?? STATUS_CODES[status] ?? 'unknown';
  if (!isFieldValue(text)) throw new TypeError('the reason of an answer has bytes that no head has');
  const parts = [`HTTP/1.1 ${status} ${text}\r\n`];
  let [measured, dated, connected, over] = [false, false, false, false];
  for (let at = 0; at < pairs.length; at += 2) {
    const [name, value] = [pairs[at]!, String(pairs[at + 1])];
    const lower = lowerName(name);
    if (lower === null || !isFieldValue(value)) throw new TypeError(`the field ${lower ?? ''} cannot be written`);
    if (lower === 'content-length') measured = true;
    else if (lower === 'date') dated = true;
    else if (lower === 'connection') {
      connected = true;
      if (closes.test(value)) over = true;
    } else if (lower === 'transfer-encoding') continue;
    parts.push(name, ': ', value, '\r\n');
  }
  return { status, text: parts.join(''), measured, dated, connected, closes: over };
};
