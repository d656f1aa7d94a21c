import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, request } from 'undici';
import { systemClock } from '../clock/clock.ts';
import { AppError } from '../errors/app-error.ts';
import { createAddressGuard, type Resolve, systemResolve } from './address-guard.ts';
import { type CircuitBreakers, createCircuitBreakers, type Outcome } from './circuit-breaker.ts';

export interface GuardedRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** For the whole exchange, connecting included. */
  timeout_ms?: number;
  max_bytes?: number;
  /** What happens to an answer longer than `max_bytes`: an error (default), or the beginning is kept. */
  overflow?: 'refuse' | 'truncate';
  signal?: AbortSignal;
}

export interface GuardedAnswer {
  /** Redirects are not followed: a 3xx is an answer like any other. */
  status: number;
  headers: Record<string, string>;
  body: Buffer;
  truncated: boolean;
}

export interface GuardedFetch {
  (url: string, options?: GuardedRequest): Promise<GuardedAnswer>;
  close(): Promise<void>;
}

export interface GuardOptions {
  /** Ranges that are reachable although they are not public: `10.1.0.0/16`, `127.0.0.1`. */
  allow?: readonly string[];
  resolve?: Resolve;
  breakers?: CircuitBreakers;
  /** Told of each request how it ended and how long it took. */
  observe?: (outcome: 'answered' | 'failed' | 'refused', seconds: number) => void;
}

/**
 * Why an outbound request did not get an answer. `refused` is the guard's own decision; `unavailable`: it failed so
 * often that it is left alone for a while.
 */
export class OutboundError extends Error {
  readonly reason: 'refused' | 'timeout' | 'too_large' | 'failed' | 'unavailable';
  constructor(reason: OutboundError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'OutboundError';
    this.reason = reason;
  }
}

const refused = (host: string): OutboundError =>
  new OutboundError('refused', `${host} is, or resolves to, an address that this server may not connect to`);

/** The address check sits in the lookup of the connection itself, so what was checked is what is connected to. */
const guardedLookup =
  (mayConnect: (address: string) => boolean, resolve: Resolve): LookupFunction =>
  (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        // One bad address spoils the name: picking the good one would let a rebinding server try again and again.
        if (addresses.length === 0 || !addresses.every(({ address }) => mayConnect(address)))
          return callback(refused(host), '', 0);
        if (options.all) return callback(null, addresses);
        callback(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };

const guardedConnector = (mayConnect: (address: string) => boolean, resolve: Resolve): buildConnector.connector => {
  const connect = buildConnector({ lookup: guardedLookup(mayConnect, resolve), timeout: 10_000 });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    // Literal addresses never reach the lookup.
    if (isIP(host) !== 0 && !mayConnect(host)) return callback(refused(host), null);
    return connect(options, callback);
  };
};

const readBody = async (
  stream: AsyncIterable<Uint8Array>,
  limit: number,
  overflow: 'refuse' | 'truncate',
): Promise<{ body: Buffer; truncated: boolean }> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) {
      if (overflow === 'refuse') throw new OutboundError('too_large', `the answer is longer than ${limit} bytes`);
      chunks.push(chunk.subarray(0, chunk.length - (size - limit)));
      return { body: Buffer.concat(chunks), truncated: true };
    }
    chunks.push(chunk);
  }
  return { body: Buffer.concat(chunks), truncated: false };
};

const parseUrl = (text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new OutboundError('refused', 'only http and https URLs can be requested');
  }
  if (url.username !== '' || url.password !== '')
    throw new OutboundError('refused', 'a URL must not carry credentials');
  return url;
};

const translate = (error: unknown, signal: AbortSignal, timeoutMs: number): unknown => {
  if (error instanceof OutboundError || error instanceof AppError) return error;
  if (signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError') {
    return new OutboundError('timeout', `no answer within ${timeoutMs} ms`, error);
  }
  return new OutboundError('failed', error instanceof Error ? error.message : 'the request failed', error);
};

/** A timeout and a lost connection count against the other side, so does its own admission by a 5xx. */
const outcomeOf = (error: unknown, callerSignal: AbortSignal | undefined): Outcome => {
  if (callerSignal?.aborted === true || !(error instanceof OutboundError)) return 'neither';
  return error.reason === 'timeout' || error.reason === 'failed' ? 'failure' : 'neither';
};

/**
 * HTTP to addresses that users name: webhooks, client metadata, tool servers. Connects only to addresses that pass
 * the guard, checked at the moment of connecting; follows no redirects; bounds time and size. An origin that failed
 * several times in a row is not asked for a while.
 */
export const createGuardedFetch = (options: GuardOptions = {}): GuardedFetch => {
  const mayConnect = createAddressGuard(options.allow);
  const agent = new Agent({
    connect: guardedConnector(mayConnect, options.resolve ?? systemResolve),
    // A pooled connection would outlive the check of its address.
    keepAliveTimeout: 1000,
    keepAliveMaxTimeout: 1000,
  });
  const breakers = options.breakers ?? createCircuitBreakers(systemClock);
  const guardedFetch = async (target: string, init: GuardedRequest = {}): Promise<GuardedAnswer> => {
    const url = parseUrl(target);
    const tell = breakers.enter(url.origin);
    if (tell === null) {
      options.observe?.('refused', 0);
      throw new OutboundError('unavailable', `${url.host} failed several times in a row and is left alone for a while`);
    }
    const started = performance.now();
    const observe = (outcome: 'answered' | 'failed' | 'refused') =>
      options.observe?.(outcome, (performance.now() - started) / 1000);
    const timeoutMs = init.timeout_ms ?? 10_000;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = init.signal === undefined ? timeout : AbortSignal.any([timeout, init.signal]);
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: init.method ?? 'GET',
        headers: init.headers ?? {},
        body: init.body ?? null,
        signal,
      });
      const { body, truncated } = await readBody(answer.body, init.max_bytes ?? 1024 * 1024, init.overflow ?? 'refuse');
      tell(answer.statusCode >= 500 ? 'failure' : 'success');
      observe('answered');
      const headers = Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : (value ?? ''),
        ]),
      );
      return { status: answer.statusCode, headers, body, truncated };
    } catch (error) {
      const translated = translate(error, signal, timeoutMs);
      tell(outcomeOf(translated, init.signal));
      observe(translated instanceof OutboundError && translated.reason === 'refused' ? 'refused' : 'failed');
      throw translated;
    }
  };
  return Object.assign(guardedFetch, { close: () => agent.destroy() });
};
