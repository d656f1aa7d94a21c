import type { Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { PassedResponse } from '../../../platform/http/passing.ts';
import { StreamResponse } from '../../../platform/http/stream-exchange.ts';
import { TargetRefused } from '../../../platform/net/target-guard.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import type { Verdict, Visitor } from '../gate.ts';
import type { TargetSnapshot } from '../snapshot.ts';
import type { RewriteFacts } from './answer-rewriter.ts';
import type { FilterResult } from './filters.ts';
import {
  gateRequestOf,
  type LaneContext,
  type Matched,
  mountOf,
  ownerOf,
  prefixOf,
  rewriteFacts,
  sentPath,
} from './lane-context.ts';
import { brokenAnswer, failureAnswer, type Outcome, outcomeOf } from './outcome.ts';
import { type OwnAnswer, sendBytes, sendOwnAnswer, sendOwnPage, sendRedirect } from './own-answers.ts';
import { BodyTooLarge, RequestBody } from './request-body.ts';
import { changeHeaders, passesThrough, requestHeaders } from './request-headers.ts';
import { headerOf, responseHeaders } from './response-headers.ts';
import type { Running } from './running.ts';
import { OtherProtocol, type TargetLink } from './target-links.ts';

/** Before a right that ended is noticed by a request that takes long. */
const watchAfter = 500;
/** Methods that may be asked again as long as nothing of the answer came. */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS']);

const verdictNames = {
  allow: 'allow',
  redirect: 'sign_in',
  page: 'page',
  refuse: 'refused',
} as const;

/**
 * One request from its head to the end of its answer. It is the handler of undici itself: an object of its own for each
 * attempt, and promises between them, are what other proxies spend their time on.
 */
export class Exchange implements Dispatcher.DispatchHandler, Running {
  before: Running | null = null;
  after: Running | null = null;
  readonly #lane: LaneContext;
  readonly #matched: Matched;
  readonly #response: PassedResponse;
  readonly #expects: boolean;
  readonly #started = performance.now();
  #phase: 'gate' | 'connecting' | 'sending' | 'head' | 'body' | 'over' = 'gate';
  /** When something last moved, by the coarse clock. */
  #at: number;
  #visitor: Visitor | null = null;
  #unwatch: (() => void) | null = null;
  #watched = false;

  #target: TargetSnapshot | null = null;
  #link: TargetLink | null = null;
  #tried: Set<TargetSnapshot> | null = null;
  #repeats = 0;
  #controller: Dispatcher.DispatchController | null = null;
  #body: RequestBody | null = null;
  #facts: RewriteFacts | null = null;
  #transform: Transform | null = null;
  /** Nobody wants the answer of the app any more. */
  #dropped = false;
  #sent = false;
  #answered = false;
  #paused = false;
  #listensToDrain = false;
  #clientClock = false;
  #eventStream = false;

  #outcome: Outcome = 'ok';
  #bytesIn = 0;
  #bytesOut = 0;
  #changes: Readonly<Record<string, string | null>> | null = null;
  #requestChanges: Readonly<Record<string, string | null>> | null = null;
  #ownHeaders: readonly (readonly [string, string])[] | undefined;

  constructor(lane: LaneContext, matched: Matched, response: PassedResponse, expects: boolean) {
    this.#lane = lane;
    this.#matched = matched;
    this.#response = response;
    this.#expects = expects;
    this.#at = lane.running.now;
  }

  get route_id(): string {
    return this.#matched.route.id;
  }

  get endless(): boolean {
    return this.#eventStream;
  }

  begin(): void {
    const { gate, running, via } = this.#lane;
    const { request, route } = this.#matched;
    running.enter(this);
    this.#response.on('close', this.#closed);
    if (passesThrough(request, via) >= 2) {
      this.#own({ status: 508, code: 'gateway_loop', detail: 'A target of this route leads back to this server.' });
      return;
    }
    try {
      const asked = gateRequestOf(this.#matched, false);
      const verdict = gate.own(asked, route) ?? gate.decide(asked, route);
      if (verdict instanceof Promise)
        verdict.then(
          (given) => this.#safely(() => this.#judge(given)),
          (error) => this.#broke(error),
        );
      else this.#judge(verdict);
    } catch (error) {
      this.#broke(error);
    }
  }

  /* ---------- before the app ---------- */

  #safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#broke(error);
    }
  }

  #judge(verdict: Verdict): void {
    if (this.#phase === 'over' || this.#dropped) return;
    this.#lane.metrics.verdict(verdictNames[verdict.kind]);
    const { request } = this.#matched;
    switch (verdict.kind) {
      case 'allow':
        this.#visitor = verdict.visitor;
        this.#ownHeaders = verdict.set_headers;
        this.#filter(verdict.visitor);
        break;
      case 'redirect':
        this.#outcome = 'refused';
        sendRedirect(request, this.#response, verdict.status, verdict.location, verdict.set_headers ?? []);
        break;
      case 'page':
        this.#outcome = 'refused';
        sendOwnPage(request, this.#response, verdict.status, verdict.html, verdict.set_headers ?? []);
        break;
      case 'refuse':
        this.#own({
          status: verdict.status,
          code: verdict.code as OwnAnswer['code'],
          detail: verdict.detail,
          ...(verdict.required === undefined ? {} : { extensions: { required: verdict.required } }),
          ...(verdict.headers === undefined ? {} : { headers: verdict.headers }),
        });
        break;
    }
  }

  #filter(visitor: Visitor): void {
    const { request, route, redirect, base, read, arrival } = this.#matched;
    if (redirect) {
      sendRedirect(request, this.#response, 308, base + read.query, this.#ownHeaders ?? []);
      return;
    }
    if (route.filters.length === 0) {
      this.#forward(visitor);
      return;
    }
    const facts = rewriteFacts(this.#matched, route.targets[0] ?? noTarget, visitor);
    const result = this.#lane.filters.apply({
      ...{ route, visitor, address: arrival.address, path: facts.path, query: read.query, prefix: mountOf(base) },
      authorization: request.headers.authorization,
    });
    if (result instanceof Promise)
      result.then(
        (passed) => this.#safely(() => this.#filtered(passed, visitor)),
        (error) => this.#broke(error),
      );
    else this.#filtered(result, visitor);
  }

  #filtered(result: FilterResult, visitor: Visitor): void {
    if (this.#phase === 'over' || this.#dropped) return;
    const { request } = this.#matched;
    if (result.kind === 'answer') this.#own(result.answer);
    else if (result.kind === 'redirect')
      sendRedirect(request, this.#response, result.status, result.location, this.#ownHeaders ?? []);
    else {
      this.#changes = result.response;
      this.#requestChanges = result.request;
      this.#forward(visitor);
    }
  }

  #forward(visitor: Visitor): void {
    const { request, route } = this.#matched;
    if (route.kind === 'redirect') {
      const kept = request.method === 'GET' || request.method === 'HEAD';
      sendRedirect(request, this.#response, kept ? 302 : 307, route.redirect_to ?? '/', this.#ownHeaders ?? []);
      return;
    }
    if (route.kind === 'not_found') {
      this.#own({ status: 404, code: 'not_found', detail: 'There is nothing here.' });
      return;
    }
    const { headers } = request;
    const length = Number(headers['content-length'] ?? 0);
    if (route.max_body > 0 && length > route.max_body) {
      this.#fail('too_large');
      return;
    }
    const { rewriter } = this.#lane;
    if (rewriter !== null) {
      this.#facts = rewriteFacts(this.#matched, route.targets[0] ?? noTarget, visitor);
      const own = rewriter.own(this.#facts);
      if (own !== null) {
        sendBytes(request, this.#response, own.status, [...own.headers], own.body);
        return;
      }
    }
    // Until now nothing of the body was asked for.
    if (this.#expects && this.#response.socket !== null) this.#response.writeContinue();
    this.#send(visitor);
  }

  /* ---------- to the app ---------- */

  #send(visitor: Visitor): void {
    const { request, route, read, request_id, arrival } = this.#matched;
    const { balancer, links, rewriter, via } = this.#lane;
    const target = balancer.choose(route, request.headers.cookie, this.#tried ?? none);
    if (target === null) {
      this.#fail('unhealthy');
      return;
    }
    this.#target = target;
    this.#facts = rewriter === null ? null : rewriteFacts(this.#matched, target, visitor);
    let headers = requestHeaders({
      ...{ request, arrival, route, target, visitor, request_id, via },
      prefix: prefixOf(this.#matched),
      upgrade: false,
      origin: this.#lane.public_url(),
    });
    if (rewriter !== null && this.#facts !== null) headers = rewriter.request(headers, this.#facts);
    if (this.#requestChanges !== null) headers = changeHeaders(headers, this.#requestChanges);
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
    this.#body = hasBody ? new RequestBody(request, route.max_body) : null;
    this.#link = links.of(route, target);
    this.#link.running += 1;
    balancer.began(route, target);
    this.#phase = 'connecting';
    this.#sent = false;
    this.#answered = false;
    this.#controller = null;
    this.#link.dispatch(
      {
        method: request.method ?? 'GET',
        path: target.base_path + sentPath(this.#matched) + read.query,
        headers,
        body: this.#body,
      },
      this,
      request.fast === true,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#dropped) {
      controller.abort(nobodyWaits);
      return;
    }
    this.#sent = true;
    this.#at = this.#lane.running.now;
    this.#phase = this.#body === null ? 'head' : 'sending';
  }

  onRequestSent(): void {
    if (this.#phase !== 'sending') return;
    this.#at = this.#lane.running.now;
    this.#phase = 'head';
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  /* ---------- back to the client ---------- */

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    parsed: Record<string, string | string[] | undefined>,
    statusText?: string,
  ): void {
    const response = this.#response;
    if (status < 200) {
      const link = [parsed['link'] ?? []]
        .flat()
        .map((one) => one.trim())
        .filter((one) => linkForm.test(one));
      if (status === 103 && link.length > 0) response.writeEarlyHints({ link });
      return;
    }
    const { route, arrival, request, base } = this.#matched;
    const { rewriter, health, balancer } = this.#lane;
    const target = this.#target!;
    health.succeeded(route.id, target.url);
    let headers = responseHeaders((controller.rawHeaders ?? []) as (Buffer | string)[], {
      sharedOrigin: arrival.host === '',
      origin: this.#lane.public_url(),
    });
    if (rewriter !== null && this.#facts !== null) {
      headers = rewriter.head(status, headers, this.#facts);
      this.#transform = rewriter.body(status, headers, this.#facts);
    }
    if (this.#changes !== null) headers = changeHeaders(headers, this.#changes);
    // Only chunks have trailers; Node refuses to announce them elsewhere.
    const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
    if ((bodiless || headerOf(headers, 'content-length') !== null) && headerOf(headers, 'trailer') !== null)
      headers = changeHeaders(headers, { trailer: null });
    this.#eventStream = (headerOf(headers, 'content-type') ?? '').startsWith('text/event-stream');
    const stay = balancer.cookieFor(route, target, request.headers.cookie, {
      path: base,
      secure: arrival.scheme === 'https',
    });
    if (stay !== null) headers.push('set-cookie', stay);
    if (this.#ownHeaders !== undefined) for (const [name, value] of this.#ownHeaders) headers.push(name, value);
    headers.push('x-request-id', this.#matched.request_id);
    // The app answered before it had the whole body, which it may never read.
    if (!request.complete) headers.push('connection', 'close');
    response.writeHead(status, plainReason.test(statusText ?? '') ? statusText! : '', headers);
    this.#phase = 'body';
    this.#at = this.#lane.running.now;
    if (this.#transform === null) {
      // An event may be long in coming; that there will be some must be known at once.
      if (this.#eventStream) response.write(nothing);
    } else this.#pipe(this.#transform, controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytesOut += chunk.length;
    this.#at = this.#lane.running.now;
    if ((this.#transform ?? this.#response).write(chunk)) return;
    this.#paused = true;
    controller.pause();
    if (this.#listensToDrain) return;
    this.#listensToDrain = true;
    (this.#transform ?? this.#response).on('drain', () => this.#drained());
  }

  onBytesTaken(): boolean {
    return this.#transform === null && this.#response.isTaken?.() === true;
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#release();
    if (this.#phase === 'over') return;
    const trailers = (controller.rawTrailers ?? []) as (Buffer | string)[];
    if (trailers.length > 0) {
      const pairs: [string, string][] = [];
      for (let at = 0; at < trailers.length; at += 2)
        pairs.push([latin1Of(trailers[at]!), latin1Of(trailers[at + 1]!)]);
      this.#response.addTrailers(pairs);
    }
    (this.#transform ?? this.#response).end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#release();
    if (this.#phase === 'over' || this.#dropped) return;
    if (error instanceof BodyTooLarge) this.#cut('too_large');
    else if (this.#phase === 'body') this.#cut(outcomeOf(error));
    else this.#unanswered(error);
  }

  #pipe(transform: Transform, controller: Dispatcher.DispatchController): void {
    transform.on('error', (error) => {
      this.#lane.on_error(error, { request_id: this.#matched.request_id, route_id: this.route_id });
      controller.abort(error);
      this.#cut('bad_gateway');
    });
    transform.pipe(this.#response as PassedResponse & NodeJS.WritableStream);
  }

  /** The app gave no head. It may be asked again when that cannot do anything twice. */
  #unanswered(error: Error): void {
    const { request, route } = this.#matched;
    const { health, metrics } = this.#lane;
    const target = this.#target!;
    // The client went away in the middle of its body; that is told when its connection closes.
    if (request.destroyed && !request.complete) return;
    if (error instanceof OtherProtocol) {
      // Its link knows now, so this happens once for each target.
      this.#resend();
      return;
    }
    const outcome = isInvalidRequest(error) ? 'bad_gateway' : outcomeOf(error);
    if (error instanceof TargetRefused) this.#lane.on_target_refused(route, error);
    health.failed(route.id, target.url, outcome);
    const untouched = !this.#sent;
    const again = untouched || (!this.#answered && this.#body === null && repeatable.has(request.method ?? ''));
    if (!again || this.#repeats >= repeatsOf(route) || outcome === 'target_refused') {
      this.#fail(outcome);
      return;
    }
    this.#repeats += 1;
    metrics.retries += 1;
    this.#tried ??= new Set();
    this.#tried.add(target);
    this.#resend();
  }

  #resend(): void {
    this.#body?.destroy();
    try {
      this.#send(this.#visitor!);
    } catch (thrown) {
      this.#broke(thrown);
    }
  }

  /* ---------- ends ---------- */

  sweep(now: number): void {
    if (!this.#watched && this.#visitor !== null && now - this.#started > watchAfter) {
      this.#watched = true;
      this.#unwatch = this.#visitor.watch(() => this.#cut('revoked'));
    }
    const { timeouts } = this.#matched.route;
    const over = (limit: number): boolean => limit > 0 && now - this.#at > limit;
    if (this.#phase === 'sending' && this.#body !== null) {
      if (this.#body.moved) {
        this.#body.moved = false;
        this.#at = now;
      } else if (this.#body.waiting) {
        if (over(timeouts.client_send_idle)) this.#cut('client_timeout');
      } else if (over(timeouts.head)) this.#cut('timeout');
    } else if (this.#phase === 'head') {
      if (over(timeouts.head)) this.#cut('timeout');
    } else if (this.#phase === 'body') this.#sweepBody(now, over);
  }

  #sweepBody(now: number, over: (limit: number) => boolean): void {
    const { timeouts } = this.#matched.route;
    const full = this.#response.writableNeedDrain || this.#response.writableEnded;
    if (full !== this.#clientClock) {
      // Node looks at what the system took, so a client that takes little by little lives on.
      const within = full ? timeouts.client_take_idle : 0;
      if (this.#response instanceof StreamResponse) this.#response.takeWithin(within);
      else this.#response.socket?.setTimeout(within);
      this.#clientClock = full;
      this.#at = now;
    }
    if (full || this.#paused) this.#at = now;
    else if (!this.#eventStream && over(timeouts.body_idle)) this.#cut('timeout');
  }

  end(reason: 'drained' | 'revoked'): void {
    if (this.#phase === 'body' && this.#eventStream && reason === 'drained') {
      this.#outcome = 'drained';
      this.#drop();
      this.#response.end();
    } else this.#cut(reason);
  }

  #drained(): void {
    this.#paused = false;
    this.#controller?.resume();
  }

  /** Ends it in the middle: with an answer while one is possible, else so that the client sees that something lacks. */
  #cut(outcome: Outcome): void {
    if (this.#phase === 'over') return;
    this.#drop();
    if (this.#response.headersSent) {
      this.#outcome = outcome;
      this.#response.destroy();
    } else this.#fail(outcome);
  }

  #drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    // Nothing runs any more once the app has answered in full.
    if (this.#link !== null) this.#controller?.abort(nobodyWaits);
    this.#body?.destroy();
    this.#transform?.destroy();
  }

  #fail(outcome: Outcome): void {
    this.#own(failureAnswer(outcome));
    this.#outcome = outcome;
  }

  #own(answer: OwnAnswer): void {
    if (this.#response.headersSent || this.#response.destroyed) return;
    this.#outcome = 'refused';
    const { request, request_id } = this.#matched;
    // Of a body that was begun nobody reads the rest.
    if (this.#body !== null && !request.complete) this.#response.shouldKeepAlive = false;
    sendOwnAnswer(request, this.#response, answer, { public_url: this.#lane.public_url(), request_id });
  }

  /** Something of ours threw. The client gets an answer, and the process lives on. */
  #broke(error: unknown): void {
    this.#lane.on_error(error, { request_id: this.#matched.request_id, route_id: this.route_id });
    this.#drop();
    if (this.#response.headersSent) this.#response.destroy();
    else this.#own(brokenAnswer);
    this.#outcome = 'unknown';
  }

  #release(): void {
    if (this.#link === null) return;
    this.#link.running -= 1;
    this.#link = null;
    this.#bytesIn += this.#body?.bytes ?? 0;
    if (this.#target !== null) this.#lane.balancer.ended(this.#matched.route, this.#target);
  }

  readonly #closed = (): void => {
    const response = this.#response;
    const whole = response.writableFinished;
    if (!whole && this.#outcome === 'ok') this.#outcome = 'client_closed';
    this.#phase = 'over';
    this.#drop();
    this.#unwatch?.();
    this.#lane.running.leave(this);
    this.#record(whole ? response.statusCode : this.#outcome === 'client_closed' ? 499 : response.statusCode);
  };

  #record(status: number): void {
    const { route, request, arrival, read, request_id } = this.#matched;
    const took = performance.now() - this.#started;
    const bytesIn = this.#link === null ? this.#bytesIn : this.#bytesIn + (this.#body?.bytes ?? 0);
    const caller = this.#visitor?.caller ?? null;
    this.#lane.metrics.request(route.app.slug, status, this.#outcome, took / 1000, bytesIn, this.#bytesOut);
    this.#lane.access({
      id: request_id,
      at: Date.now(),
      owner: ownerOf(route),
      principal: caller === null ? null : actorOf(caller),
      address: arrival.address,
      method: request.method ?? '',
      host: arrival.authority,
      path: read.path,
      status,
      outcome: this.#outcome,
      bytes_in: bytesIn,
      bytes_out: this.#bytesOut,
      duration_ms: took,
      target: this.#target?.url ?? null,
    });
  }
}

const latin1Of = (bytes: Buffer | string): string => (typeof bytes === 'string' ? bytes : bytes.toString('latin1'));
/** The hints that Node takes; another one must not cost the answer that follows it. */
const linkForm = /^<[^<>]*>(?:\s*;\s*[^;"\s]+(?:=(")?[^;"\s]*\1)?)*$/;
/** Beyond ASCII it has no meaning that all readers share, and Node writes no such head. */
const plainReason = /^[\t\x20-\x7e]+$/;
const nothing = Buffer.alloc(0);
const none: ReadonlySet<TargetSnapshot> = new Set();
/** One for all: taking down where it was made costs more than ending a request. */
const nobodyWaits = new Error('nobody waits for the answer');

const noTarget: TargetSnapshot = {
  ...{ url: '', protocol: 'http:', hostname: '', port: 0, base_path: '', weight: 0 },
};

/** Headers that this server took and undici does not. */
const isInvalidRequest = (error: Error): boolean => (error as { code?: string }).code === 'UND_ERR_INVALID_ARG';

const repeatsOf = (route: Matched['route']): number => {
  const filter = route.filters.find(({ kind }) => kind === 'retry');
  return filter?.kind === 'retry' ? filter.attempts : 1;
};
