import fastifyMultipart from '@fastify/multipart';
import { type FastifyInstance, fastify } from 'fastify';
import { registerDocs } from './docs-routes.ts';
import { ErrorAnswers } from './error-answers.ts';
import { FrontServer } from './front-server.ts';
import { type HttpHostOptions, httpDefaults } from './http-options.ts';
import { InFlight } from './in-flight.ts';
import { openListening } from './listening.ts';
import { checkOperations } from './operation-registry.ts';
import { OperationRoute } from './operation-route.ts';
import { registerPages } from './page-routes.ts';
import { RequestGuard } from './request-guard.ts';
import { requestIdOf } from './request-id.ts';
import { RequestObserver } from './request-observer.ts';
import { RouteMap } from './route-map.ts';
import { StaticSite } from './static-site.ts';
import { registerSystemRoutes, runChecks } from './system-routes.ts';
import { clientAddress, trustedProxies } from './trusted-proxies.ts';
import { UpgradeRouter } from './upgrade-router.ts';

/** The running HTTP door. Modules with protocols of their own (OAuth, MCP, gateway) add routes to `app` before `listen`. */
export interface HttpHost {
  app: FastifyInstance;
  upgrades: UpgradeRouter;
  in_flight: InFlight;
  /** The named questions behind GET /ready, each with its answer. */
  checks(): Promise<Record<string, boolean>>;
  /** Starts to listen and tells the port that was taken. */
  listen(): Promise<{ port: number; address: string }>;
  /** Refuses what is new, lets what runs finish within the deadline, then stops. */
  close(): Promise<void>;
}

const createApp = (options: HttpHostOptions, answers: ErrorAnswers, front: FrontServer): FastifyInstance => {
  const { trusted_proxies, body_limit } = options.config;
  return fastify({
    logger: false,
    bodyLimit: body_limit,
    trustProxy: trusted_proxies.length === 0 ? false : trustedProxies(trusted_proxies),
    requestIdHeader: false,
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: 500 },
    forceCloseConnections: 'idle',
    serverFactory: (own) => front.create(own),
    frameworkErrors: (error, request, reply) => answers.badUrl(error, request.raw, reply),
    clientErrorHandler: (error, socket) => answers.brokenRequest(error, socket),
  });
};

/** Only JSON is read by itself; operations with other bodies get them as a stream, modules add their own parsers. */
const acceptJson = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void parse(request, body as string, done);
  });
};

const addRoute = (app: FastifyInstance, route: OperationRoute): void => {
  const { operation } = route;
  app.route({
    method: operation.method,
    url: operation.path.replaceAll(/\{([a-z_]+)\}/g, ':$1'),
    bodyLimit: route.limit,
    exposeHeadRoute: operation.method === 'GET' && operation.answer !== 'stream',
    onRequest: route.admit,
    handler: route.handle,
  });
};

const registerOperations = async (
  app: FastifyInstance,
  options: HttpHostOptions,
  guard: RequestGuard,
): Promise<void> => {
  const routes = options.bindings.map((binding) => new OperationRoute(binding, guard, options));
  const ofBody = (kind: 'json' | 'raw' | 'multipart') => routes.filter((r) => (r.operation.body ?? 'json') === kind);
  for (const route of ofBody('json')) addRoute(app, route);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const route of ofBody('raw')) addRoute(scope, route);
  });
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(fastifyMultipart);
    for (const route of ofBody('multipart')) addRoute(scope, route);
  });
};

/** Builds the HTTP door from the bindings. Throws OperationRegistryError, naming every operation declared wrongly. */
export const createHttpHost = async (given: HttpHostOptions): Promise<HttpHost> => {
  const options: HttpHostOptions = { ...given, config: { ...httpDefaults, ...given.config } };
  checkOperations(options.operations, options.bindings);
  const { max_in_flight, max_per_bulkhead, max_waiting } = options.config;
  const inFlight = new InFlight({ all: max_in_flight, each: max_per_bulkhead, waiting: max_waiting });
  const routeMap = new RouteMap();
  const site = new StaticSite(options.config.web_root, options.config.public_url, options.config.page_proofs);
  const answers = new ErrorAnswers(options, routeMap, site);
  const front = new FrontServer(options, answers);
  const app = createApp(options, answers, front);
  const upgrades = new UpgradeRouter((request, response, error, status) =>
    answers.early(request, response, error, status),
  );
  const observer = new RequestObserver(options, inFlight, routeMap);

  acceptJson(app);
  routeMap.watch(app);
  observer.watch(app);
  answers.watch(app);
  registerSystemRoutes(app, options, inFlight);
  await registerDocs(app, options);
  const guard = new RequestGuard(options);
  await registerPages(app, options.pages ?? [], guard, options);
  await registerOperations(app, options, guard);
  const trusted = trustedProxies(options.config.trusted_proxies);
  upgrades.add((request, socket, head) => front.upgrade(request, socket, head));
  upgrades.attach(
    app.server,
    (request) => options.denied_address?.(clientAddress(request, trusted)) === true,
    (error) => options.logger.error({ err: error }, 'an upgrade failed'),
  );
  options.metrics.inFlight(inFlight);
  const listening = openListening(app, front, options);

  return {
    app,
    upgrades,
    in_flight: inFlight,
    checks: () => runChecks(options.ready),
    listen: listening.listen,
    close: async () => {
      const { drain_grace_ms, drain_deadline_ms, front_drain_ms } = options.config;
      // Who connects from now on is refused by the system and goes to another server; who is connected gets an answer.
      listening.stop();
      const [answered] = await Promise.all([
        inFlight.drain(drain_grace_ms, drain_deadline_ms),
        options.front?.drain(front_drain_ms),
      ]);
      if (!answered) {
        options.logger.warn({ in_flight: inFlight.size }, 'requests were cut off at the drain deadline');
      }
      await listening.cut();
      await app.close();
    },
  };
};
