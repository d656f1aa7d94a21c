import { Readable } from 'node:stream';
import { defineOperation, nothing, type Operation } from '@atrium/protocol';
import { z } from 'zod';
import { ManualClock } from '../clock/clock.ts';
import { AppError } from '../errors/app-error.ts';
import { type Binding, bind } from '../operations/binding.ts';
import type { Call } from '../operations/call.ts';
import type { Caller } from '../operations/caller.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createHttpHost, type HttpHost } from './http-host.ts';
import { type HostLogger, type HttpConfig, type HttpHostOptions, httpDefaults } from './http-options.ts';

const orgA = '0199f2c6-0000-7000-8000-00000000000a';

/** A caller with everything; a test names what it is about. */
const makeCaller = (over: Partial<Caller> = {}): Caller => ({
  kind: 'user',
  id: '0199f2c6-0000-7000-8000-000000000001',
  name: 'Ada',
  org_id: orgA,
  org_name: 'Analytical Engines',
  system_role: 'owner',
  role_id: null,
  permissions: ['*'],
  scopes: ['*'],
  item_scope: { kind: 'org' },
  owner_id: null,
  is_operator: false,
  credential: { kind: 'session', id: 's1', expires_at: null },
  ...over,
});

const echoed = z.object({
  input: z.record(z.string(), z.unknown()),
  caller: z.string(),
  trace_id: z.string().nullable(),
});
const common = { access: 'signed_in', scope: 'inbox:write', permission: 'items.write', errors: [] } as const;

export const operations = {
  list: defineOperation({
    ...common,
    name: 'thing.list',
    summary: 'List things',
    method: 'GET',
    path: '/api/v1/things',
    status: 200,
    output: echoed,
    scope: 'inbox:read',
    permission: 'items.read',
    input: z.strictObject({
      limit: z.int().min(1).max(200).default(50),
      open: z.boolean().optional(),
      tags: z.array(z.string()).optional(),
      level: z.enum(['low', 'high']).optional(),
    }),
    mcp: { tool: 'thing_list', title: 'List things', read_only: true },
  }),
  get: defineOperation({
    ...common,
    name: 'thing.get',
    summary: 'Get a thing',
    method: 'GET',
    path: '/api/v1/things/{id}',
    status: 200,
    output: echoed,
    input: z.strictObject({ id: z.uuid() }),
    scope: 'inbox:read',
    permission: 'items.read',
    errors: ['not_found'],
  }),
  create: defineOperation({
    ...common,
    name: 'thing.create',
    summary: 'Create a thing',
    method: 'POST',
    path: '/api/v1/things',
    status: 201,
    output: echoed,
    idempotency: 'header',
    input: z.strictObject({
      title: z.string().min(1).max(200),
      form: z.strictObject({ fields: z.array(z.strictObject({ id: z.string() })) }).optional(),
    }),
  }),
  rename: defineOperation({
    ...common,
    name: 'thing.rename',
    summary: 'Rename a thing',
    method: 'PATCH',
    path: '/api/v1/things/{id}',
    status: 200,
    output: echoed,
    idempotency: 'field',
    input: z.strictObject({ id: z.uuid(), title: z.string(), idempotency_key: z.string().optional() }),
  }),
  remove: defineOperation({
    ...common,
    name: 'thing.remove',
    summary: 'Remove a thing',
    method: 'DELETE',
    path: '/api/v1/things/{id}',
    status: 204,
    output: nothing,
    input: z.strictObject({ id: z.uuid(), force: z.boolean().optional() }),
  }),
  fail: defineOperation({
    ...common,
    name: 'thing.fail',
    summary: 'Fail',
    method: 'POST',
    path: '/api/v1/things/fail',
    status: 200,
    output: nothing,
    input: z.strictObject({ how: z.enum(['app', 'bug', 'database', 'wrong_output']) }),
  }),
  wait: defineOperation({
    ...common,
    name: 'thing.wait',
    summary: 'Wait',
    method: 'GET',
    path: '/api/v1/wait',
    status: 200,
    output: nothing,
    input: z.strictObject({}),
  }),
  download: defineOperation({
    ...common,
    name: 'thing.download',
    summary: 'Download',
    method: 'GET',
    path: '/api/v1/download',
    status: 200,
    output: nothing,
    answer: 'file',
    input: z.strictObject({ type: z.string().default('text/html'), name: z.string().default('a.html') }),
  }),
  stream: defineOperation({
    ...common,
    name: 'thing.stream',
    summary: 'Stream',
    method: 'GET',
    path: '/api/v1/stream',
    status: 200,
    output: nothing,
    answer: 'stream',
    input: z.strictObject({ since: z.int().optional() }),
  }),
  upload: defineOperation({
    ...common,
    name: 'thing.upload',
    summary: 'Upload',
    method: 'POST',
    path: '/api/v1/upload',
    status: 200,
    output: z.object({ bytes: z.int(), type: z.string() }),
    body: 'raw',
    body_limit: 2_000_000,
    input: z.strictObject({ note: z.string().optional() }),
  }),
  attach: defineOperation({
    ...common,
    name: 'thing.attach',
    summary: 'Attach',
    method: 'POST',
    path: '/api/v1/attach',
    status: 200,
    output: z.object({ bytes: z.int(), name: z.string().nullable() }),
    body: 'multipart',
    body_limit: 100_000,
    input: z.strictObject({}),
  }),
  login: defineOperation({
    ...common,
    name: 'auth.login',
    summary: 'Sign in',
    method: 'POST',
    path: '/auth/login',
    status: 200,
    output: echoed,
    access: 'public',
    scope: null,
    permission: null,
    input: z.strictObject({ out: z.boolean().default(false) }),
  }),
  agents: defineOperation({
    ...common,
    name: 'thing.agents',
    summary: 'Only agents',
    method: 'GET',
    path: '/api/v1/agents-only',
    status: 200,
    output: echoed,
    permission: null,
    principals: ['agent'],
    input: z.strictObject({}),
  }),
};

const echo = async (call: Call, input: unknown) => ({
  input: input as Record<string, unknown>,
  caller: call.caller.name,
  trace_id: call.trace_id,
});

const sizeOf = async (call: Call): Promise<number> => {
  let bytes = 0;
  for await (const chunk of call.raw!.stream) bytes += (chunk as Buffer).length;
  return bytes;
};

const fail = async (_call: Call, { how }: { how: string }): Promise<null> => {
  if (how === 'app')
    throw new AppError('item_closed', 'Grace answered first.', {
      extensions: { item_status: 'answered', error: 'item closed', status: 200 },
    });
  if (how === 'database') throw new AppError('not_ready', 'The database is down.');
  if (how === 'wrong_output') return { surprise: true } as unknown as null;
  throw new TypeError('secret internals at /srv/atrium');
};

export interface TestHost {
  host: HttpHost;
  url: string;
  port: number;
  clock: ManualClock;
  /** Calls that handlers were given, newest last. */
  calls: Call[];
  denied: { operation: string; code: string }[];
  logs: { level: string; fields: Record<string, unknown>; message: string }[];
  call: (path: string, init?: RequestInit & { token?: string | null }) => Promise<Response>;
}

const recordingLogger = (logs: TestHost['logs']): HostLogger => {
  const at = (level: string) => (fields: object, message: string) =>
    void logs.push({ level, fields: fields as Record<string, unknown>, message });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

/** Counts for ever in memory, enough to be limited by. */
const countingLimiter = (): HttpHostOptions['limiter'] => {
  const counts = new Map<string, number>();
  return {
    take: (key, { limit, window_s }) => {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { allowed: count <= limit, limit, remaining: Math.max(0, limit - count), reset_s: window_s };
    },
  };
};

const tokens: Record<string, Caller> = {
  owner: makeCaller(),
  reader: makeCaller({
    name: 'Reader',
    id: '0199f2c6-0000-7000-8000-000000000002',
    kind: 'agent',
    scopes: ['inbox:read'],
  }),
  viewer: makeCaller({ name: 'Viewer', id: '0199f2c6-0000-7000-8000-000000000003', permissions: ['items.read'] }),
};

const bindingsFor = (calls: Call[]): Binding[] => {
  const seen =
    <A extends unknown[], R>(act: (call: Call, ...rest: A) => R) =>
    (call: Call, ...rest: A): R => {
      calls.push(call);
      return act(call, ...rest);
    };
  const rest = [operations.list, operations.get, operations.create, operations.rename, operations.agents] as const;
  return [
    ...rest.map((operation) => ({ operation, run: seen(echo) })),
    bind(
      operations.remove,
      seen(async () => null),
    ),
    bind(operations.fail, seen(fail)),
    bind(
      operations.wait,
      seen(
        (call: Call) =>
          new Promise<null>((_resolve, reject) =>
            call.signal.addEventListener('abort', () => reject(call.signal.reason)),
          ),
      ),
    ),
    bind(
      operations.download,
      seen(async (_call: Call, { type, name }) => ({
        stream: Readable.from(['<script>1</script>']),
        content_type: type,
        length: 18,
        file_name: name,
        inline: true,
        etag: 'v1',
      })),
    ),
    bind(
      operations.stream,
      seen(async (call: Call, { since }) => ({ events: ticks(since ?? 0, call.signal) })),
    ),
    bind(
      operations.upload,
      seen(async (call: Call) => ({ bytes: await sizeOf(call), type: call.raw!.content_type })),
    ),
    bind(
      operations.attach,
      seen(async (call: Call) => ({ bytes: await sizeOf(call), name: call.raw!.file_name })),
    ),
    bind(
      operations.login,
      seen(async (call: Call, input) => {
        if (input.out) call.cookies?.clear();
        else call.cookies?.set('owner', new Date('2030-01-01T00:00:00Z'));
        return echo(call, input);
      }),
    ),
  ];
};

async function* ticks(since: number, signal: AbortSignal): AsyncGenerator<{ id: string; event: string; data: string }> {
  yield { id: String(since + 1), event: 'tick', data: 'line one\nline two' };
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

/** A listening host on a free port with the operations above. */
export const startTestHost = async (
  over: { config?: Partial<HttpConfig>; options?: Partial<HttpHostOptions> } = {},
): Promise<TestHost> => {
  const calls: Call[] = [];
  const denied: TestHost['denied'] = [];
  const logs: TestHost['logs'] = [];
  const clock = new ManualClock('2026-11-20T12:00:00Z');
  let port = 0;
  const options: HttpHostOptions = {
    config: {
      ...httpDefaults,
      port: 0,
      public_url: () => `http://localhost:${port}`,
      version: '0.1.0',
      ...over.config,
    },
    bindings: bindingsFor(calls),
    operations: Object.values(operations) as Operation[],
    authenticate: async (token) => tokens[token] ?? null,
    limiter: countingLimiter(),
    rate_rules: () => ({ principal: null, address: null }),
    clock,
    logger: recordingLogger(logs),
    metrics: createMetrics({ processMetrics: false }),
    tracing: null,
    ready: { database: () => true },
    on_denied: (_call, operation, error) => void denied.push({ operation: operation.name, code: error.code }),
    validate_output: true,
    ...over.options,
  };
  const host = await createHttpHost(options);
  port = (await host.listen()).port;
  const url = `http://127.0.0.1:${port}`;
  const call: TestHost['call'] = (path, { token = 'owner', ...init } = {}) => {
    const headers = new Headers(init.headers);
    if (token !== null) headers.set('authorization', `Bearer ${token}`);
    if (typeof init.body === 'string' && !headers.has('content-type')) headers.set('content-type', 'application/json');
    return fetch(`${url}${path}`, { ...init, headers });
  };
  return { host, url, port, clock, calls, denied, logs, call };
};
