import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors/app-error.ts';
import { addressKey } from '../limits/rate-limiter.ts';
import type { Caller } from '../operations/caller.ts';
import { anonymousCaller } from './anonymous-caller.ts';
import { isSameOrigin, proofOf, readCookie, readCredential, sessionCookie } from './credentials.ts';
import type { HttpHostOptions, LimitVerdict, RateRule } from './http-options.ts';
import { isFromApp, isFromPage, pageProofHeader, pageProofParameter, requireWindow } from './page-proof.ts';

/** Tokens for the operations of this door name this audience. */
const apiResource = '/api/v1';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Authentication, protection against cross-site writes and the request limit, in front of every operation. */
export class RequestGuard {
  readonly #options: HttpHostOptions;

  constructor(options: HttpHostOptions) {
    this.#options = options;
  }

  /** A page is asked for by its address, and is no place for a proof that only pages carry. */
  async admitToPage(request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
    requireWindow(request.headers);
    await this.#limit(reply, `ip:${addressKey(request.ip)}`, this.#options.rate_rules().address);
    return (await this.#leniently(() => this.#identify(request))) ?? anonymousCaller;
  }

  async admit(request: FastifyRequest, reply: FastifyReply, isPublic: boolean): Promise<Caller> {
    const { exchange } = request;
    if (isPublic) {
      await this.#limit(reply, `ip:${addressKey(request.ip)}`, this.#options.rate_rules().address);
      const proven = this.#takeProof(request);
      if (!proven) return anonymousCaller;
      return (await this.#leniently(() => this.#identify(request))) ?? anonymousCaller;
    }
    if (!this.#takeProof(request))
      throw new AppError(
        'csrf_rejected',
        'The cookie counts only with the value that the dashboard carries; reload it.',
      );
    const caller = await this.#identify(request);
    if (caller === null) {
      // Guessing tokens is limited by address: a guess has no principal to count.
      if (exchange.credential !== null)
        await this.#limit(reply, `ip:${addressKey(request.ip)}`, this.#options.rate_rules().address);
      throw new AppError(
        'unauthorized',
        exchange.credential === null ? 'Send a credential as `Authorization: Bearer TOKEN`.' : undefined,
      );
    }
    const pending = this.#limit(reply, `principal:${caller.id}`, this.#options.rate_rules().principal);
    if (pending !== undefined) await pending;
    return caller;
  }

  /**
   * True when the request may be made with what it brings: a cookie from a page needs the proof of the dashboard. Takes
   * the proof out of the query, where it is no member of any operation.
   */
  #takeProof(request: FastifyRequest): boolean {
    const { headers } = request;
    const query = request.query as Record<string, unknown> | undefined;
    const inQuery = query?.[pageProofParameter];
    if (inQuery !== undefined) delete query![pageProofParameter];
    if (headers.authorization !== undefined || headers['x-api-key'] !== undefined || !isFromPage(headers)) return true;
    const token = readCookie(headers.cookie, sessionCookie);
    if (token === null) return true;
    if (isFromApp(headers)) return false;
    const given = headers[pageProofHeader] ?? (request.method === 'GET' ? inQuery : undefined);
    return this.#options.config.page_proofs.fits(token, given);
  }

  /** For public operations: a dead credential must not keep anybody from signing in again. */
  async #leniently(identify: () => Promise<Caller | null>): Promise<Caller | null> {
    try {
      return await identify();
    } catch (error) {
      if (error instanceof AppError && error.status === 401) return null;
      throw error;
    }
  }

  async #identify(request: FastifyRequest): Promise<Caller | null> {
    const credential = readCredential(request.headers);
    if (credential === null) return null;
    request.exchange.credential = credential;
    const publicUrl = this.#options.config.public_url();
    if (credential.via === 'cookie' && !safeMethods.has(request.method) && !isSameOrigin(request.headers, publicUrl)) {
      throw new AppError('csrf_rejected');
    }
    return this.#options.authenticate(credential.token, {
      via: credential.via,
      resource: `${publicUrl}${apiResource}`,
      ip: request.ip,
      user_agent: request.headers['user-agent'] ?? null,
      proof: proofOf(request, credential, publicUrl, this.#options.config.certificate_of(request.raw)),
    });
  }

  /** Nothing to wait for when the limiter answers at once. */
  #limit(reply: FastifyReply, key: string, rule: RateRule | null): Promise<void> | undefined {
    if (rule === null) return undefined;
    const verdict = this.#options.limiter.take(key, rule);
    if (verdict instanceof Promise) return verdict.then((v) => this.#tell(reply, v));
    this.#tell(reply, verdict);
    return undefined;
  }

  #tell(reply: FastifyReply, verdict: LimitVerdict): void {
    reply.header('x-ratelimit-limit', verdict.limit);
    reply.header('x-ratelimit-remaining', verdict.remaining);
    reply.header('x-ratelimit-reset', verdict.reset_s);
    if (verdict.allowed) return;
    const wait = Math.max(1, Math.ceil(verdict.reset_s));
    throw new AppError('rate_limited', `Too many requests; wait ${wait} s.`, {
      extensions: { retry_after: wait, limit: verdict.limit },
    });
  }
}
