import {
  grantableScopes,
  identityProof,
  type Operation,
  operations,
  pathParameters,
  type Scope,
  toRequest,
} from '@atrium/protocol';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from '../support/agent-key.ts';
import { createAuthenticator } from '../support/authenticator.ts';
import { joinAs } from '../support/companion.ts';
import { connectByHand, type McpDriver } from '../support/mcp-drivers.ts';
import { inputWith, namesRows } from '../support/operation-inputs.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../support/people.ts';
import { createRestClient, type Json, type RestAnswer, type RestClient } from '../support/rest-client.ts';

/** Foreign ids for operations in which several kinds of row are named, by member. */
interface Rows {
  org: string;
  [kind: string]: string;
}

let world: World;
let reader: PoolClient;
let home: Org;
let foreign: Org;
let x: Person;
let xAgent: Agent;
let rows: Rows;
beforeAll(async () => {
  world = await openWorld({ env: { ATRIUM_RATE_LIMIT_TOOLS: '10000', ATRIUM_SCRIPTS_ENABLED: 'true' } });
  home = await world.makeOrg('First');
  foreign = await world.makeOrg('Foreign');
  x = foreign.owner;
  xAgent = await foreign.agent('X agent', {
    item_scope: { kind: 'org' },
    role: 'admin',
    scopes: grantableScopes.filter((scope) =>
      /^(?:inbox:|diary:|account:|agent:profile|crypto:sign|gateway:|toolbox:|scripts:|tools:)/.test(scope),
    ),
  });
  rows = await fill(home);
  reader = await world.database.connect();
  // Parallel workers are started for each reading anew, for tables of a few rows.
  await reader.query('set max_parallel_workers_per_gather = 0');
});
afterAll(async () => {
  reader?.release();
  await world?.close();
});

/** What a person has to sign in with, one of each kind. */
const fillSignIn = async (owner: Person): Promise<Record<string, string>> => {
  const { ceremony_id, options } = ok(await owner.post('/api/v1/me/passkeys/options'));
  const credential = createAuthenticator(world.url.replace('127.0.0.1', 'localhost')).create(options);
  const provider = ok(
    await world.operator.post('/api/v1/admin/identity/providers', {
      ...{ slug: 'house', preset: 'oidc', name: 'House', client_id: 'atrium' },
      settings: { issuer: 'https://login.example.org' },
    }),
  ).id;
  const login = crypto.randomUUID();
  await world.database.query(
    `insert into identity_user_logins (id, provider_id, subject, user_id, label, created_at)
     values ($1, $2, 'outside', $3, 'outside', now())`,
    [login, provider, owner.id],
  );
  const personal_key = crypto.randomUUID();
  const { public_key, fingerprint } = await makeKey();
  await world.database.query(
    `insert into identity_personal_keys (id, user_id, public_key, fingerprint, label, created_at)
     values ($1, $2, $3, $4, 'Laptop', now())`,
    [personal_key, owner.id, public_key, fingerprint],
  );
  return {
    personal_key,
    email: ok(await owner.get('/api/v1/me/emails')).items[0].id,
    passkey: ok(await owner.post('/api/v1/me/passkeys', { ceremony_id, credential })).id,
    provider,
    login,
  };
};

/** What an agent with a key of its own has, and a voucher. */
const fillKeys = async (org: Org): Promise<Record<string, string>> => {
  const agent = await org.agent('Signer', { scopes: ['agent:profile', 'crypto:sign'] });
  const [key, proof_time] = [await makeKey(), new Date().toISOString()];
  const proof = await key.sign(identityProof(agent.id, proof_time));
  ok(await agent.post('/api/v1/agents/attach-key', { public_key: key.public_key, proof_time, proof }));
  return {
    voucher: ok(await org.owner.post('/api/v1/vouchers')).id,
    signing_request: ok(await agent.post('/api/v1/crypto/signing-requests', { message: 'Sign' })).id,
  };
};

/** A device of the owner, and a code for another. */
const fillDevices = async (owner: Person): Promise<Record<string, string>> => {
  const pairing = ok(await owner.post('/api/v1/devices/pairings', {}));
  const device = await joinAs(pairing.url, { name: 'Phone' });
  return { device: device.paired.device_id, pairing: ok(await owner.post('/api/v1/devices/pairings', {})).id };
};

/** A diary with an entry that is related to another, offered to an agent. */
const fillDiaries = async (owner: Person, agent: Agent): Promise<Record<string, string>> => {
  const diary = ok(await owner.post('/api/v1/diaries', { name: 'Diary' })).id;
  const write = async (content: string) => ok(await owner.post(`/api/v1/diaries/${diary}/entries`, { content })).id;
  const [entry, other_entry] = [await write('Entry'), await write('Other entry')];
  const relations = `/api/v1/diaries/${diary}/entries/${entry}/relations`;
  return {
    diary,
    entry,
    other_entry,
    share: ok(await owner.post(`/api/v1/diaries/${diary}/shares`, { agent_id: agent.id })).id,
    relation: ok(await owner.post(relations, { to_entry_id: other_entry, kind: 'elaborates' })).id,
  };
};

/** One row of every kind in the organisation, so that each operation has something to be refused. */
const fill = async (org: Org): Promise<Rows> => {
  const { owner } = org;
  const member = await org.member('Member');
  const agent = await org.agent('Agent');
  const team = await org.team('Team', [member]);
  const role = await org.role('Custom', ['items.read']);
  const channel = await org.channel('channel', { members: [member.id] });
  const form = { fields: [{ type: 'text', id: 'x' }] };
  const actions = [{ kind: 'ack', id: 'ok', label: 'OK' }];
  const item = ok(await owner.post('/api/v1/inbox/ask', { title: 'Item', form, actions, channel: 'channel' })).id;
  const file = new FormData();
  file.append('file', new Blob(['text'], { type: 'text/plain' }), 'a.txt');
  const attachment = ok(await owner.post(`/api/v1/inbox/items/${item}/attachments`, file)).id;
  const approval = ok(
    await agent.post('/api/v1/inbox/ask', { title: 'Rule', approval: { tool: 't', arguments: {} } }),
  ).id;
  ok(
    await owner.post(`/api/v1/inbox/items/${approval}/answer`, {
      reply: { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: {} } },
    }),
  );
  return {
    org: org.id,
    user: member.id,
    agent: agent.id,
    team,
    role,
    channel,
    item,
    other_item: ok(await owner.post('/api/v1/inbox/notify', { title: 'Other item' })).id,
    attachment,
    template: ok(await owner.post('/api/v1/inbox/templates', { name: 'Template', form })).id,
    view: ok(await owner.post('/api/v1/inbox/views', { name: 'View', filter: {} })).id,
    rule: ok(await owner.get('/api/v1/inbox/always-rules')).items[0].id,
    ...(await fillSignIn(owner)),
    ...(await fillKeys(org)),
    ...(await fillDevices(owner)),
    ...(await fillDiaries(owner, agent)),
    key: ok(await owner.post('/api/v1/me/api-keys', { name: 'Key' })).key.id,
    session: ok(await owner.get('/api/v1/me/sessions')).items[0].id,
    invitation: ok(await owner.post('/api/v1/orgs/current/invitations', { role: 'member' })).invitation.id,
    grant: await grantOf(owner),
    proposal: await proposalOf(owner),
    deployment: await deploymentOf(owner),
    certificate: ok(await world.operator.post('/api/v1/certificates', { kind: 'internal', names: ['files.lan'] })).id,
    ...(await scriptsOf(owner)),
    ...(await toolsOf(owner)),
    backup: await backupOf(),
    hook: ok(await owner.post('/api/v1/hooks/endpoints', { name: 'Hook', kind: 'notify' })).endpoint.id,
    socket: crypto.randomUUID(),
    board: ok(await owner.post('/api/v1/boards', { name: 'Shared', shared: true })).id,
    peer: await peerOf(),
    approval_request: await approvalRequestOf(owner),
    ...(await fillGateway(owner)),
  };
};

/** An app with a route and a share link of it. Nobody probes its target, whose health would change by itself. */
const fillGateway = async (owner: Person): Promise<Record<string, string>> => {
  const wanted = { targets: [{ url: 'http://203.0.114.10:8080' }], health: { skip: true } };
  const app = ok(await owner.post('/api/v1/apps', { slug: 'refused', route: wanted }));
  const route = app.routes[0].id;
  const { id } = ok(await owner.post(`/api/v1/routes/${route}/shares`, { expires_in: 3600 }));
  return { app: app.id, route, route_share: id };
};

/** A backup whose file is gone. */
const backupOf = async (): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into admin_backups (id, state, cause, file_name, encrypted, created_by_type, created_by_name, created_at)
     values ($1, 'done', 'manual', 'gone.tar.zst', false, 'system', 'Atrium', now())`,
    [id],
  );
  return id;
};

/** What a person allowed an application. */
const grantOf = async (person: Person): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into oauth_grants (id, client_id, subject, org_id, payload, created_at, last_used_at, expires_at)
     values ($1, 'client_of_grant', $2, $3, '{}', now(), now(), now() + interval '1 day')`,
    [id, person.id, person.org_id],
  );
  return id;
};

/** A service that was found for the organisation. */
const proposalOf = async (person: Person): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into gateway_proposals (id, org_id, source, fingerprint, name, detected_scheme, detected_host, detected_port,
       addresses, confidence, suggested_app, suggested_route, first_seen_at, last_seen_at)
     values ($1, $2, 'docker', 'container found', 'found', 'http', '192.0.2.1', 80,
       '[{"port":80,"scheme":"http","host":"192.0.2.1","dial_port":80}]', 0.5, '{"slug":"found"}', '{}', now(), now())`,
    [id, person.org_id],
  );
  return id;
};

/** An application that was installed for the organisation. */
const deploymentOf = async (person: Person): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into gateway_deployments (id, org_id, name, template_id, template_name, template_icon, digest, compose, variables,
       state, auto_route, auto_start, created_by_type, created_by_name, created_at, updated_at)
     values ($1, $2, 'installed', 'memos', 'Memos', 'notebook', 'digest', 'services: {}', 'sealed',
       'stopped', true, true, 'system', 'Atrium', now(), now())`,
    [id, person.org_id],
  );
  return id;
};

/** Another server that this one is linked with. */
const peerOf = async (): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into gateway_peers (id, name, public_key, dials, joined_by, status, joined_at)
     values ($1, 'Peer', 'key', false, 'invitation', 'offline', now())`,
    [id],
  );
  return id;
};

/** A script with a run, a chain with a run, and a schedule. */
const scriptsOf = async (person: Person): Promise<Record<string, string>> => {
  const [script, script_run, script_chain, script_chain_run, script_schedule] = Array.from({ length: 5 }, () =>
    crypto.randomUUID(),
  ) as [string, string, string, string, string];
  const org = person.org_id;
  const made = "created_by_type, created_by_name, created_at, updated_at) values ($1, $2, 'Script'";
  const by = "'system', 'Atrium', now(), now())";
  const write = (text: string, values: string[]) => world.database.query(text, values);
  await write(
    `insert into gateway_scripts (id, org_id, name, path, digest, size, timeout_s, ${made}, 'a.sh', 'digest', 1, 60, ${by}`,
    [script, org],
  );
  await write(`insert into gateway_script_chains (id, org_id, name, ${made}, ${by}`, [script_chain, org]);
  await write(
    `insert into gateway_script_schedules (id, org_id, name, script_id, cron, time_zone, paused, ${made}, $3, '0 3 * * *', 'UTC', true, ${by}`,
    [script_schedule, org, script],
  );
  const started = "started_by_type, started_by_name, created_at) values ($1, $2, $3, 'Script'";
  await write(
    `insert into gateway_script_chain_runs (id, org_id, chain_id, chain_name, state, steps, ${started}, 'running', 1, 'system', 'Atrium', now())`,
    [script_chain_run, org, script_chain],
  );
  await write(
    `insert into gateway_script_runs (id, org_id, script_id, script_name, state, ready, digest, timeout_s, max_parallel, ${started}, 'pending', false, 'digest', 60, 1, 'system', 'Atrium', now())`,
    [script_run, org, script],
  );
  return { script, script_run, script_chain, script_chain_run, script_schedule };
};

/** An MCP server that is switched off, a tool of it, and a call. */
const toolsOf = async (person: Person): Promise<Record<string, string>> => {
  const [tool_server, tool, tool_call] = Array.from({ length: 3 }, () => crypto.randomUUID()) as [
    string,
    string,
    string,
  ];
  const org = person.org_id;
  const write = (text: string, values: string[]) => world.database.query(text, values);
  await write(
    `insert into tools_servers (id, org_id, slug, name, transport, url, auth, enabled, default_policy, timeout_s,
       max_result_bytes, idle_s, created_by_type, created_by_name, created_at, updated_at)
     values ($1, $2, 'refused', 'Refused', 'http', 'https://mcp.example.org/mcp', 'none', false, 'ask', 60, 1024, 60,
       'system', 'Atrium', now(), now())`,
    [tool_server, org],
  );
  await write(
    `insert into tools_definitions (id, org_id, server_id, name, found, found_fingerprint, found_at)
     values ($1, $2, $3, 'look', '{"name": "look", "inputSchema": {"type": "object"}}', 'f', now())`,
    [tool, org, tool_server],
  );
  await write(
    `insert into tools_calls (id, org_id, server_id, server_slug, tool_id, tool, state, policy, by_type, by_name, door,
       argument_bytes, arguments_digest, created_at, ended_at)
     values ($1, $2, $3, 'refused', $4, 'refused__look', 'failed', 'ask', 'system', 'Atrium', 'rest', 2, 'd', now(), now())`,
    [tool_call, org, tool_server, tool],
  );
  return { tool_server, tool, tool_call };
};

/** What an application asked a person to approve. */
const approvalRequestOf = async (person: Person): Promise<string> => {
  const id = crypto.randomUUID();
  await world.database.query(
    `insert into oauth_approvals (id, id_hash, client_id, org_id, subject, details, created_at, expires_at)
     values ($1, 'hash', 'client_of_request', $2, $3, '[]', now(), now() + interval '1 day')`,
    [id, person.org_id, person.id],
  );
  return id;
};

const kindByGroup: Record<string, string> = {
  inbox: 'item',
  diaries: 'diary',
  channels: 'channel',
  templates: 'template',
  views: 'view',
  always_rules: 'rule',
  agents: 'agent',
  devices: 'device',
  teams: 'team',
  roles: 'role',
  invitations: 'invitation',
  vouchers: 'voucher',
  signing_requests: 'signing_request',
  members: 'user',
  users: 'user',
  emails: 'email',
  passkeys: 'passkey',
  personal_keys: 'personal_key',
  logins: 'login',
  providers: 'provider',
  api_keys: 'key',
  sessions: 'session',
  user_sessions: 'session',
  clients: 'client',
  tokens: 'token',
  grants: 'grant',
  connected_apps: 'grant',
  approval_requests: 'approval_request',
  resources: 'resource',
  trusted_issuers: 'issuer',
  denylist: 'denied_range',
  registration_tokens: 'registration_token',
  server: 'user',
  routes: 'route',
  boards: 'board',
  discovery: 'proposal',
  toolbox: 'deployment',
  certificates: 'certificate',
  scripts: 'script',
  script_runs: 'script_run',
  script_chains: 'script_chain',
  script_chain_runs: 'script_chain_run',
  script_schedules: 'script_schedule',
  tool_servers: 'tool_server',
  tool_calls: 'tool_call',
  tools: 'tool',
  backups: 'backup',
  hooks: 'hook',
  gateway: 'socket',
  federation: 'peer',
};

/** Which row a member of an operation's input names. */
const kindOf = (operation: Operation, member: string): string => {
  if (member === 'org' || member === 'org_id') return 'org';
  if (['user', 'user_id', 'to', 'assignee'].includes(member)) return 'user';
  if (member === 'app_id') return 'app';
  if (member === 'script_id') return 'script';
  if (member === 'server_id') return 'tool_server';
  if (member === 'tool_id') return 'tool';
  if (member === 'by_id') return 'user';
  if (member === 'share_id' && operation.name.startsWith('routes.')) return 'route_share';
  if (member === 'other_id') return 'other_item';
  if (member === 'to_entry_id') return 'other_entry';
  if (/^(entry|share|relation)_id$/.test(member)) return member.slice(0, -'_id'.length);
  if (/attachments\/\{id\}/.test(operation.path)) return 'attachment';
  if (/pairings\/\{id\}/.test(operation.path)) return 'pairing';
  const kind = kindByGroup[operation.name.split('.')[0]!];
  if (kind === undefined) throw new Error(`which row does ${operation.name} name by ${member}?`);
  return kind;
};

const call = (by: RestClient, operation: Operation, input: Record<string, Json>): Promise<RestAnswer> => {
  const request = toRequest(operation, input);
  if (operation.body === 'multipart') {
    const file = new FormData();
    file.append('file', new Blob(['foreign'], { type: 'text/plain' }), 'f.txt');
    return by.send(request.method, request.path, file);
  }
  if (operation.body === 'raw')
    return by.send(request.method, request.path, 'foreign', { headers: { 'content-type': 'text/plain' } });
  return by.send(request.method, request.path, request.body);
};

/** Tables that change by themselves or by being looked at: letters on their way, the trail of refusals, counters, marks of use. */
const volatile =
  /^(identity_magic_links|admin_backup_schedule|core_audit|core_event_heads|core_hourly_counts|core_rate_counters|core_leases|core_idempotency_keys|diary_access)$/;
const marks = [
  'last_used_at',
  'last_seen_at',
  'first_seen_at',
  'last_tool',
  'last_client',
  'calls_total',
  'calls_today',
  'calls_day',
  'last_client_name',
];

/** One digest a table, of all its rows without the marks of use; an event that an agent was seen is such a mark, too. */
const fingerprint = async (): Promise<Record<string, string>> => {
  fingerprinting ??= await fingerprintStatement();
  // Under a name it is planned once: planning takes longer than reading.
  const found = await reader.query<{ name: string; print: string }>({ name: 'prints', text: fingerprinting });
  return Object.fromEntries(found.rows.map(({ name, print }) => [name, print]));
};

let fingerprinting: string | null = null;
const fingerprintStatement = async (): Promise<string> => {
  const tables = await world.database.query<{ name: string; columns: string[] }>(
    `select t.relname as name, array_agg(quote_ident(a.attname) order by a.attnum) as columns
     from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
     where t.relnamespace = 'public'::regnamespace and t.relkind = 'r' and a.attname <> all ($1)
     group by t.relname order by 1`,
    [marks],
  );
  return tables.rows
    .filter(({ name }) => !volatile.test(name))
    .map(({ name, columns }) => {
      const where = name === 'core_events' ? "where body->>'change' is distinct from 'first_seen'" : '';
      const row = `row(${columns.map((column) => `t.${column}`).join(', ')})::text`;
      return `select '${name}' as name, coalesce(sum(hashtextextended(${row}, 0)), 0)::text as print from "${name}" t ${where}`;
    })
    .join(' union all ');
};

const signedIn = operations.filter((operation) => operation.access === 'signed_in');
const operatorsOnly = signedIn.filter((operation) => operation.operator === true);
// The server is nobody's organisation: who is no operator is refused before any row is looked for.
const aboutRows = signedIn.filter((operation) => namesRows(operation) && operation.operator !== true);
const inOrgs = signedIn.filter((operation) => pathParameters(operation.path).includes('org'));

describe('situation 31: X uses every id of the first organisation', () => {
  // What refuses in another way, by what it declares: a bulk reports each id, and one's own accounts are not of an organisation.
  const otherwise = new Set(['inbox.bulk']);

  it('the operations that name rows are found in the contract', () => {
    expect(aboutRows.length).toBeGreaterThan(50);
  });

  it.each(
    aboutRows
      .filter((operation) => !otherwise.has(operation.name))
      .map((operation) => [operation.name, operation] as const),
  )('%s answers 404 and changes no row', async (_name, operation) => {
    const before = await fingerprint();
    const input = inputWith(operation, (member) => (member === 'org' ? 'current' : rows[kindOf(operation, member)]!));
    const refused = await call(x, operation, input);
    expect([refused.status, refused.body?.code]).toEqual([404, 'not_found']);
    const unknown = await call(
      x,
      operation,
      inputWith(operation, (member) => (member === 'org' ? 'current' : crypto.randomUUID())),
    );
    expect(unknown.status).toBe(404);
    expect(refused.body.detail).toBe(unknown.body.detail);
    expect(await fingerprint()).toEqual(before);
  });

  it.each(inOrgs.map((operation) => [operation.name, operation] as const))(
    '%s of the other organisation answers 404 and changes no row',
    async (_name, operation) => {
      const before = await fingerprint();
      const refused = await call(
        x,
        operation,
        inputWith(operation, (member) => rows[kindOf(operation, member)]!),
      );
      expect([refused.status, refused.body?.code]).toEqual([404, 'not_found']);
      expect(await fingerprint()).toEqual(before);
    },
  );

  it('a bulk of foreign ids reports them as not found and changes no row', async () => {
    for (const op of ['ack', 'dismiss', 'archive', 'pin', 'approve', 'restore'] as const) {
      const before = await fingerprint();
      expect(ok(await x.post('/api/v1/inbox/items/bulk', { ids: [rows['item']], op }))).toEqual({
        changed: [],
        not_found: [rows['item']],
        failed: [],
      });
      expect(await fingerprint()).toEqual(before);
    }
  });

  it('ids in the body of what X may do are refused as unknown: parent, links, assignee, watchers, team, channel, members', async () => {
    const unknown = crypto.randomUUID();
    const bodies: [string, string, (id: string) => Json, string][] = [
      ['parent', '/api/v1/inbox/notify', (id) => ({ title: 'x', parent_id: id }), 'item'],
      ['related', '/api/v1/inbox/notify', (id) => ({ title: 'x', related_to: [id] }), 'item'],
      ['assignee', '/api/v1/inbox/notify', (id) => ({ title: 'x', assignee: id }), 'user'],
      ['watcher', '/api/v1/inbox/notify', (id) => ({ title: 'x', watchers: [id] }), 'user'],
      ['channel', '/api/v1/inbox/notify', (id) => ({ title: 'x', channel: id }), 'channel'],
      ['team of a channel', '/api/v1/inbox/channels', (id) => ({ name: 'c1', team_id: id }), 'team'],
      [
        'member of a channel',
        '/api/v1/inbox/channels',
        (id) => ({ name: 'c2', mode: 'private', members: [id] }),
        'user',
      ],
      ['team of an invitation', '/api/v1/orgs/current/invitations', (id) => ({ role: 'member', team_id: id }), 'team'],
      ['role of an invitation', '/api/v1/orgs/current/invitations', (id) => ({ role: id }), 'role'],
      ['role of an agent', '/api/v1/agents', (id) => ({ name: 'a1', role: id }), 'role'],
      [
        'channel of an agent',
        '/api/v1/agents',
        (id) => ({ name: 'a2', item_scope: { kind: 'channels', channel_ids: [id] } }),
        'channel',
      ],
    ];
    const plain = ({ instance: _i, request_id: _r, ...rest }: Json, id: string) =>
      JSON.stringify(rest).replaceAll(id, 'ID');
    for (const [what, path, body, kind] of bodies) {
      const before = await fingerprint();
      const [refused, same] = [await x.post(path, body(rows[kind]!)), await x.post(path, body(unknown))];
      expect([what, refused.status >= 400 && refused.status < 500, refused.status]).toEqual([what, true, same.status]);
      expect([what, plain(refused.body, rows[kind]!)]).toEqual([what, plain(same.body, unknown)]);
      expect([what, await fingerprint()]).toEqual([what, before]);
    }
  });
});

describe('every signed-in operation on REST', () => {
  const inputOf = (operation: Operation) =>
    inputWith(operation, (member) =>
      member === 'org' ? 'current' : (rows[kindOf(operation, member)] ?? crypto.randomUUID()),
    );

  it.each(signedIn.map((operation) => [operation.name, operation] as const))(
    '%s refuses: no token 401, wrong scope 403, missing permission 403',
    async (_name, operation) => {
      const before = await fingerprint();
      const input = inputOf(operation);
      const nobody = await call(world.anonymous, operation, input);
      expect([nobody.status, nobody.body.code]).toEqual([401, 'unauthorized']);
      expect(nobody.headers.get('www-authenticate')).toContain('resource_metadata=');
      const dead = await call(
        createRestClient(() => world.url, `atk_${'x'.repeat(43)}`),
        operation,
        input,
      );
      expect([dead.status, dead.body.code]).toEqual([401, 'unauthorized']);

      const unscoped = await call(await keyWithout(operation.scope!), operation, input);
      expect([unscoped.status, unscoped.body.code, unscoped.body.required]).toEqual([
        403,
        'insufficient_scope',
        operation.scope,
      ]);
      if (operation.permission !== null) {
        const unpermitted = await call(await personWithout(operation.permission), operation, input);
        expect([unpermitted.status, unpermitted.body.code, unpermitted.body.required]).toEqual([
          403,
          'permission_denied',
          operation.permission,
        ]);
      }
      expect(await fingerprint()).toEqual({ ...before, ...(await changedByMaking(before)) });
    },
  );
});

describe('situation 45: every operation for operators', () => {
  const inputOf = (operation: Operation) =>
    inputWith(operation, (member) => rows[kindOf(operation, member)] ?? crypto.randomUUID());

  it('there are some', () => {
    expect(operatorsOnly.length).toBeGreaterThan(40);
  });

  it.each(operatorsOnly.map((operation) => [operation.name, operation] as const))(
    '%s refuses an Owner who runs no server, however complete their session, and changes no row',
    async (_name, operation) => {
      const before = await fingerprint();
      const refused = await call(home.owner, operation, inputOf(operation));
      expect([refused.status, refused.body.code, refused.body.required]).toEqual([
        403,
        'operator_required',
        'operator',
      ]);
      expect(await fingerprint()).toEqual(before);
    },
  );

  it('no key and no agent can be given their scopes', async () => {
    for (const scope of ['admin:read', 'admin:write']) {
      const key = await world.operator.post('/api/v1/me/api-keys', { name: 'Key', scopes: [scope] });
      expect([key.status, key.body.code]).toEqual([422, 'validation_failed']);
      const agent = await world.operator.post('/api/v1/agents', { name: `Agent ${scope}`, scopes: [scope] });
      expect([agent.status, agent.body.code]).toEqual([422, 'validation_failed']);
    }
  });
});

describe('every MCP tool', () => {
  const tools = operations.filter((operation) => operation.mcp !== undefined);
  const inputOf = (operation: Operation) =>
    inputWith(operation, (member) => rows[kindOf(operation, member)] ?? crypto.randomUUID());
  const textOf = async (client: McpDriver, tool: string, input: Json): Promise<string> => {
    const result = await client
      .call(tool, input)
      .catch((error: Error) => ({ isError: true, content: [{ type: 'text', text: error.message }] }));
    expect(result.isError).toBe(true);
    return result.content[0]!.text!;
  };

  it.each(tools.map((operation) => [operation.mcp!.tool, operation] as const))(
    '%s refuses: no token 401, wrong scope and missing permission by name',
    async (tool, operation) => {
      const input = inputOf(operation);
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: input } };
      const nobody = await fetch(`${world.url}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify(message),
      });
      expect(nobody.status).toBe(401);
      // What is open to everybody elsewhere is open to everybody who came in here.
      if (operation.access === 'public') return;

      const key = await keyWithout(operation.scope!);
      const unscoped = await connectByHand(world.url, key.token);
      expect(await textOf(unscoped, tool, input)).toContain(operation.scope!);
      await unscoped.close();
      if (operation.operator === true) {
        const owner = await connectByHand(world.url, home.owner.token);
        expect(await textOf(owner, tool, input)).toContain('operator_required');
        expect(await owner.tools()).not.toContain(tool);
        await owner.close();
      }
      if (operation.permission === null) return;
      const unpermitted = await connectByHand(world.url, (await personWithout(operation.permission)).token);
      expect(await textOf(unpermitted, tool, input)).toContain(operation.permission);
      await unpermitted.close();
    },
  );

  it('a foreign id is as unknown to a tool as to REST', async () => {
    const client = await connectByHand(world.url, xAgent.token);
    for (const operation of tools.filter((one) => namesRows(one) && one.operator !== true))
      expect(await textOf(client, operation.mcp!.tool, inputOf(operation))).toContain('not_found');
    await client.close();
  });
});

const keys = new Map<string, RestClient & { token: string }>();

/** The Owner's own key with every scope but one: only the scope is missing. */
const keyWithout = async (scope: Scope): Promise<RestClient & { token: string }> => {
  const made = keys.get(scope);
  if (made !== undefined) return made;
  const others = grantableScopes.filter((one) => one !== scope);
  const { api_key } = ok(await home.owner.post('/api/v1/me/api-keys', { name: `all but ${scope}`, scopes: others }));
  const key = { ...createRestClient(() => world.url, api_key), token: api_key };
  keys.set(scope, key);
  return key;
};

const people = new Map<string, Person>();

/** A member whose role holds every permission but one. */
const personWithout = async (permission: string): Promise<Person> => {
  const made = people.get(permission);
  if (made !== undefined) return made;
  const all = [...new Set(operations.flatMap((operation) => operation.permission ?? []))];
  const role = await home.role(
    `all but ${permission}`,
    all.filter((one) => one !== permission),
  );
  const person = await home.member(`Without ${permission}`, { role });
  people.set(permission, person);
  return person;
};

/** Making the keys and people above changes tables by right; the rest must be as before. */
const changedByMaking = async (before: Record<string, string>): Promise<Record<string, string>> => {
  const now = await fingerprint();
  const made = /^identity_|^core_events$|^inbox_channels$/;
  return Object.fromEntries(Object.entries(now).filter(([name, print]) => print !== before[name] && made.test(name)));
};
