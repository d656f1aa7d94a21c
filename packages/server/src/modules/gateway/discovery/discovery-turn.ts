import type { Client } from 'pg';
import { KeptConnection } from '../../../platform/db/kept-connection.ts';

/** "atrd": the one advisory lock of discovery. */
const lockKey = 0x61747264;
const askAgainMs = 2000;

export interface TurnParts {
  url: string;
  /** Another lock than the one of discovery, for another kind of work. */
  lock?: { key: number; name: string };
  /** It is this process's turn until the signal aborts. */
  begin: () => void;
  end: () => Promise<void>;
  onError: (error: unknown) => void;
}

/**
 * Lets one process of all that share the database discover: whoever holds a lock of a connection of its own. When that
 * process is gone, however it went, PostgreSQL gives the lock to the next one that asks.
 */
export const createDiscoveryTurn = ({ url, lock, begin, end, onError }: TurnParts) => {
  let asking: NodeJS.Timeout | null = null;
  let ours = false;
  const release = async (): Promise<void> => {
    if (asking !== null) clearInterval(asking);
    asking = null;
    if (!ours) return;
    ours = false;
    await end();
  };
  const ask = async (client: Client): Promise<void> => {
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [
      lock?.key ?? lockKey,
    ]);
    if (rows[0]?.got !== true || ours) return;
    if (asking !== null) clearInterval(asking);
    asking = null;
    ours = true;
    begin();
  };
  const connection = new KeptConnection({
    url,
    name: lock?.name ?? 'atrium discovery',
    prepare: async (client) => {
      // A new connection: the lock went with the old one.
      await release();
      await ask(client);
      if (!ours) asking = setInterval(() => void ask(client).catch(onError), askAgainMs).unref();
    },
    onError,
  });
  return {
    start: () => connection.start(),
    stop: async () => {
      await release();
      await connection.stop();
    },
  };
};
