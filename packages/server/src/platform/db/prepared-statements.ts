import { createHash } from 'node:crypto';
import type pg from 'pg';
import { type Described, PreparedQuery, type RowShapes } from './prepared-query.ts';

/** A text must come back before it is worth a plan of its own; most statements with lists of values never do. */
const seenBeforeNaming = 2;
/** Plans live in every connection, so their number is bounded. */
const namedLimit = 400;
const watchedLimit = 2000;

/**
 * Names the statements that come again and again, so that PostgreSQL parses and plans each once a connection instead of
 * at every call. Planning the item query costs ten times as much as running it.
 */
export class StatementNames {
  readonly #seen = new Map<string, number>();
  readonly #names = new Map<string, string>();

  nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= namedLimit) return known;
    const count = (this.#seen.get(text) ?? 0) + 1;
    if (count <= seenBeforeNaming) {
      if (this.#seen.size >= watchedLimit) this.#seen.clear();
      this.#seen.set(text, count);
      return undefined;
    }
    this.#seen.delete(text);
    const name = createHash('sha256').update(text).digest('base64url').slice(0, 22);
    this.#names.set(text, name);
    return name;
  }
}

const preparable = /^\s*(?:select|with|insert|update|delete)\b/i;

/** Makes a client of the pool use named statements for texts with values. Other forms of `query` stay as they are. */
export const prepareStatements = (
  client: pg.ClientBase,
  names: StatementNames,
  shapes: RowShapes,
  onQuery: ((seconds: number) => void) | undefined,
): void => {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const described: Described = new Map();
  const plain = (...args: unknown[]): unknown => {
    const answer = query(...args);
    if (onQuery !== undefined && answer instanceof Promise) {
      const started = performance.now();
      const done = () => onQuery((performance.now() - started) / 1000);
      answer.then(done, done);
    }
    return answer;
  };
  const run = (prepared: PreparedQuery, callback: PreparedQuery['callback']): void => {
    prepared.callback = callback;
    query(prepared);
  };
  const named = (...args: unknown[]): unknown => {
    const [text, values, callback] = args;
    if (typeof text !== 'string' || !Array.isArray(values) || !preparable.test(text)) return plain(...args);
    const name = names.nameOf(text);
    if (name === undefined) return plain(...args);
    if (typeof callback === 'function')
      return run(new PreparedQuery({ name, text, values }, described, shapes), callback as PreparedQuery['callback']);
    return new Promise((resolve, reject) => {
      const prepared = new PreparedQuery({ name, text, values }, described, shapes);
      const started = onQuery === undefined ? 0 : performance.now();
      run(prepared, (error, result) => {
        onQuery?.((performance.now() - started) / 1000);
        if (error) reject(error);
        else resolve(result);
      });
    });
  };
  client.query = named as typeof client.query;
};
