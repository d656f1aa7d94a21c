import { createAtrium } from '../packages/sdk/src/index.ts';
import { postmasterPid, serverDatabaseUrl } from '../packages/server/test/support/server-database.ts';
import { removeDataDir, startServer } from '../packages/server/test/support/start-server.ts';

export interface BenchLine {
  what: string;
  ours: string;
  peer: string;
  result: string;
  budget: string;
  met: boolean;
}

export interface BenchServer {
  url: string;
  /** Session of the owner. */
  token: string;
  agentKey: string;
  /** The agent as a client of the authorization server. */
  client: { id: string; secret: string };
  /** What its tokens are asked for. */
  resource: string;
  databaseUrl: string;
  dataDir: string;
  pid: number;
  /** Process of its PostgreSQL. */
  postmaster: number;
  createItem: (title: string) => Promise<string>;
  stop: () => Promise<void>;
}

/** A server with durable settings and limits out of the way, an owner and an agent. */
export const startBenchServer = async (env: Record<string, string> = {}): Promise<BenchServer> => {
  const server = await startServer({
    web: true,
    on_disk: true,
    as_users_start: true,
    env: {
      ATRIUM_LOG: 'info',
      ATRIUM_RATE_LIMIT_REST: '100000000',
      ATRIUM_RATE_LIMIT_ADDRESS: '100000000',
      ATRIUM_RATE_LIMIT_TOOLS: '100000000',
      // A thousand listeners come from one address.
      ATRIUM_MAX_CONNECTIONS_PER_ADDRESS: '0',
      ...env,
    },
  });
  const visitor = createAtrium({ url: server.url });
  const { access_token: token } = await visitor.setup.complete({
    token: server.setupToken,
    email: 'bench@example.org',
    password: 'correct horse battery',
    name: 'Bench',
  });
  const owner = createAtrium({ url: server.url, token });
  const agentMade = await owner.agents.create({ name: 'Bench agent' });
  const agentKey = agentMade.api_key;
  const agent = createAtrium({ url: server.url, token: agentKey });
  const metadata = await fetch(`${server.url}/.well-known/oauth-authorization-server`);
  const { issuer } = (await metadata.json()) as { issuer: string };
  return {
    url: server.url,
    token,
    agentKey,
    client: { id: agentMade.client_id, secret: agentMade.client_secret },
    resource: `${issuer}/api/v1`,
    databaseUrl: serverDatabaseUrl(server.dataDir),
    dataDir: server.dataDir,
    pid: server.pid,
    postmaster: postmasterPid(server.dataDir),
    createItem: async (title) => (await agent.inbox.notify({ title })).id,
    stop: async () => {
      await server.stop();
      removeDataDir(server.dataDir);
    },
  };
};
