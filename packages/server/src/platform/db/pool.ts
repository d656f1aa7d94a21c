import pg from 'pg';
import { RowShapes } from './prepared-query.ts';
import { prepareStatements, StatementNames } from './prepared-statements.ts';

const anyTimestamp: (text: string) => Date | number = pg.types.getTypeParser(1184, 'text');
/** `2026-03-01 12:00:00+00`, up to six digits of a second more; other zones, eras and long years are rare. */
const isUtc = (text: string): boolean => text.length >= 22 && text[4] === '-' && text.endsWith('+00');

/** A quarter of the time that the driver's own reader takes; an item has half a dozen of them. */
const readTimestamp = (text: string): Date | number =>
  isUtc(text) ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`) : anyTimestamp(text);

/**
 * Reads bigint as a number, as every counter and size of Atrium fits in one; a value that does not is an error, never
 * a rounded number. Dates without a time stay text, because a Date would move them across time zones.
 */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  20: (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit in a number`);
    return value;
  },
  1016: (text) => (text === '{}' ? [] : text.slice(1, -1).split(',').map(Number)),
  1082: (text) => text,
  1184: readTimestamp,
};

const types = {
  getTypeParser: ((oid: number, format?: 'text') =>
    parsers[oid] ?? pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

export interface PoolOptions {
  url: string;
  max?: number;
  application_name?: string;
  /** Called when an idle connection breaks; without a listener that would end the process. */
  onError?: (error: Error) => void;
  /** Told of each statement how long it took. */
  onQuery?: (seconds: number) => void;
}

/** The pool behind `Database`. */
export const createPool = (options: PoolOptions): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 20,
    application_name: options.application_name ?? 'atrium',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 600_000,
    keepAlive: true,
    types,
  });
  pool.on('error', (error) => options.onError?.(error));
  // The pool listens only to idle clients. A client that breaks while it is checked out emits `error` as well, beside
  // failing its query, and an unheard one ends the process.
  const names = new StatementNames();
  const shapes = new RowShapes((oid) => types.getTypeParser(oid, 'text'));
  pool.on('connect', (client) => {
    client.on('error', () => {});
    prepareStatements(client, names, shapes, options.onQuery);
  });
  return pool;
};

/** A connection of its own, for LISTEN and for locks that live as long as the process. */
export const createClient = (url: string, application_name: string): pg.Client =>
  new pg.Client({ connectionString: url, application_name, connectionTimeoutMillis: 10_000, keepAlive: true, types });
