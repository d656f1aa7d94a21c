import type { Scope } from '@atrium/protocol';
import type pg from 'pg';
import { createRestClient, type Json, type RestAnswer, type RestClient } from './rest-client.ts';
import { openServerDatabase } from './server-database.ts';
import { willBeStopped } from './shared-servers.ts';
import { type RunningServer, removeDataDir, type StartOptions, startServer } from './start-server.ts';

export const password = 'correct horse battery staple';

export interface Person extends RestClient {
  id: string;
  name: string;
  email: string;
  token: string;
  org_id: string;
}

export interface Agent extends RestClient {
  id: string;
  name: string;
  token: string;
  org_id: string;
  client_id: string;
  client_secret: string;
}

export interface MemberPlan {
  role?: string;
  team_id?: string;
}

export interface AgentPlan {
  scopes?: Scope[];
  role?: string;
  item_scope?: { kind: 'own' } | { kind: 'org' } | { kind: 'channels'; channel_ids: string[] };
  kind?: 'agent' | 'device' | 'service';
}

export interface Org {
  id: string;
  name: string;
  owner: Person;
  member(name: string, plan?: MemberPlan): Promise<Person>;
  /** By default with both inbox scopes, as a member, on its own items. */
  agent(name: string, plan?: AgentPlan): Promise<Agent>;
  channel(name: string, plan?: Record<string, unknown>): Promise<string>;
  team(name: string, people?: readonly Person[]): Promise<string>;
  role(name: string, permissions: string[]): Promise<string>;
}

export interface World {
  readonly url: string;
  server: RunningServer;
  /** Who set the server up. */
  operator: Person;
  anonymous: RestClient;
  database: pg.Pool;
  makeOrg(name?: string): Promise<Org>;
  /** Somebody with nothing but a personal organisation. */
  makePerson(name: string, invite_code?: string): Promise<Person>;
  /** Starts the server again on the same data, after `server.kill()` or `server.stop()`. Everybody's doors follow. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** The body of an answer that had to succeed. */
export const ok = (answer: RestAnswer): Json => {
  if (answer.status >= 300) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
};

const roomy = {
  ATRIUM_OPEN_REGISTRATION: 'true',
  ATRIUM_TRUSTED_PROXIES: '127.0.0.1',
  ATRIUM_RATE_LIMIT_REST: '1000000',
  ATRIUM_RATE_LIMIT_ADDRESS: '1000000',
  ATRIUM_LOG: 'info',
};

/** Limits that are not met by those whose tests are not about them. */
export const roomier = Object.fromEntries(
  ['TOOLS', 'REGISTRATION', 'VOUCH', 'SIGNING', 'RECOVERY', 'VERIFY', 'PUBLIC_SEARCH', 'MEANING'].map((name) => [
    `ATRIUM_RATE_LIMIT_${name}`,
    '1000000',
  ]),
);

let counted = 0;

export interface WorldOptions extends StartOptions {
  /**
   * The server of all files of this worker that share one: for tests that ask for no configuration of their own, look at
   * nothing but what they made, and neither stop the server nor change what is everybody's.
   */
  shared?: true;
}

/** One started server, set up, in which tests make organisations of their own through the API. */
export const openWorld = (options: WorldOptions = {}): Promise<World> =>
  options.shared === true ? sharedWorld() : startWorld(options);

const startWorld = async (options: StartOptions): Promise<World> => {
  const env = { ...roomy, ...options.env };
  let server = await startServer({ ...options, env });
  const url = () => server.url;
  const anonymous = createRestClient(url);
  const personOf = (made: Json): Person => ({
    ...createRestClient(url, made.access_token),
    id: made.user.id,
    name: made.user.name,
    email: made.user.email,
    token: made.access_token,
    org_id: made.org.id,
  });
  const owner = { token: server.setupToken, email: 'operator@example.org', password, name: 'Operator' };
  const operator = personOf(ok(await anonymous.post('/api/v1/setup', owner)));
  let database = openServerDatabase(server.dataDir);

  const makePerson: World['makePerson'] = async (name, invite_code) => {
    counted += 1;
    const email = `${name.toLowerCase().replace(/[^a-z0-9]/g, '')}-${counted}@example.org`;
    return personOf(ok(await anonymous.post('/auth/register', { email, password, name, invite_code })));
  };

  const makeOrg: World['makeOrg'] = async (name = `Org ${counted + 1}`) => {
    const founder = await makePerson(`Owner of ${name}`);
    const org = ok(await founder.post('/api/v1/orgs', { name }));
    const head = personOf(ok(await founder.post('/auth/switch-org', { org_id: org.id })));
    return {
      id: org.id,
      name,
      owner: head,
      member: async (member, { role = 'member', team_id } = {}) => {
        const invitation = await head.post('/api/v1/orgs/current/invitations', { role, team_id, max_uses: 1 });
        return makePerson(member, ok(invitation).invite_code);
      },
      agent: async (agent, plan = {}) => {
        const made = ok(await head.post('/api/v1/agents', { name: agent, ...plan }));
        return {
          ...createRestClient(url, made.api_key),
          id: made.agent.id,
          name: agent,
          token: made.api_key,
          org_id: org.id,
          client_id: made.client_id,
          client_secret: made.client_secret,
        };
      },
      channel: async (channel, plan = {}) =>
        ok(await head.post('/api/v1/inbox/channels', { name: channel, ...plan })).id,
      team: async (team, people = []) => {
        const { id } = ok(await head.post('/api/v1/orgs/current/teams', { name: team }));
        for (const person of people)
          ok(await head.post(`/api/v1/orgs/current/teams/${id}/members`, { user_id: person.id }));
        return id;
      },
      role: async (role, permissions) =>
        ok(await head.post('/api/v1/orgs/current/roles', { name: role, permissions })).id,
    };
  };

  return {
    get url() {
      return server.url;
    },
    get server() {
      return server;
    },
    get database() {
      return database;
    },
    operator,
    anonymous,
    makeOrg,
    makePerson,
    restart: async () => {
      await database.end();
      server = await startServer({ ...options, dataDir: server.dataDir, env });
      database = openServerDatabase(server.dataDir);
    },
    close: async () => {
      await database.end();
      await server.stop();
      removeDataDir(server.dataDir);
    },
  };
};

let shared: Promise<World> | undefined;

const everybodys = (): never => {
  throw new Error('this server is shared with other files');
};

const sharedWorld = async (): Promise<World> => {
  shared ??= startWorld({ env: roomier }).then((made) => {
    willBeStopped(made.server);
    return made;
  });
  const world = await shared;
  return {
    ...world,
    url: world.url,
    server: { ...world.server, stop: everybodys, kill: everybodys },
    database: world.database,
    restart: everybodys,
    close: async () => {},
  };
};
