import pg from 'pg';

/**
 * DBOS repeats what failed because the database was away, and knows that by error codes of TCP. A server on a Unix
 * socket fails otherwise: its socket file is missing while it starts (ENOENT), and writing to a socket whose server was
 * killed is EPIPE. Unknown to DBOS, either would end a workflow for good.
 */
const knownCodes: Readonly<Record<string, string>> = { ENOENT: 'ECONNREFUSED', EPIPE: 'ECONNRESET' };

/** The same error, by the code that says what it means. */
export const asLostConnection = <T>(error: T): T => {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  const known = code === undefined || syscall === undefined ? undefined : knownCodes[code];
  if (known !== undefined) (error as NodeJS.ErrnoException).code = known;
  return error;
};

class JobsClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    // First in line, so that the connection's own listeners hand the error on to queries with the code it gets here.
    const { connection } = this as unknown as { connection: NodeJS.EventEmitter };
    connection.prependListener('error', asLostConnection);
  }
}

/** The pool of the jobs host, with the driver's own types, which DBOS counts on. */
export const createJobsPool = (url: string, max: number, onError: (error: unknown) => void): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    Client: JobsClient,
  } as pg.PoolConfig);
  // Once it ends it forgets its clients before they are gone: one may still hear that the database stops as well.
  pool.on('error', (error) => {
    if (!pool.ending) onError(error);
  });
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
};
