import type { GateRequest, Verdict } from '../../src/modules/gateway/gate.ts';
import { createGatePart, type GatePart } from '../../src/modules/gateway/gate-module.ts';
import { identityModule } from '../../src/modules/identity/identity-module.ts';
import type { Identity } from '../../src/modules/identity/index.ts';
import { createHttpHost } from '../../src/platform/http/http-host.ts';
import { httpDefaults } from '../../src/platform/http/http-options.ts';
import { createPostgresLimiter } from '../../src/platform/limits/postgres-limiter.ts';
import { createMetrics } from '../../src/platform/telemetry/metrics.ts';
import { makeRequest, TestRoutes } from './make-gate.ts';
import { makeOauth } from './make-oauth.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export interface GateDoor extends TestDatabase {
  identity: Identity;
  part: GatePart;
  routes: TestRoutes;
  /** The server's own origin. */
  origin: string;
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The own origin with sign-in, the gate's pages and forward-auth, over a database of its own. Call `drop` in afterAll. */
export const openGateDoor = async (parts: { trusted_proxies?: readonly string[] } = {}): Promise<GateDoor> => {
  const test = await createTestDatabase();
  const { database, clock } = test;
  const { trusted_proxies = [] } = parts;
  const oauth = makeOauth(test);
  await oauth.start();
  const identity = oauth.parts.identity as Identity;
  const routes = new TestRoutes();
  let origin = 'http://localhost';
  const part = createGatePart({
    ...{ database, clock, identity, oauth, snapshots: routes, trusted_proxies },
    limiter: createPostgresLimiter(database.read, clock),
    public_url: () => origin,
    stale_verdict_ms: () => 60_000,
    guess: () => true,
    remote_user: () => false,
    onError: (error) => void test.background.push(error),
  });
  const unlimited = { allowed: true, limit: 1000, remaining: 1000, reset_s: 60 };
  const host = await createHttpHost({
    config: { ...httpDefaults, port: 0, public_url: () => origin, version: '0', trusted_proxies },
    ...{ operations: [], bindings: [], clock, logger: quiet, tracing: null, ready: {}, validate_output: true },
    pages: [...identityModule(identity).pages!, ...part.pages!],
    authenticate: (token, { via, resource }) => identity.resolve(token, { via, resource }),
    limiter: { take: () => unlimited },
    rate_rules: () => ({ principal: null, address: null }),
    metrics: createMetrics({ processMetrics: false, version: '0' }),
    on_denied: () => {},
  });
  await part.http!(host);
  origin = `http://localhost:${(await host.listen()).port}`;
  return {
    ...{ ...test, identity, part, routes, origin },
    drop: async () => {
      await host.close();
      part.close();
      await identity.flush();
      await oauth.stop();
      await test.drop();
    },
  };
};

export interface Arrived {
  url: string;
  status: number;
  text: string;
  verdict: Verdict | null;
}

const navigation = {
  ...{ accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' },
};

/** A browser that goes through redirects: to the own origin over HTTP, to hosts of apps by asking the gate. */
export class GateBrowser {
  readonly #door: GateDoor;
  readonly #cookies = new Map<string, Map<string, string>>();
  /** Every address that it went to. */
  readonly visited: string[] = [];

  constructor(door: GateDoor) {
    this.#door = door;
  }

  cookiesOf(host: string): Map<string, string> {
    const known = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, known);
    return known;
  }

  #keep(host: string, lines: readonly string[]): void {
    for (const line of lines) {
      const [pair] = line.split(';');
      const [name, value] = [pair!.slice(0, pair!.indexOf('=')), pair!.slice(pair!.indexOf('=') + 1)];
      const expires = /expires=([^;]+)/i.exec(line)?.[1];
      if (value === '' || (expires !== undefined && new Date(expires) <= this.#door.clock.now()))
        this.cookiesOf(host).delete(name);
      else this.cookiesOf(host).set(name, value);
    }
  }

  #cookieHeader(host: string): Record<string, string> {
    const cookie = [...this.cookiesOf(host)].map(([name, value]) => `${name}=${value}`).join('; ');
    return cookie === '' ? {} : { cookie };
  }

  /** Asks for one address, without following. */
  async step(url: string, form?: Record<string, string>): Promise<Arrived & { location: string | null }> {
    this.visited.push(url);
    const at = new URL(url);
    if (at.origin === this.#door.origin && !at.pathname.startsWith('/apps/')) return this.#stepHome(at, form);
    const host = at.origin === this.#door.origin ? '' : at.hostname;
    const request: GateRequest = makeRequest({
      url: at.pathname + at.search,
      host,
      scheme: at.protocol === 'https:' ? 'https' : 'http',
      headers: { ...navigation, ...this.#cookieHeader(at.hostname), host: at.host },
    });
    const match = this.#door.routes.current().table.match(host, at.pathname);
    if (match === null) throw new Error(`there is no route at ${url}`);
    const verdict = await (this.#door.part.gate.own(request, match.route) ??
      this.#door.part.gate.decide(request, match.route));
    const headers = 'set_headers' in verdict ? (verdict.set_headers ?? []) : [];
    this.#keep(
      at.hostname,
      headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
    );
    const status = verdict.kind === 'allow' ? 200 : verdict.status;
    const location = verdict.kind === 'redirect' ? new URL(verdict.location, at).href : null;
    return { url, status, text: '', verdict, location };
  }

  async #stepHome(at: URL, form?: Record<string, string>): Promise<Arrived & { location: string | null }> {
    const response = await fetch(at, {
      redirect: 'manual',
      headers: {
        ...navigation,
        ...this.#cookieHeader(at.hostname),
        ...(form === undefined ? {} : { origin: at.origin, 'sec-fetch-site': 'same-origin' }),
      },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    this.#keep(at.hostname, response.headers.getSetCookie());
    const location = response.headers.get('location');
    return {
      ...{ url: at.href, status: response.status, text: await response.text(), verdict: null },
      location: location === null ? null : new URL(location, at).href,
    };
  }

  /** Goes to an address and wherever that leads. */
  async go(url: string, form?: Record<string, string>): Promise<Arrived> {
    let arrived = await this.step(url, form);
    for (let hops = 0; arrived.location !== null; hops += 1) {
      if (hops > 10) throw new Error(`a circle from ${url}: ${this.visited.join(' ')}`);
      arrived = await this.step(arrived.location);
    }
    return arrived;
  }

  /** Fills in the form of a page of the own origin. */
  submit(page: Arrived, fields: Record<string, string>): Promise<Arrived> {
    const form = /<form[^>]*action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/.exec(page.text);
    if (form === null) throw new Error(`there is no form at ${page.url} (${page.status}): ${page.text}`);
    const hidden = [...form[2]!.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name, value]) => [name!, value!.replaceAll('&amp;', '&')] as const,
    );
    return this.go(new URL(form[1]!, page.url).href, { ...Object.fromEntries(hidden), ...fields });
  }
}
