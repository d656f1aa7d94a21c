import { keepSharedServers } from './shared-servers.ts';
import { removeDataDir, startServer, templateVariable } from './start-server.ts';

/**
 * Vitest's setup for tests that start servers: one first start, whose data directory the others begin with. Projects that
 * run together share it.
 */
export const setup = async (): Promise<(() => Promise<void>) | undefined> => {
  if (process.env[templateVariable] !== undefined) return undefined;
  const server = await startServer({ own_process: true });
  await server.stop();
  process.env[templateVariable] = server.dataDir;
  const stopShared = keepSharedServers();
  return async () => {
    await stopShared();
    removeDataDir(server.dataDir);
  };
};
