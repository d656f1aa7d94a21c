import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { FormBrowser } from './form-browser.ts';
import { type Org, ok, openWorld, type Person, password, type World, type WorldOptions } from './people.ts';
import type { Json } from './rest-client.ts';

export const redirect = 'http://127.0.0.1:53682/callback';

export interface TokenAnswer {
  status: number;
  body: Json;
  headers: Headers;
}

export interface Pkce {
  verifier: string;
  challenge: string;
}

export const pkce = (): Pkce => {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
};

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A client as an operator would register it, straight into the table that the operator pages write. */
export interface OperatorClient {
  client_id: string;
  secret: string | null;
}

export interface OauthWorld extends World {
  issuer: string;
  org: Org;
  person: Person;
  browser(headers?: Record<string, string>): FormBrowser;
  /** Registers a public client with loopback redirects, as MCP clients do. */
  register(more?: Record<string, unknown>): Promise<string>;
  operatorClient(more?: Partial<Record<string, unknown>>): Promise<OperatorClient>;
  token(form: Record<string, string>, headers?: Record<string, string>): Promise<TokenAnswer>;
  post(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<TokenAnswer>;
  authorizeUrl(client_id: string, challenge: string, more?: Record<string, string>): string;
  /** Through sign-in and consent to a code, and to its tokens. */
  codeFor(
    client_id: string,
    more?: Record<string, string>,
    who?: Person,
  ): Promise<{ code: string; verifier: string; answer: URL }>;
  tokensFor(client_id: string, more?: Record<string, string>, who?: Person): Promise<Json>;
  /** Everything secret that went to or fro so far: tokens, codes, client secrets, assertions, cookies of browsers. */
  secrets(): ReadonlySet<string>;
}

const secretMembers = [
  'access_token',
  'refresh_token',
  'id_token',
  'code',
  'code_verifier',
  'client_secret',
  'client_assertion',
  'device_code',
  'user_code',
  'registration_access_token',
];

export const basic = (client_id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
});

/** A server with an organisation, a person in it, and the ways a client talks to the authorization server. */
export const openOauthWorld = async (options: WorldOptions = {}): Promise<OauthWorld> => {
  const world = await openWorld(options);
  const issuer = new URL(world.url).origin.replace('127.0.0.1', 'localhost');
  const org = await world.makeOrg('Acme');
  const person = await org.member('Ada');
  const known = new Set<string>([person.token, org.owner.token, world.operator.token, world.server.setupToken]);
  const browsers: FormBrowser[] = [];
  const note = (members: Json): void => {
    if (members === null || typeof members !== 'object') return;
    for (const name of secretMembers) if (typeof members[name] === 'string') known.add(members[name]);
  };
  const newBrowser = (headers?: Record<string, string>): FormBrowser => {
    const browser = new FormBrowser(issuer, headers);
    browsers.push(browser);
    return browser;
  };

  const post: OauthWorld['post'] = async (path, form, headers = {}) => {
    const response = await fetch(`${issuer}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', ...headers },
      body: new URLSearchParams(form),
    });
    const text = await response.text();
    let body: Json = text;
    try {
      body = JSON.parse(text);
    } catch {}
    note(body);
    // What was sent counts once it was good: anybody may send any text.
    if (response.ok) note(form);
    return { status: response.status, body, headers: response.headers };
  };

  const authorizeUrl: OauthWorld['authorizeUrl'] = (client_id, challenge, more = {}) =>
    `${issuer}/oauth/authorize?${new URLSearchParams({
      response_type: 'code',
      client_id,
      redirect_uri: redirect,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'state-1',
      ...more,
    })}`;

  const codeFor: OauthWorld['codeFor'] = async (client_id, more = {}, who = person) => {
    const { verifier, challenge } = pkce();
    const browser = newBrowser();
    const answer = await browser.authorize(authorizeUrl(client_id, challenge, more), { email: who.email, password });
    const code = answer.searchParams.get('code');
    if (code === null) throw new Error(`no code: ${answer}`);
    return { code, verifier, answer };
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
    issuer,
    org,
    person,
    browser: newBrowser,
    secrets: () => new Set([...known, ...browsers.flatMap((browser) => browser.cookieValues)]),
    register: async (more = {}) => {
      const response = await fetch(`${issuer}/oauth/register`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-forwarded-for': `10.9.${Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}`,
        },
        body: JSON.stringify({
          client_name: 'Test client',
          redirect_uris: [redirect],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'none',
          ...more,
        }),
      });
      const body = (await response.json()) as Json;
      if (response.status !== 201) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
      note(body);
      return body.client_id;
    },
    operatorClient: async (more = {}) => {
      const client_id = `client_${randomUUID()}`;
      const row: Record<string, unknown> = {
        origin: 'operator',
        name: 'Operator client',
        metadata: {},
        auth_method: 'client_secret_basic',
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        redirect_uris: [redirect],
        scopes: [
          'openid',
          'profile',
          'email',
          'org',
          'offline_access',
          'inbox:read',
          'inbox:write',
          'org:read',
          'account:read',
        ],
        ...more,
      };
      const secret =
        row['auth_method'] === 'none' || row['auth_method'] === 'private_key_jwt'
          ? null
          : `acs_${randomBytes(32).toString('base64url')}`;
      const full = {
        id: randomUUID(),
        client_id,
        ...row,
        metadata: JSON.stringify(row['metadata']),
        ...(row['jwks'] === undefined ? {} : { jwks: JSON.stringify(row['jwks']) }),
        secret_hash: secret === null ? null : sha256(secret),
        created_at: new Date(),
        updated_at: new Date(),
      };
      const names = Object.keys(full);
      note({ client_secret: secret });
      await world.database.query(
        `insert into oauth_clients (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
        Object.values(full),
      );
      return { client_id, secret };
    },
    post,
    token: (form, headers) => post('/oauth/token', form, headers),
    authorizeUrl,
    codeFor,
    tokensFor: async (client_id, more = {}, who = person) => {
      const { code, verifier } = await codeFor(client_id, more, who);
      const answer = await post('/oauth/token', {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: redirect,
        client_id,
      });
      if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
  };
};

export { ok };
