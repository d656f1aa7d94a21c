import { createHash, timingSafeEqual } from 'node:crypto';
import { scopes } from '@atrium/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import { Durations } from '../telemetry/durations.ts';
import { addCounter, addGauge, addHistogram, Tally } from '../telemetry/families.ts';
import type { HttpHostOptions } from './http-options.ts';
import type { InFlight } from './in-flight.ts';
import { isLoopback, trustedProxies } from './trusted-proxies.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const proxyHeaders = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'forwarded',
  'x-real-ip',
  'via',
] as const;

/**
 * Who may read the metrics: the bearer of the token, or a peer on this machine. The socket's own peer counts; behind a
 * reverse proxy on this machine every stranger would look local, so a forwarded request is judged by a trusted proxy's word only.
 */
const mayScrape = (request: FastifyRequest, token: string | null, trusted: (address: string) => boolean): boolean => {
  const authorization = request.headers.authorization;
  if (authorization !== undefined) {
    const match = /^Bearer +(\S+)$/i.exec(authorization);
    return token !== null && match !== null && timingSafeEqual(digest(match[1]!), digest(token));
  }
  const peer = request.raw.socket.remoteAddress;
  if (!isLoopback(peer)) return false;
  if (!proxyHeaders.some((name) => request.headers[name] !== undefined)) return true;
  return trusted(peer!) && request.headers['x-forwarded-for'] !== undefined && isLoopback(request.ip);
};

type Checked = (name: string, ok: boolean, seconds: number) => void;

/** Each check with its answer; one that hangs counts as failed. */
export const runChecks = async (
  checks: HttpHostOptions['ready'],
  checked: Checked = () => undefined,
): Promise<Record<string, boolean>> => {
  const began = performance.now();
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const timeout = AbortSignal.timeout(2000);
      const late = new Promise<boolean>((resolve) =>
        timeout.addEventListener('abort', () => resolve(false), { once: true }),
      );
      const ok = await Promise.race([Promise.resolve().then(check), late]).catch(() => false);
      checked(name, ok, (performance.now() - began) / 1000);
      return [name, ok] as const;
    }),
  );
  return Object.fromEntries(results);
};

/** The families of those checks. Whoever reads the metrics asks them too, so that they tell of now. */
const addCheckFamilies = ({ metrics: { registry }, ready }: Pick<HttpHostOptions, 'metrics' | 'ready'>): Checked => {
  const counts = new Tally();
  const durations = new Map<string, Durations>();
  const checked: Checked = (name, ok, seconds) => {
    counts.add(ok ? 'healthy' : 'unhealthy');
    const known = durations.get(name) ?? new Durations();
    durations.set(name, known);
    known.observe(seconds);
  };
  addGauge(
    registry,
    'atrium_health_check_status',
    'What readiness depends on; 1 when it is well.',
    ['check'],
    async () =>
      Object.entries(await runChecks(ready, checked)).map(([check, ok]) => ({ labels: { check }, value: ok ? 1 : 0 })),
    'min',
  );
  addCounter(registry, 'atrium_health_checks_total', 'Checks of what readiness depends on, by result.', () =>
    counts.as('result'),
  );
  addHistogram(registry, 'atrium_health_check_duration_seconds', 'Time of such a check.', () =>
    [...durations].map(([check, times]) => ({ labels: { check }, durations: times })),
  );
  return checked;
};

/** What a client may ask for by itself. It may ask for the rest, but is given it only when somebody vouched for it. */
const ordinaryScopes = Object.entries(scopes).flatMap(([scope, { privileged }]) => (privileged ? [] : [scope]));

const protectedResource = (publicUrl: string, resource: string): object => ({
  resource,
  authorization_servers: [publicUrl],
  scopes_supported: ordinaryScopes,
  bearer_methods_supported: ['header'],
  dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519'],
  resource_name: 'Atrium',
  resource_documentation: `${publicUrl}/api/docs`,
});

/** Liveness, readiness, metrics and the two documents that tell a client where to get a token (RFC 9728). */
export const registerSystemRoutes = (app: FastifyInstance, options: HttpHostOptions, inFlight: InFlight): void => {
  const { config } = options;
  const trusted = trustedProxies(config.trusted_proxies);
  const checked = addCheckFamilies(options);

  app.get('/health', (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .send({ status: 'ok', timestamp: options.clock.now().toISOString(), version: config.version }),
  );

  app.get('/ready', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    if (inFlight.draining) throw new AppError('not_ready', 'The server is stopping.');
    const checks = await runChecks(options.ready, checked);
    const failed = Object.keys(checks).filter((name) => !checks[name]);
    if (failed.length > 0)
      throw new AppError('not_ready', `Not ready: ${failed.join(', ')}.`, { extensions: { failed } });
    return reply.send({ status: 'ready', timestamp: options.clock.now().toISOString(), version: config.version });
  });

  app.get('/metrics', async (request, reply) => {
    if (!mayScrape(request, config.metrics_token, trusted))
      throw new AppError('unauthorized', 'Metrics need the bearer token ATRIUM_METRICS_TOKEN.');
    return reply.header('content-type', options.metrics.registry.contentType).send(await options.metrics.text());
  });

  const wellKnown = '/.well-known/oauth-protected-resource';
  for (const [path, known] of [
    [wellKnown, ''],
    [`${wellKnown}/mcp`, '/mcp'],
    [`${wellKnown}/api/v1`, '/api/v1'],
    [`${wellKnown}/v1`, '/v1'],
    [`${wellKnown}/apps/:slug`, null],
  ] as const) {
    app.get(path, (request, reply) => {
      const publicUrl = config.public_url();
      const { slug } = request.params as { slug?: string };
      if (slug !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(slug)) throw new AppError('not_found');
      const suffix = known ?? `/apps/${slug}`;
      // Public documents: a client in a browser must be able to read them from anywhere.
      return reply
        .headers({
          'cache-control': 'public, max-age=300',
          'access-control-allow-origin': '*',
          'cross-origin-resource-policy': 'cross-origin',
        })
        .send(protectedResource(publicUrl, `${publicUrl}${suffix}`));
    });
  }
};
