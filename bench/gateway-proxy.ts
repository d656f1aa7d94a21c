/** One proxy in a process of its own: `node bench/gateway-proxy.ts <kind> <upstream> <echo> <token>`. */
import { hash } from 'node:crypto';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { TokenHashes } from '../packages/server/src/modules/gateway/gate/token-hashes.ts';
import type { Gate, Visitor } from '../packages/server/src/modules/gateway/gate.ts';
import { AnswerCache } from '../packages/server/src/modules/gateway/lanes/cache/answer-cache.ts';
import { makeRoute, makeTarget } from '../packages/server/src/modules/gateway/lanes/lane.testkit.ts';
import { createLane } from '../packages/server/src/modules/gateway/lanes/lane.ts';
import { SpoolRoom } from '../packages/server/src/modules/gateway/lanes/spool.ts';
import { createRouteTable } from '../packages/server/src/modules/gateway/matching/route-table.ts';
import { createAnswerRewriter } from '../packages/server/src/modules/gateway/rewriting/answer-rewriter.ts';
import { AccessBook } from '../packages/server/src/modules/gateway/traffic/access-book.ts';
import { ProxyMetrics } from '../packages/server/src/modules/gateway/traffic/proxy-metrics.ts';
import { systemClock } from '../packages/server/src/platform/clock/clock.ts';
import { createHttpHost } from '../packages/server/src/platform/http/http-host.ts';
import { httpDefaults } from '../packages/server/src/platform/http/http-options.ts';
import { systemResolve } from '../packages/server/src/platform/net/address-guard.ts';
import { createTargetGuard } from '../packages/server/src/platform/net/target-guard.ts';
import type { Caller } from '../packages/server/src/platform/operations/caller.ts';
import { createMetrics } from '../packages/server/src/platform/telemetry/metrics.ts';
import { announce } from './peer.ts';

const [kind, upstream = '', echo = '', token = ''] = process.argv.slice(2);

/** Decides as the gate of the server does when it has seen the token before: one look-up by its digest. */
const cachedGate = (): Gate => {
  const caller = { kind: 'user', id: '0199f2c6-0000-7000-8000-000000000001', name: 'Ada' } as Caller;
  const visitor: Visitor = {
    caller,
    share_id: null,
    identity_headers: [
      ['x-atrium-user', caller.id],
      ['x-atrium-groups', 'members'],
    ],
    watch: () => () => undefined,
  };
  const verdicts = new Map([[hash('sha256', token, 'hex'), { visitor, until: Date.now() + 3_600_000 }]]);
  const hashes = new TokenHashes();
  return {
    own: () => null,
    decide: (request) => {
      const sent = request.headers.authorization?.slice(7) ?? '';
      const known = verdicts.get(hashes.of(request.fields, sent));
      if (known === undefined || known.until < Date.now())
        return { kind: 'refuse', status: 401, code: 'unauthorized', detail: 'Not known.' };
      return { kind: 'allow', visitor: known.visitor };
    },
  };
};

const startAtrium = async (fast: boolean): Promise<void> => {
  const claims = [
    { host: '', path: '/apps/app/', route: makeRoute({ slug: 'app', targets: [makeTarget(upstream)] }) },
    { host: '', path: '/apps/echo/', route: makeRoute({ slug: 'echo', targets: [makeTarget(echo)] }) },
  ];
  const metrics = createMetrics({ processMetrics: false });
  const book = new AccessBook();
  const snapshot = {
    generation: 1,
    routes: new Map(claims.map(({ route }) => [route.id, route])),
    table: createRouteTable(claims),
  };
  const lane = createLane({
    source: { current: () => snapshot, onSwap: () => undefined },
    gate: cachedGate(),
    health: { status: () => 'healthy', failed: () => undefined, succeeded: () => undefined },
    rewriter: createAnswerRewriter(null, () => new Date()),
    guard: createTargetGuard({ allow: () => [], deny: () => [], own_ports: () => [] }),
    resolve: systemResolve,
    sticky_key: Buffer.alloc(32, 1),
    server_id: 'bench',
    public_url: () => 'http://localhost',
    access: (line) => book.record(line),
    metrics: new ProxyMetrics(metrics.registry, () => lane.running()),
    on_target_refused: () => undefined,
    on_error: (error) => console.error(error),
    hit: () => ({ allowed: true, remaining: 1, retry_after_ms: 0 }),
    country: () => null,
    spools: new SpoolRoom(null, 0),
    cache: new AnswerCache({ memory: 0, disk: 0, directory: null }),
    verify_password: async () => false,
  });
  const silent = () => undefined;
  const host = await createHttpHost({
    config: {
      ...httpDefaults,
      port: 0,
      max_connections_per_address: 0,
      fast_lane: fast,
      public_url: () => 'http://localhost',
      version: 'bench',
    },
    bindings: [],
    operations: [],
    authenticate: async () => null,
    limiter: { take: () => ({ allowed: true, limit: 1, remaining: 1, reset_s: 1 }) },
    rate_rules: () => ({ principal: null, address: null }),
    clock: systemClock,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    metrics,
    tracing: null,
    ready: {},
    on_denied: silent,
    validate_output: false,
    front: lane.front,
  });
  announce(await host.listen());
};

const hopByHop = new Set(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** The least that a proxy of node:http can be: hop-by-hop headers dropped, one header added, two pipes. */
const startBare = (): void => {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const { hostname, port } = new URL(upstream);
  const server = createServer((request, response) => {
    const headers: Record<string, string | string[] | undefined> = { 'x-forwarded-for': request.socket.remoteAddress };
    for (const [name, value] of Object.entries(request.headers)) if (!hopByHop.has(name)) headers[name] = value;
    const asking = httpRequest(
      { agent, hostname, port, path: request.url, method: request.method, headers: headers as Record<string, string> },
      (answer) => {
        response.writeHead(
          answer.statusCode ?? 502,
          answer.rawHeaders.filter((_v, at, all) => !hopByHop.has(all[at - (at % 2)]!.toLowerCase())),
        );
        answer.pipe(response);
      },
    );
    asking.on('error', () => response.destroy());
    request.pipe(asking);
  });
  server.listen(0, '127.0.0.1', () => announce(server.address()));
};

interface HttpProxy {
  createProxyServer(options: object): {
    web(request: unknown, response: unknown, options?: object): void;
    ws(request: unknown, socket: unknown, head: unknown, options?: object): void;
    on(event: 'error', listener: () => void): void;
  };
}

const startHttpProxy = (): void => {
  // It has no types of its own.
  const { createProxyServer } = createRequire(import.meta.url)('http-proxy') as HttpProxy;
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const proxy = createProxyServer({ target: upstream, agent, xfwd: true });
  proxy.on('error', () => undefined);
  const server = createServer((request, response) => proxy.web(request, response));
  server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head, { target: echo, agent: undefined }));
  server.listen(0, '127.0.0.1', () => announce(server.address()));
};

const startFastify = async (): Promise<void> => {
  // Loaded here alone: the memory of the others is measured without it.
  const { default: fastifyHttpProxy } = await import('@fastify/http-proxy');
  const { fastify } = await import('fastify');
  const app = fastify();
  await app.register(fastifyHttpProxy, { upstream: echo, prefix: '/echo', rewritePrefix: '/', websocket: true });
  await app.register(fastifyHttpProxy, { upstream, undici: { connections: 128, pipelining: 1 } });
  await app.listen({ port: 0, host: '127.0.0.1' });
  announce(app.server.address());
};

if (kind === 'atrium' || kind === 'atrium-slow') await startAtrium(kind === 'atrium');
else if (kind === 'bare') startBare();
else if (kind === 'http-proxy') startHttpProxy();
else await startFastify();
