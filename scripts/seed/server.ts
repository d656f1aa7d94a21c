import pg from 'pg';
import { canonicalAudit } from '../../packages/server/src/platform/audit/audit-chain.ts';
import { newId } from '../../packages/server/src/platform/ids/ids.ts';
import type { Json } from '../../packages/server/test/support/rest-client.ts';
import { done, type SeedOrganisation } from './organisation.ts';

/** What the pages of the server show, for those that name one thing. */
export interface SeededServer {
  client: string;
  /** Connects with a certificate. */
  certificateClient: string;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;

const sequence = (seed: number) => (): number => {
  seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
  return seed / 2 ** 32;
};

const clientPlans = [
  {
    name: 'Northwind customer portal',
    redirect_uris: ['https://portal.northwind.example/callback', 'https://portal.northwind.example/silent'],
    scopes: ['openid', 'profile', 'email', 'offline_access', 'inbox:read'],
    client_uri: 'https://portal.northwind.example',
    skip_consent: true,
  },
  {
    name: 'Grafana',
    redirect_uris: ['https://grafana.northwind.example/login/generic_oauth'],
    scopes: ['openid', 'profile', 'email', 'org'],
    client_uri: 'https://grafana.com',
  },
  {
    name: 'Nightly reconciliation',
    grant_types: ['client_credentials'],
    scopes: ['inbox:read', 'inbox:write'],
  },
  {
    name: 'Warehouse scanner',
    auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    scopes: ['openid', 'inbox:write'],
  },
  {
    name: 'Server console of the platform team',
    redirect_uris: ['https://console.northwind.example/done'],
    scopes: ['openid', 'profile', 'admin:read', 'org:admin'],
    dpop_required: true,
    require_state: true,
  },
  {
    name: 'Old invoice exporter',
    redirect_uris: ['https://invoices.northwind.example/oauth'],
    scopes: ['openid', 'inbox:read'],
  },
];

/**
 * Clients, grants, tokens, codes and figures of a lived-in authorization server. What people do goes through the API;
 * what nobody can date back, and what takes a browser, is written past it.
 */
export const seedServer = async (databaseUrl: string, org: SeedOrganisation): Promise<SeededServer> => {
  const { owner, people } = org;
  const random = sequence(44);
  const admin = '/api/v1/admin';
  const clients: Json[] = [];
  for (const plan of clientPlans) clients.push(done(await owner.post(`${admin}/oauth/clients`, plan)).client);
  done(await owner.post(`${admin}/oauth/clients/${clients[5].id}/disable`));
  done(await owner.post(`${admin}/oauth/keys/rotate`));
  for (const [range, reason, expires_in_hours] of [
    ['198.51.100.0/24', 'Credential stuffing since Tuesday', 168],
    ['2001:db8:dead::/48', 'Scanner of a research project that does not stop', null],
    ['203.0.113.66', 'Guesses user codes', 24],
  ])
    done(await owner.post(`${admin}/ip-denylist`, { range, reason, expires_in_hours }));
  done(
    await owner.post(`${admin}/oauth/resources`, {
      audience: 'https://orders.northwind.example/api',
      name: 'Orders',
      scopes: ['orders:read', 'orders:write'],
    }),
  );
  done(
    await owner.post(`${admin}/oauth/resources`, {
      audience: 'https://telemetry.northwind.example',
      name: 'Robot telemetry',
      scopes: ['telemetry:write'],
      format: 'opaque',
      ttl_s: 900,
    }),
  );
  done(
    await owner.post(`${admin}/oauth/trusted-issuers`, {
      issuer: 'https://token.actions.forge.example',
      name: 'Build pipelines',
      jwks_uri: 'https://token.actions.forge.example/.well-known/jwks',
    }),
  );
  done(
    await owner.post(`${admin}/oauth/trusted-issuers`, {
      issuer: 'https://login.fjordlogistics.example',
      name: 'Fjord Logistics',
      jwks_uri: 'https://login.fjordlogistics.example/jwks',
      subject_mapping: 'email',
      email_domains: ['fjordlogistics.example'],
      jit: true,
    }),
  );
  done(await owner.post('/api/v1/backups', {}));
  done(await owner.post('/api/v1/hooks/endpoints', { name: 'NAS', kind: 'notify' }));
  done(
    await owner.post('/api/v1/hooks/endpoints', {
      ...{ name: 'Grafana', kind: 'event', event: 'grafana.alert', proof: 'secret' },
    }),
  );
  done(await owner.post('/api/v1/certificates', { kind: 'internal', names: ['files.northwind.lan', 'printer.lan'] }));
  done(
    await owner.post(`${admin}/oauth/registration-tokens`, { note: 'Fjord Logistics roll-out', expires_in_hours: 168 }),
  );
  done(await owner.post(`${admin}/oauth/registration-tokens`, { note: '', expires_in_hours: 24 }));

  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const now = Date.now();
  const at = (ago: number): string => new Date(now - ago).toISOString();
  await client.query(
    `insert into oauth_clients (id, client_id, origin, name, metadata, auth_method, grant_types, redirect_uris, scopes,
       created_at, updated_at, consented_at, last_used_at)
     values (gen_random_uuid(), 'client_claude_code', 'registered', 'Claude Code', '{"application_type":"native"}', 'none',
       '{authorization_code,refresh_token}', '{http://127.0.0.1/callback}', '{}', $1, $1, $1, $2),
       (gen_random_uuid(), 'client_mcp_inspector', 'registered', 'MCP Inspector', '{"application_type":"native"}', 'none',
       '{authorization_code,refresh_token}', '{http://localhost/oauth/callback}', '{}', $3, $3, null, null)`,
    [at(9 * dayMs), at(4 * 60_000), at(2 * hourMs)],
  );
  const document = 'https://editor.zed-like.example/oauth/client.json';
  await client.query(
    `insert into oauth_client_documents (client_id, host, metadata, digest, fetched_at, fresh_until, last_used_at)
     values ($1, 'editor.zed-like.example', $2, 'digest', $3, $4, $3)`,
    [
      document,
      JSON.stringify({
        client_name: 'A code editor that somebody downloaded',
        redirect_uris: ['http://127.0.0.1/callback'],
        client_uri: 'https://editor.zed-like.example',
      }),
      at(40 * 60_000),
      at(-hourMs),
    ],
  );
  // Certificates are switched off on a server that nobody set up for them.
  const certificate = await client.query<{ id: string }>(
    `insert into oauth_clients (id, client_id, origin, name, metadata, auth_method, grant_types, redirect_uris, scopes,
       org_id, owner_id, created_by, created_at, updated_at, last_used_at)
     values (gen_random_uuid(), 'client_billing', 'operator', 'Billing run', $1, 'tls_client_auth', '{client_credentials}',
       '{}', '{orders:read,orders:write}', $2, $3, $3, $4, $4, $5) returning id`,
    [
      JSON.stringify({
        application_type: 'web',
        tls_client_auth_san_uri: 'spiffe://northwind.example/ns/finance/sa/billing',
        tls_client_certificate_bound_access_tokens: true,
      }),
      ...[org.id, owner.id, at(19 * dayMs), at(7 * 60_000)],
    ],
  );
  for (const [index, one] of clients.slice(0, 5).entries())
    await client.query(
      'update oauth_clients set created_at = $2, updated_at = $3, last_used_at = $4, consented_at = $3 where id = $1',
      [one.id, at((40 - index * 6) * dayMs), at((12 - index) * dayMs), at((index * index * 23 + 2) * 60_000)],
    );

  const allowed: [client_id: string, scopes: string][] = [
    [clients[0].client_id, '{openid,profile,email,offline_access,inbox:read}'],
    ['client_claude_code', '{inbox:read,inbox:write,offline_access}'],
    [clients[1].client_id, '{openid,profile,email,org}'],
    [document, '{inbox:read}'],
    [clients[4].client_id, '{openid,profile,org:admin}'],
  ];
  const agents = Object.values(org.agents);
  for (const [p, person] of people.entries())
    for (const [c, [client_id, scopes]] of allowed.entries()) {
      if (person !== owner && random() < 0.45) continue;
      // Claude Code acts through one of the agents for every other person.
      const agent = c === 1 && p % 2 === 0 ? agents[p % agents.length]! : null;
      const used = Math.floor(random() ** 2 * 3 * dayMs);
      const { rows } = await client.query<{ id: string }>(
        `insert into oauth_grants (id, client_id, subject, org_id, scopes, resources, payload, actor, created_at, last_used_at,
           expires_at)
         values (gen_random_uuid(), $1, $2, $3, $4, $5, jsonb_build_object('openid', jsonb_build_object('scope', $9::text)),
           $10, $6, $7, $8) returning id`,
        [
          client_id,
          person.id,
          org.id,
          scopes,
          c === 1 ? '{https://atrium.northwind.example/mcp}' : '{}',
          at(used + (p + c * 3 + 1) * dayMs),
          at(used),
          at(-(20 + c * 9) * dayMs),
          scopes.slice(1, -1).replaceAll(',', ' '),
          agent?.id ?? null,
        ],
      );
      const tokens = c === 1 ? 5 : 2;
      for (let n = 0; n < tokens; n += 1) {
        const age = Math.floor(random() ** 2 * 5 * hourMs);
        await client.query(
          `insert into oauth_access_tokens (id, hash, format, kind, grant_id, client_id, subject, org_id, resource, scopes,
             created_at, expires_at, revoked_at, actor)
           values (gen_random_uuid(), gen_random_uuid()::text, $9, 'AccessToken', $1, $2, $3, $4, $5, $6, $7, $8, $10, $11)`,
          [
            ...[rows[0]!.id, client_id, person.id, org.id, 'https://atrium.northwind.example/mcp', scopes],
            ...[at(age), at(age - hourMs), c === 3 ? 'opaque' : 'jwt', n === 1 && random() < 0.3 ? at(age / 2) : null],
            agent === null ? null : JSON.stringify({ sub: agent.id, client_id: agent.client_id }),
          ],
        );
      }
    }
  for (let n = 0; n < 6; n += 1)
    await client.query(
      `insert into oauth_access_tokens (id, hash, format, kind, client_id, subject, org_id, resource, scopes, created_at, expires_at)
       values (gen_random_uuid(), gen_random_uuid()::text, 'jwt', 'ClientCredentials', $1, $1, $2, $3, '{inbox:read,inbox:write}', $4, $5)`,
      [
        clients[2].client_id,
        org.id,
        'https://atrium.northwind.example/api/v1',
        at(n * 11 * 60_000),
        at((n * 11 - 60) * 60_000),
      ],
    );
  for (const [n, hint] of ['BD', 'QX', 'HM'].entries())
    await client.query(
      `insert into oauth_device_codes (id_hash, payload, user_code, user_code_hint, client_id, claimed_by, created_at, expires_at)
       values (encode(sha256(convert_to($1, 'UTF8')), 'hex'), jsonb_build_object('exp', extract(epoch from now())::bigint + $2::int,
         'params', jsonb_build_object('scope', 'openid inbox:write')), $1, $1, $3, $4, now() - $5::int * interval '1 second', now() + interval '30 minutes')`,
      [hint, 600 - n * 140, clients[3].client_id, n === 1 ? people[2]!.id : null, n * 140],
    );
  const asked: [client: string, kind: string, title: string | null, state: string, age_s: number][] = [
    [clients[0].client_id, 'transaction', 'Pay 1,240.00 EUR to Fjord Logistics for freight in November', 'pending', 40],
    [clients[4].client_id, 'ciba', null, 'pending', 95],
    [agents[0]!.client_id, 'transaction', 'Order 40 spare drive belts for line 3', 'pending', 210],
    [clients[0].client_id, 'transaction', 'Change the delivery address of order 88213', 'approved', 900],
    [clients[0].client_id, 'transaction', 'Refund 89.90 EUR to a card that ends in 4471', 'denied', 1500],
    [clients[4].client_id, 'ciba', null, 'expired', 2400],
  ];
  for (const [n, [client_id, kind, title, state, age_s]] of asked.entries())
    await client.query(
      `insert into oauth_approvals (id, id_hash, kind, client_id, org_id, subject, details, scopes, resources, state,
         decided_at, created_at, expires_at)
       values (gen_random_uuid(), gen_random_uuid()::text, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        ...[kind, client_id, org.id, people[n % people.length]!.id],
        JSON.stringify(title === null ? [] : [{ type: 'transaction', title }]),
        kind === 'ciba' ? '{openid,profile,admin:read}' : '{orders:write}',
        kind === 'ciba' ? '{}' : '{https://orders.northwind.example/api}',
        ...[state, ['approved', 'denied'].includes(state) ? at((age_s - 70) * 1000) : null],
        // What waits is to wait for as long as somebody looks at it.
        ...[at(age_s * 1000), at((age_s - (state === 'pending' ? 3600 : 600)) * 1000)],
      ],
    );
  await seedFigures(client, random, now);
  await seedSignIns(client, org, random, now);
  // The rotation above happened a while ago.
  await client.query(
    `update oauth_keys set created_at = created_at - interval '62 days', activated_at = activated_at - interval '62 days',
       retire_at = now() + interval '15 hours' where state = 'grace'`,
  );
  await client.query(
    `update oauth_keys set created_at = created_at - interval '40 days', activated_at = now() - interval '9 hours' where state = 'active'`,
  );
  await client.end();
  return { client: clients[0].id, certificateClient: certificate.rows[0]!.id };
};

/** Thirty days of figures: more by day than by night, with one bad hour. */
const seedFigures = async (client: pg.Client, random: () => number, now: number): Promise<void> => {
  const rows: [Date, string, number][] = [];
  for (let ago = 720; ago >= 0; ago -= 1) {
    const hour = new Date(now - (now % hourMs) - ago * hourMs);
    const day = Math.max(0.12, Math.sin(((hour.getUTCHours() - 5) / 24) * 2 * Math.PI) * 0.6 + 0.5);
    const weekend = [0, 6].includes(hour.getUTCDay()) ? 0.35 : 1;
    const share = ago === 0 ? 0.4 : 1;
    const issued = Math.round(140 * day * weekend * share * (0.75 + random() * 0.5));
    const storm = ago === 6 ? 60 : ago === 5 ? 24 : 0;
    rows.push([hour, 'token_issued', issued]);
    rows.push([hour, 'token_revoked', Math.round(issued * 0.04 * random())]);
    rows.push([hour, 'client_failed', Math.round(4 * random() * day) + storm]);
    rows.push([hour, 'address_denied', ago < 6 ? Math.round(30 * random()) : 0]);
  }
  await client.query(
    `insert into core_hourly_counts as c (hour, kind, count)
     select * from unnest($1::timestamptz[], $2::text[], $3::bigint[])
     on conflict (hour, kind) do update set count = c.count + excluded.count`,
    [rows.map(([hour]) => hour), rows.map(([, kind]) => kind), rows.map(([, , count]) => count)],
  );
};

/** A day of sign-ins, good ones and some refused, appended to the trail as the server itself would. */
const seedSignIns = async (
  client: pg.Client,
  org: SeedOrganisation,
  random: () => number,
  now: number,
): Promise<void> => {
  const audit: object[] = [];
  for (let ago = 23; ago >= 0; ago -= 1) {
    const hour = new Date(now - ago * hourMs).getUTCHours();
    const many = hour > 6 && hour < 19 ? 3 + random() * 6 : random() * 2;
    const wrong = ago === 6 ? 9 : random() * 1.6;
    for (let n = 0; n < Math.round(many + wrong); n += 1) {
      const person = org.people[Math.floor(random() * org.people.length)]!;
      const row = {
        ...{ id: newId(), org_id: org.id, at: new Date(now - ago * hourMs - random() * hourMs) },
        ...{ actor_type: 'user' as const, actor_id: person.id, actor_name: person.name },
        ...{ action: n < many ? 'auth.login' : 'auth.login_failed', target_type: 'user', target_id: person.id },
        ...{ item_id: null, details: {}, ip: `192.0.2.${Math.floor(random() * 250) + 1}`, user_agent: null },
        ...{ trace_id: null, request_id: newId() },
      };
      audit.push({ canonical: canonicalAudit(row), row });
    }
  }
  await client.query('select core_commit($1::jsonb)', [
    JSON.stringify({ at: new Date(now).toISOString(), jobs: [], groups: [{ org_id: org.id, events: [], audit }] }),
  ]);
};
