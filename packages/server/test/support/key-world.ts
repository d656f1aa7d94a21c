import { makeKey, newRegistrationKey, proveRegistration, type TestKey } from './agent-key.ts';
import { type Org, ok, openWorld, roomier, type World, type WorldOptions } from './people.ts';
import { createRestClient, type Json, type RestAnswer, type RestClient } from './rest-client.ts';

export interface KeyedAgent extends RestClient {
  id: string;
  key: TestKey;
  client_id: string;
  client_secret: string;
  /** An access token of the API, which the calls of this client carry. */
  token: string;
}

export interface RegistrationPlan {
  voucher_code?: string;
  idempotencyKey?: string;
  proof?: string | null;
  name?: string;
}

export interface KeyWorld extends World {
  org: Org;
  voucher(by?: RestClient): Promise<string>;
  /** The answer of a registration, whatever it is. What is not said is right. */
  register(key: TestKey, plan?: RegistrationPlan): Promise<RestAnswer>;
  /** A registered agent with a token. */
  agent(by?: RestClient): Promise<KeyedAgent>;
  tokenAnswer(client: { client_id: string; client_secret: string }, audience?: string): Promise<RestAnswer>;
  /** Asks for a challenge and signs it. */
  challenged(key: TestKey): Promise<Json>;
  row(statement: string, values?: unknown[]): Promise<Json>;
}

/** A server with an organisation whose members let agents in by vouchers. */
export const openKeyWorld = async (options: WorldOptions = {}): Promise<KeyWorld> => {
  const world = await openWorld({ ...options, env: { ...roomier, ...options.env } });
  const org = await world.makeOrg('Keys');
  const issuer = () => world.url.replace('127.0.0.1', 'localhost');

  const voucher: KeyWorld['voucher'] = async (by: RestClient = org.owner) => ok(await by.post('/api/v1/vouchers')).code;

  const register: KeyWorld['register'] = async (key, plan = {}) => {
    const { idempotencyKey = newRegistrationKey(), name } = plan;
    const proof = plan.proof === undefined ? await proveRegistration(key, idempotencyKey) : plan.proof;
    const body = {
      public_key: key.public_key,
      voucher_code: plan.voucher_code ?? (await voucher()),
      ...(proof === null ? {} : { proof }),
      ...(name === undefined ? {} : { name }),
    };
    return world.anonymous.post('/api/v1/agents/register', body, { headers: { 'idempotency-key': idempotencyKey } });
  };

  const tokenAnswer: KeyWorld['tokenAnswer'] = async ({ client_id, client_secret }, audience = '/api/v1') => {
    const response = await fetch(`${issuer()}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'client_credentials', client_id, client_secret },
        resource: `${issuer()}${audience}`,
      }),
    });
    return { status: response.status, body: (await response.json()) as Json, headers: response.headers };
  };

  const agent: KeyWorld['agent'] = async (by = org.owner) => {
    const key = await makeKey();
    const made = ok(await register(key, { voucher_code: await voucher(by) }));
    const { client_id, client_secret, identity_id: id } = made;
    const token = ok(await tokenAnswer({ client_id, client_secret })).access_token;
    return { ...createRestClient(() => world.url, token), id, key, client_id, client_secret, token };
  };

  return {
    ...world,
    get url() {
      return world.url;
    },
    get server() {
      return world.server;
    },
    get database() {
      return world.database;
    },
    org,
    voucher,
    register,
    agent,
    tokenAnswer,
    challenged: async (key) => {
      const { challenge, hmac } = ok(
        await world.anonymous.post('/api/v1/recovery/challenge', { public_key: key.public_key }),
      );
      return { challenge, hmac, signature: await key.sign(challenge), public_key: key.public_key };
    },
    row: async (statement, values = []) => (await world.database.query(statement, values)).rows[0],
  };
};
