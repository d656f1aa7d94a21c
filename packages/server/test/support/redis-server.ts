import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A Redis of the machine's own (`redis-server` on the PATH), on a socket and, if asked, a port that nobody else has. Fails when there is none. */
export const startRedis = async (port = 0): Promise<{ redis: Redis; stop: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'atrium-redis-'));
  const socket = join(folder, 'redis.sock');
  const server = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--unixsocket', socket, '--save', '', '--dir', folder],
    {
      stdio: 'ignore',
    },
  );
  const failed = new Promise<never>((_, reject) => server.once('error', reject));
  failed.catch(() => {});
  const redis = new Redis(socket, { retryStrategy: () => 20, maxRetriesPerRequest: 200 });
  redis.on('error', () => {});
  await Promise.race([redis.ping(), failed]);
  return {
    redis,
    stop: async () => {
      redis.disconnect();
      server.kill();
      await new Promise((resolve) => server.once('exit', resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
};
