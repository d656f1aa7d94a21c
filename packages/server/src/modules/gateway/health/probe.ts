import type { LookupAddress } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { connect as openSession } from 'node:http2';
import { request as tlsRequest } from 'node:https';
import { connect, isIP, type LookupFunction } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Resolve } from '../../../platform/net/address-guard.ts';
import { refusesProtocol } from '../lanes/outcome.ts';
import type { RouteSnapshot, TargetSnapshot } from '../snapshot.ts';
import { judgeAddress, type TargetRules } from '../target-guard.ts';

export interface ProbeOutcome {
  healthy: boolean;
  error: string | null;
  latency_ms: number;
}

export interface ProbeParts {
  rules: TargetRules;
  resolve: Resolve;
  /** Cookies that the target set at earlier probes, for apps that count visitors by them. */
  cookies: Map<string, string>;
}

const mayDial = (route: RouteSnapshot, address: string, port: number, rules: TargetRules): boolean => {
  const { kind } = judgeAddress(address, port, rules);
  return kind === 'public' || kind === 'listed' || (kind === 'private' && route.allow_private);
};

const refusal = (): Error => new Error('the address is not allowed');

/** Checked in the look-up of the connection itself, so what was checked is what is dialled. */
const guardedLookup =
  (route: RouteSnapshot, { port }: TargetSnapshot, { rules, resolve }: ProbeParts): LookupFunction =>
  (host, options, callback) => {
    resolve(host).then(
      (addresses: LookupAddress[]) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => mayDial(route, address, port, rules)))
          return callback(refusal(), '', 0);
        return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };

const keepCookies = (jar: Map<string, string>, headers: string[] | undefined): void => {
  for (const line of headers ?? []) {
    const pair = line.split(';')[0] ?? '';
    const equals = pair.indexOf('=');
    if (equals > 0 && jar.size < 50) jar.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim());
  }
};

const isHealthy = (status: number, codes: readonly number[]): boolean =>
  (status >= 200 && status < 400) || status === 401 || status === 403 || codes.includes(status);

/** Said, so that an app that takes no HTTP/1.1 refuses it and does not answer something else. */
const onlyLines = { ALPNProtocols: ['http/1.1'] };

/** Asks a target once. Redirects are answers; the body is not read. */
export const probe = (route: RouteSnapshot, target: TargetSnapshot, parts: ProbeParts): Promise<ProbeOutcome> => {
  const begun = performance.now();
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
  const end = (error: string | null): void =>
    resolve({ healthy: error === null, error, latency_ms: Math.round((performance.now() - begun) * 10) / 10 });
  if (isIP(target.hostname) !== 0 && !mayDial(route, target.hostname, target.port, parts.rules)) {
    end(refusal().message);
    return promise;
  }
  const { ca, server_name, verify } = route.upstream_tls;
  const cookie = [...parts.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const options = {
    host: target.hostname,
    port: target.port,
    path: target.base_path + route.health.path,
    method: 'GET',
    agent: false as const,
    lookup: guardedLookup(route, target, parts),
    headers: {
      'user-agent': 'atrium-health',
      accept: '*/*',
      ...(cookie === '' ? {} : { cookie }),
      ...(route.upstream_auth.kind === 'header' ? { authorization: route.upstream_auth.value } : {}),
    },
    signal: AbortSignal.timeout(route.health.timeout_ms),
  };
  const tls = {
    rejectUnauthorized: verify,
    ...(ca === null ? {} : { ca }),
    ...(server_name === null ? {} : { servername: server_name }),
  };
  const answered = (status: number, cookiesSet: string[] | undefined): void => {
    keepCookies(parts.cookies, cookiesSet);
    end(isHealthy(status, route.health.healthy_codes) ? null : `answered ${status}`);
  };
  const failed = (error: NodeJS.ErrnoException): void =>
    end(
      error.name === 'TimeoutError' || error.name === 'AbortError'
        ? 'no answer in time'
        : (error.code ?? error.message),
    );
  const askStream = (): void => {
    const address = { host: target.hostname, port: target.port, lookup: options.lookup };
    const socket =
      target.protocol === 'h2c:' ? connect(address) : connectTls({ ...address, ...tls, ALPNProtocols: ['h2'] });
    const authority = `${isIP(target.hostname) === 6 ? `[${target.hostname}]` : target.hostname}:${target.port}`;
    const scheme = target.protocol === 'h2c:' ? 'http' : 'https';
    const session = openSession(`${scheme}://${authority}`, { createConnection: () => socket });
    const over = (error: NodeJS.ErrnoException): void => {
      failed(error);
      session.destroy();
    };
    session.on('error', over);
    const stream = session.request({ ':path': options.path, ...options.headers }, { signal: options.signal });
    stream.on('response', (headers) => {
      answered(Number(headers[':status']), headers['set-cookie']);
      session.destroy();
    });
    stream.on('error', over);
  };
  if (target.protocol === 'h2c:') {
    askStream();
    return promise;
  }
  const request =
    target.protocol === 'https:' ? tlsRequest({ ...options, ...tls, ...onlyLines }) : plainRequest(options);
  request.on('response', (response) => {
    answered(response.statusCode ?? 0, response.headers['set-cookie']);
    response.destroy();
  });
  request.on('error', (error: NodeJS.ErrnoException) => {
    if (refusesProtocol(error)) askStream();
    else failed(error);
  });
  request.end();
  return promise;
};
