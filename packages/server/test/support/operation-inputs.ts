import { type Operation, pathParameters, signingVectors } from '@atrium/protocol';
import type { Json } from './rest-client.ts';

/**
 * An input of which every id names the given thing of somebody else. Members that are not ids are filled so that the
 * operation gets past its validation: a refusal must come from what the caller may see.
 */
export const inputWith = (operation: Operation, idFor: (member: string) => string): Record<string, Json> => {
  const given: Record<string, Json> = {};
  for (const [name, schema] of Object.entries(operation.input.shape)) {
    const optional = (schema as { safeParse(value: unknown): { success: boolean } }).safeParse(undefined).success;
    const fill = known[`${operation.name}.${name}`] ?? known[name];
    if (isIdMember(operation, name)) given[name] = idFor(name);
    else if (fill !== undefined && (!optional || `${operation.name}.${name}` in known)) given[name] = fill;
    else if (!optional) throw new Error(`no sample for ${operation.name}.${name}: add one to operation-inputs.ts`);
  }
  return given;
};

/** Members of the path that name a row, and required ids of the body. */
const isIdMember = (operation: Operation, name: string): boolean => {
  // A diary goes by its id or its name.
  if (name === 'org' || name === 'diary_ref') return true;
  // Names a challenge of a few minutes, which is its holder's own.
  if (name === 'ceremony_id') return false;
  const shape = operation.input.shape[name] as { safeParse(value: unknown): { success: boolean } };
  const texts = ['no id', 'no-id', 'x'.repeat(36)];
  const takesId =
    shape.safeParse('01900000-0000-7000-8000-000000000000').success &&
    !texts.some((text) => shape.safeParse(text).success);
  return takesId && (pathParameters(operation.path).includes(name) || !shape.safeParse(undefined).success);
};

/** True when the call names a row that another organisation can own. */
export const namesRows = (operation: Operation): boolean =>
  operation.access === 'signed_in' &&
  Object.keys(operation.input.shape).some((name) => isIdMember(operation, name) && name !== 'org');

/** Every field that PUT wants, as the schema of the operation names them. */
function wholeRoute(): Record<string, Json> {
  const people = { user_ids: [], team_ids: [], role_ids: [] };
  const values: Record<string, Json> = {
    ...{ slug: 'foreign', kind: 'http', mode: 'path', path_base: '/apps/foreign/', hosts: [], host_path: '/' },
    ...{ targets: [{ url: 'https://foreign.example' }], strategy: 'round_robin', redirect_to: '/foreign' },
    ...{ container_ref: 'foreign', access: 'signed_in', people, scopes: [], trusted: false, websockets: true },
    ...{ strip_prefix: true, rewrite: true, exclude_paths: [], rewrite_cookie_paths: true },
    ...{ strip_response_cookies: false, persist_cookies: false, health: {}, timeouts: {}, max_body: 0 },
    ...{ buffering: false, compress: false, cache: false, preserve_host: true, upstream_auth: { kind: 'strip' } },
    ...{
      upstream_tls: {},
      filters: [],
      recipe: 'foreign',
      cache_stale_if_error_s: 0,
      stream: { protocol: 'tcp', port: 9 },
    },
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`routes.replace.${name}`, value]));
}

/** Containers go by the id of their engine, which no organisation owns. */
const ofContainers: Record<string, Json> = {
  ...Object.fromEntries(
    ['get', 'stats', 'start', 'stop', 'restart', 'logs', 'follow_logs', 'export', 'preview_export'].map((verb) => [
      `containers.${verb}.id`,
      'foreign',
    ]),
  ),
  'containers.batch.action': 'stop',
  'containers.batch.ids': ['foreign'],
  'containers.export_many.ids': ['foreign'],
  'containers.preview_many.ids': ['foreign'],
};

const soon = new Date(Date.now() + 3_600_000).toISOString();

/** By member, or by operation and member where one word means several things. */
const known: Record<string, Json> = {
  'feed.search.query': 'release',
  title: 'Foreign',
  'events.ingest.kind': 'build.failed',
  name: 'foreign',
  'orgs.delete.confirm': 'Foreign',
  email: 'foreign@example.org',
  password: 'a long enough secret',
  current_password: 'a long enough secret',
  new_password: 'another long enough secret',
  token: 'token',
  code: 'code',
  invite_code: 'code',
  until: soon,
  action_id: 'ok',
  body: 'Foreign',
  role: 'member',
  permissions: ['items.read'],
  settings: { archive_after_days: 3 },
  values: { x: 'foreign' },
  'inbox.answer.values': { x: 'foreign' },
  'inbox.correct.values': { x: 'foreign' },
  'inbox.update_item.title': 'Foreign',
  'channels.update.description': 'Foreign',
  'channels.update_rules.muted': true,
  'templates.update.description': 'Foreign',
  'views.update.name': 'Foreign',
  'agents.update.description': 'Foreign',
  'roles.update.description': 'Foreign',
  'teams.update.description': 'Foreign',
  'orgs.update.name': 'Foreign',
  form: { fields: [{ type: 'text', id: 'x' }] },
  'inbox.ask.form': { fields: [{ type: 'text', id: 'x' }] },
  filter: {},
  op: 'archive',
  'inbox.bulk.ids': ['01900000-0000-7000-8000-000000000000'],
  topic_token: 'nobody-has-this-token',
  challenge: 'no-challenge',
  'auth.totp.code': '123456',
  'totp.confirm.code': '123456',
  address: 'foreign@example.org',
  credential: { id: 'foreign' },
  ceremony_id: '01900000-0000-7000-8000-000000000000',
  confirm: 'foreign@example.org',
  provider: 'nowhere',
  slug: 'foreign',
  preset: 'google',
  is_operator: true,
  version: 1,
  expires_in: 3600,
  client_name: 'Foreign',
  client_id: 'client_foreign',
  redirect_uris: ['https://foreign.example/done'],
  grant_types: ['authorization_code'],
  audience: 'https://foreign.example/api',
  issuer: 'https://foreign.example',
  jwks_uri: 'https://foreign.example/jwks',
  range: '203.0.113.9',
  kid: 'no-key',
  'certificates.replace.chain': 'no-chain',
  'certificates.replace.key': 'no-key',
  public_key: signingVectors.public_key,
  fingerprint: signingVectors.fingerprint,
  message: 'Foreign',
  signature: signingVectors.cases[0].signature,
  proof: signingVectors.cases[0].signature,
  old_signature: signingVectors.cases[0].signature,
  new_signature: signingVectors.cases[0].signature,
  label: 'Foreign',
  proof_time: soon,
  content: 'Foreign',
  kind: 'supports',
  decision: 'accepted',
  object: { kind: 'diary', id: '01900000-0000-7000-8000-000000000000' },
  permit: 'read',
  checks: [
    {
      correlation_id: '1',
      object: { kind: 'diary', id: '01900000-0000-7000-8000-000000000000' },
      permit: 'read',
    },
  ],
  'diaries.bulk.action': 'archive',
  'diaries.share.user_id': '01900000-0000-7000-8000-000000000000',
  'diaries.transfer.user_id': '01900000-0000-7000-8000-000000000000',
  pinned: true,
  number: 1,
  'gateway.dry_run.document': 'apps: []',
  'routes.test.url': 'https://foreign.example/apps/foreign/',
  ...wholeRoute(),
  ...ofContainers,
  'device_codes.expire.id': 'f'.repeat(64),
  template: 'memos',
  'scripts.register.path': 'foreign.sh',
  'scripts.confirm.digest': 'f'.repeat(64),
  'tool_servers.add.transport': 'http',
  'tool_servers.add.slug': 'foreign',
  tool: 'foreign__look',
  definitions: [{ id: '01900000-0000-7000-8000-000000000000', fingerprint: 'f'.repeat(64) }],
  'script_chains.create.steps': [{ script_id: '01900000-0000-7000-8000-000000000000' }],
  cron: '0 3 * * *',
  'hooks.notify.type': 'foreign.notice',
  'hooks.create.kind': 'notify',
  'discovery.import.format': 'nginx',
  'discovery.import.text': 'user www-data;',
  'federation.trust.pin': `sha256/${'A'.repeat(43)}=`,
  'federation.join.invitation': 'atrium-peer:nobody-sent-this',
  'federation.add_rule.match': 'email',
  'federation.add_rule.value': 'foreign@example.org',
};
