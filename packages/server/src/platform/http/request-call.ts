import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Call } from '../operations/call.ts';
import { anonymousCaller } from './anonymous-caller.ts';
import { cookieHeader, readCookie, sessionCookie } from './credentials.ts';
import { traceIdOf } from './exchange.ts';
import type { HttpConfig } from './http-options.ts';
import { pageProofHeader } from './page-proof.ts';

const noProgress = (): void => {};

/** Cookies of one exchange; a class, so that a request pays for one small object and no closures. */
class ExchangeCookies {
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #config: HttpConfig;

  constructor(request: FastifyRequest, reply: FastifyReply, config: HttpConfig) {
    this.#request = request;
    this.#reply = reply;
    this.#config = config;
  }

  set(token: string, expires: Date): void {
    this.keep(sessionCookie, token, expires);
    // The page that signed in has the proof of no session, or of the one before.
    if (token !== '') this.#reply.header(pageProofHeader, this.#config.page_proofs.of(token));
  }

  clear(): void {
    this.set('', new Date(0));
  }

  read(name: string): string | null {
    return readCookie(this.#request.headers.cookie, name);
  }

  keep(name: string, value: string, expires: Date): void {
    this.#reply.header('set-cookie', cookieHeader(name, value, expires, this.#config.public_url()));
  }
}

/** The call that a request makes, whoever makes it. */
export const callOf = (request: FastifyRequest, reply: FastifyReply, config: HttpConfig): Call => {
  const { exchange } = request;
  return {
    caller: exchange.caller ?? anonymousCaller,
    door: 'rest',
    request_id: request.id,
    trace_id: traceIdOf(exchange),
    ip: request.ip,
    user_agent: request.headers['user-agent']?.slice(0, 500) ?? null,
    signal: exchange.flight === null ? new AbortController().signal : exchange.flight.controller.signal,
    waits: exchange.flight,
    progress: noProgress,
    idempotency: null,
    raw: null,
    cookies: new ExchangeCookies(request, reply, config),
  };
};
