import { isFieldValue, lowerName } from '../../../platform/http/fast/fields.ts';

/** Fields that belong to the connection or to the framing, which are ours. */
const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'expect', 'content-length']);

/** Header lines as they are written, without those that say how long the body is and what becomes of the connection. */
export interface HeaderLines {
  text: string;
  length: string | null;
}

/** Throws where a field cannot be sent. */
export const headerLines = (headers: readonly string[]): HeaderLines => {
  const parts: string[] = [];
  let length: string | null = null;
  for (let at = 0; at < headers.length; at += 2) {
    const [name, value] = [headers[at]!, headers[at + 1]!];
    const lower = lowerName(name);
    if (lower === null || !isFieldValue(value))
      throw Object.assign(new Error(`the field ${lower ?? ''} cannot be sent`), { code: 'UND_ERR_INVALID_ARG' });
    if (ofConnection.has(lower)) {
      if (lower === 'content-length') length = String(Number(value));
    } else parts.push(name, ': ', value, '\r\n');
  }
  return { text: parts.join(''), length };
};

/** Headers that several requests are sent with, written out once. Nobody changes the list. */
export class SharedHeaders {
  readonly list: readonly string[];
  #lines: HeaderLines | null = null;

  constructor(list: readonly string[]) {
    this.list = list;
  }

  get lines(): HeaderLines {
    this.#lines ??= headerLines(this.list);
    return this.#lines;
  }

  /** The whole of what one request is sent with. */
  with(requestId: string): string[] {
    return [...this.list, 'x-request-id', requestId];
  }
}
