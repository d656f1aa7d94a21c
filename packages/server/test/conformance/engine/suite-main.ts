/** The suite itself, in a process of its own that was started with `preload.ts`. Writes what became of each case. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  type ServerResponse,
  request as sendRequest,
} from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decodeJwt } from 'jose';
import { claimOnce } from '../../../src/modules/oauth/engine/engine.ts';
import { currentScope, inScope, RequestScope } from '../../../src/modules/oauth/engine/request-scope.ts';
import { createEndings } from '../../../src/modules/oauth/tokens/endings.ts';
import { RevocationSet } from '../../../src/modules/oauth/tokens/revocation-set.ts';
import { createDatabase } from '../../../src/platform/db/kysely-database.ts';
import { createPool } from '../../../src/platform/db/pool.ts';
import { newId } from '../../../src/platform/ids/ids.ts';
import { SecretBox } from '../../../src/platform/secrets/secret-box.ts';
import { makeCall } from '../../support/make-call.ts';
import { type MemoryAdapter, pairWith } from './paired-adapter.ts';
import type { CaseResult, SuiteOrder } from './results.ts';

interface Case {
  title: string;
  type: string;
  fullTitle(): string;
  file?: string;
  parent?: { file?: string };
}

interface MochaRun {
  on(event: string, listener: (test: Case, error?: Error) => void): void;
}

interface MochaLike {
  files: string[];
  suite: { eachTest(act: (test: Case) => void): void; beforeEach(act: () => unknown): void };
  timeout(ms: number): void;
  loadFilesAsync(): Promise<void>;
  reporter(name: unknown): void;
  run(done: () => void): MochaRun;
}

/** The parts of the engine's class that carry a request. */
interface App {
  middleware: ((ctx: Context, next: () => Promise<void>) => Promise<void>)[];
  compose(all: App['middleware']): (ctx: Context) => Promise<void>;
  createContext(request: IncomingMessage, response: ServerResponse): Context;
  handleRequest(ctx: Context, act: (ctx: Context) => Promise<void>): Promise<void>;
  listenerCount(event: string): number;
  on(event: string, listener: unknown): void;
  onerror: unknown;
  issuer: string;
}

interface Context {
  path: string;
  status: number;
  get(name: string): string;
}

const order = JSON.parse(process.env['ATRIUM_ENGINE_SUITE_ORDER']!) as SuiteOrder;
const load = async <T>(path: string): Promise<T> => (await import(pathToFileURL(join(order.suite, path)).href)) as T;

const clock = { now: () => new Date() };
const secrets = new SecretBox([Buffer.alloc(32, 7)]);
const pool = createPool({ url: order.database_url, max: 10 });
const database = createDatabase({
  pool,
  clock,
  cipher: { encrypt: (plain) => plain, decrypt: (sealed) => sealed },
  onError: (error) => console.error(error),
});
const org = newId();
await pool.query('insert into identity_orgs (id, name, slug, created_at) values ($1, $2, $3, now())', [
  ...[org, 'Suite', 'suite'],
]);

const newScope = (public_url = 'http://127.0.0.1'): RequestScope => {
  const scope = new RequestScope({
    database,
    call: makeCall(),
    person: null,
    public_url,
    certificate: null,
  });
  scope.grant_org = org;
  return scope;
};

/** What a test does next may still run in the context of the request before: that one takes nothing any more. */
const ended = new WeakSet<RequestScope>();
const { end } = RequestScope.prototype;
Object.defineProperty(RequestScope.prototype, 'end', {
  value(this: RequestScope, commit: boolean) {
    ended.add(this);
    return end.call(this, commit);
  },
});

const people = new Set(['auth', 'authorize', 'device', 'interaction', 'session', 'logout']);

/** As the routes of this server set it for what it hands to the engine. */
const describeRequest = (scope: RequestScope, ctx: Context): void => {
  const [, first = '', second = ''] = ctx.path.replace(/^\/oauth\//, '/').split('/');
  scope.of_a_person = people.has(first) && second !== 'auth';
  if (first === 'token' && second === '') Object.assign(scope, { polling: true, why: 'replay' });
  const proof = ctx.get('DPoP');
  if (proof === '') return;
  try {
    scope.dpop_jti = decodeJwt(proof).jti ?? null;
  } catch {
    // The engine refuses it.
  }
};

const inRequest = async (scope: RequestScope, ctx: Context, next: () => Promise<void>): Promise<void> => {
  describeRequest(scope, ctx);
  try {
    await next();
  } catch (error) {
    await scope.end(false);
    throw error;
  }
  await scope.end(ctx.status < 500 && !scope.spends_nothing);
};

const insideRequest = (): boolean => {
  try {
    return !ended.has(currentScope());
  } catch {
    return false;
  }
};

const within = async <T>(act: () => Promise<T>): Promise<T> => {
  if (insideRequest()) return await act();
  const scope = newScope();
  return await inScope(scope, async () => {
    try {
      const result = await act();
      await scope.end(true);
      return result;
    } catch (error) {
      await scope.end(false);
      throw error;
    }
  });
};

const server = createServer().listen(0, '::');
await once(server, 'listening');
Object.assign(globalThis, { server });

const mounted = order.mode === 'adapter' ? null : await import('./mounted.ts');
mounted?.tellRequests(insideRequest);
const { port } = server.address() as AddressInfo;
const host =
  (await mounted?.startHost({ ...order, public_url: `http://127.0.0.1:${port}` }).then(({ address }) => address)) ?? '';
Object.assign(globalThis, { placeOf: mounted?.placeOf });

/** Hands on what the server answers, as a proxy before it does; a form that it leads to an address goes on there, as in a browser. */
const forward = (request: IncomingMessage, response: ServerResponse): void => {
  const { method, headers, url } = request;
  const send = (sentMethod: string | undefined, address: string, sentHeaders: typeof headers): ClientRequest => {
    const sent = sendRequest(`${host}${address}`, { method: sentMethod, headers: sentHeaders }, (answer) => {
      const { location = '' } = answer.headers;
      if (sentMethod === 'POST' && answer.statusCode === 303 && /^\/oauth\/(?:authorize|logout)\?/.test(location)) {
        const { 'content-length': _length, 'content-type': _type, 'transfer-encoding': _coding, ...kept } = headers;
        answer.resume();
        send('GET', location, kept).end();
        return;
      }
      response.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(response);
    });
    sent.on('error', () => response.destroy());
    return sent;
  };
  request.pipe(send(method, url!, headers));
};

const { default: Provider } = await load<{ default: { prototype: App } }>('lib/index.js');

Object.defineProperty(Provider.prototype, 'callback', {
  value(this: App) {
    if (this.listenerCount('error') === 0) this.on('error', this.onerror);
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const scope = currentScope();
      const own: App['middleware'] = order.mode === 'adapter' ? [(ctx, next) => inRequest(scope, ctx, next)] : [];
      if (order.mode === 'mounted')
        own.push(async (ctx, next) => {
          describeRequest(scope, ctx);
          await next();
        });
      // Tests add to the middleware after they asked for the handler.
      await this.handleRequest(this.createContext(request, response), this.compose([...own, ...this.middleware]));
    };
    if (order.mode === 'host')
      return (request: IncomingMessage, response: ServerResponse): void => {
        mounted!.answerWith(answer);
        // What the server itself asks of the engine comes without a place to forward to.
        if (request.socket?.localPort === port) forward(request, response);
        else void answer(request, response);
      };
    return (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      inScope(newScope(this.issuer), () => answer(request, response));
  },
});

const replays = Object.getOwnPropertyDescriptor(Provider.prototype, 'ReplayDetection')!.get!;
const prepared = new WeakSet<object>();
if (mounted === null)
  Object.defineProperty(Provider.prototype, 'ReplayDetection', {
    configurable: true,
    get(this: unknown) {
      const model = replays.call(this) as object;
      if (!prepared.has(model)) {
        prepared.add(model);
        Object.defineProperty(model, 'unique', {
          value: (issuer: string, jti: string, exp: number) => within(() => claimOnce(issuer, jti, exp)),
          configurable: true,
          writable: true,
        });
      }
      return model;
    },
  });

for (const [name, words] of [
  ['info', 'NOTICE: '],
  ['warn', 'WARNING: '],
] as const) {
  const said = console[name].bind(console);
  console[name] = (...args: unknown[]) => {
    if (!String(args[0]).includes(words)) said(...args);
  };
}

const { TestAdapter } = await load<{ TestAdapter: { prototype: MemoryAdapter } }>('test/models.js');
const endings = createEndings(new RevocationSet(database.read, clock, () => true), () => {});
pairWith(TestAdapter, { parts: { clock, secrets, clients: null as never, endings }, within });

const ofSuite = createRequire(join(order.suite, 'package.json'));
const Mocha = ofSuite(join(order.suite, 'node_modules/mocha')) as new () => MochaLike;
const mocha = new Mocha();
mocha.timeout(30_000);
mocha.files = order.files.map((file) => join(order.suite, file));
await mocha.loadFilesAsync();

const results: CaseResult[] = [];
const fileOf = (test: Case): string => relative(order.suite, test.file ?? test.parent?.file ?? '');
const add = (state: CaseResult['state']) => (test: Case, error?: Error) => {
  results.push({
    ...{ file: fileOf(test), name: test.fullTitle().replaceAll(/\s+/g, ' ').trim(), state },
    ...(error === undefined ? {} : { error: String(error.message ?? error).slice(0, 500) }),
  });
};

// Cases give wrong secrets by the dozen, all from one address.
if (mounted !== null) mocha.suite.beforeEach(() => pool.query('delete from core_rate_counters'));

const planned: CaseResult[] = [];
mocha.suite.eachTest((test) => {
  planned.push({ file: fileOf(test), name: test.fullTitle().replaceAll(/\s+/g, ' ').trim(), state: 'not run' });
});
mocha.reporter(class {});
await new Promise<void>((resolve) => {
  const run = mocha.run(resolve);
  run.on('pass', add('passed'));
  run.on('fail', add('failed'));
  run.on('pending', add('pending'));
});
writeFileSync(order.report, JSON.stringify({ planned, results }));
process.exit(0);
