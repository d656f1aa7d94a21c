import type { LookupAddress } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Resolve } from '../../../platform/net/address-guard.ts';
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
  const request = target.protocol === 'https:' ? tlsRequest({ ...options, ...tls }) : plainRequest(options);
  request.on('response', (response) => {
    const status = response.statusCode ?? 0;
    keepCookies(parts.cookies, response.headers['set-cookie']);
    response.destroy();
    end(isHealthy(status, route.health.healthy_codes) ? null : `answered ${status}`);
  });
  request.on('error', (error: NodeJS.ErrnoException) =>
    end(
      error.name === 'TimeoutError' || error.name === 'AbortError'
        ? 'no answer in time'
        : (error.code ?? error.message),
    ),
  );
  request.end();
  return promise;
};
