import type { Duplex, Readable, Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import { type AnswerLines, answerLines } from '../../../platform/http/fast/answer-lines.ts';
import type { PassedResponse } from '../../../platform/http/passing.ts';
import { StreamResponse } from '../../../platform/http/stream-exchange.ts';
import { TargetRefused } from '../../../platform/net/target-guard.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import type { Verdict, Visitor } from '../gate.ts';
import type { TargetSnapshot } from '../snapshot.ts';
import type { AnswerHead } from './answer-head.ts';
import type { RewriteFacts } from './answer-rewriter.ts';
import type { Kept, Recording } from './cache/answer-cache.ts';
import { CacheTurn } from './cache/cache-turn.ts';
import { compressed } from './compressing.ts';
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
import { BodyCopy } from './mirror.ts';
import { brokenAnswer, failureAnswer, type Outcome, outcomeOf } from './outcome.ts';
import { bodyIsUnread, type OwnAnswer, sendBytes, sendOwnAnswer, sendOwnPage, sendRedirect } from './own-answers.ts';
import { BodyTooLarge, RequestBody } from './request-body.ts';
import { changeHeaders, type Forwarding, passesThrough, requestHeaders, sharedHeaders } from './request-headers.ts';
import { headerOf, responseHeaders } from './response-headers.ts';
import type { Running } from './running.ts';
import { Spool } from './spool.ts';
import { OtherProtocol, type TargetLink } from './target-links.ts';
import { UpstreamConnection } from './upstream-connection.ts';

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
  /** What the body of the answer goes through, first to last. */
  #stages: Duplex[] = [];
  /** The whole of a request that is taken in before it is sent. */
  #intake: { body: RequestBody; spool: Spool } | null = null;
  #turn: CacheTurn | null = null;
  #recording: Recording | null = null;
  /** What is given from the cache. */
  #source: Readable | null = null;
  /** The client gets its answer from elsewhere; what the app still says goes nowhere. */
  #detached = false;
  #conditions: Readonly<Record<string, string | null>> | null = null;
  /** Of the circuit breaker; null while it was not asked. */
  #trial: boolean | null = null;
  #upstreamStatus = 0;
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
    if (route.cache && this.#isFromCache(visitor)) return;
    if (route.filters.length > 0 && !this.#passesCircuit()) return;
    // Until now nothing of the body was asked for.
    if (this.#expects && this.#response.socket !== null) this.#response.writeContinue();
    if (route.buffering && this.#hasBody) this.#takeIn(visitor);
    else this.#send(visitor);
  }

  get #hasBody(): boolean {
    const { headers } = this.#matched.request;
    return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  }

  /** True when the app need not be asked. */
  #isFromCache(visitor: Visitor): boolean {
    this.#turn = new CacheTurn(this.#lane.cache, this.#matched, visitor);
    const plan = this.#turn.plan(this.#hasBody);
    if (plan.kind === 'serve') this.#serve(plan.entry);
    else if (plan.kind === 'not_cached') this.#fail('not_cached');
    else {
      this.#conditions = plan.headers;
      return false;
    }
    return true;
  }

  /** False when the circuit of the route is open and the client has its answer. */
  #passesCircuit(): boolean {
    const { wait_ms, trial } = this.#lane.circuits.enter(this.#matched.route, performance.now());
    if (wait_ms === 0) {
      this.#trial = trial;
      return true;
    }
    if (this.#standsIn()) return false;
    const headers = [['retry-after', String(Math.ceil(wait_ms / 1000))]] as const;
    this.#own({ ...failureAnswer('circuit_open'), headers });
    this.#outcome = 'circuit_open';
    return false;
  }

  /** The body is taken in first, so that a slow client keeps no connection of the app; as much of it as there is room for. */
  #takeIn(visitor: Visitor): void {
    const { request, route } = this.#matched;
    const spool = new Spool(this.#lane.spools);
    const body = new RequestBody(request, route.max_body);
    this.#intake = { body, spool };
    this.#body = body;
    this.#phase = 'sending';
    this.#at = this.#lane.running.now;
    let begun = false;
    const go = (): void => {
      if (begun || this.#phase === 'over' || this.#dropped) return;
      begun = true;
      this.#safely(() => this.#send(visitor));
    };
    body.on('error', (error) => {
      // Of a client that went away its connection tells.
      if (error instanceof BodyTooLarge) this.#cut('too_large');
    });
    spool.on('error', (error) => this.#broke(error));
    spool.once('finish', go).once('full', go);
    body.pipe(spool);
  }

  /* ---------- to the app ---------- */

  #send(visitor: Visitor): void {
    const { request, route, read, request_id, arrival } = this.#matched;
    const { balancer, links, rewriter, via } = this.#lane;
    const target = balancer.choose(route, request.headers.cookie, this.#tried ?? untried);
    if (target === null) {
      this.#fail('unhealthy');
      return;
    }
    this.#target = target;
    this.#facts = rewriter === null ? null : rewriteFacts(this.#matched, target, visitor);
    const facts: Forwarding = {
      request,
      arrival,
      route,
      target,
      visitor,
      request_id,
      via,
      prefix: prefixOf(this.#matched),
      upgrade: false,
      origin: this.#lane.public_url(),
    };
    const alone =
      this.#requestChanges !== null || this.#conditions !== null || route.buffering || route.mirrors.length > 0;
    let shared = alone ? null : sharedHeaders(facts);
    let headers: string[] = [];
    if (shared === null || rewriter !== null) {
      const made = shared === null ? requestHeaders(facts) : shared.with(request_id);
      headers = rewriter !== null && this.#facts !== null ? rewriter.request(made, this.#facts) : made;
      if (this.#requestChanges !== null) headers = changeHeaders(headers, this.#requestChanges);
      if (this.#conditions !== null) headers = changeHeaders(headers, this.#conditions);
      if (headers !== made) shared = null;
    }
    const sent = { method: request.method ?? 'GET', path: sentPath(this.#matched) + read.query };
    this.#body = this.#bodyFor(headers, sent);
    this.#link = links.of(route, target);
    this.#link.running += 1;
    balancer.began(route, target);
    this.#phase = 'connecting';
    this.#sent = false;
    this.#answered = false;
    this.#controller = null;
    this.#link.dispatch(
      {
        method: sent.method,
        path: target.base_path + sent.path,
        headers: shared === null ? headers : none,
        shared: shared === null ? null : { headers: shared, request_id },
        body: this.#body,
      },
      this,
      request.fast === true,
    );
  }

  /** The body as the app gets it, and copies for mirrors once they are whole. */
  #bodyFor(headers: string[], sent: { method: string; path: string }): RequestBody | null {
    const { request, route } = this.#matched;
    const { mirrors } = this.#lane;
    const copies = route.mirrors.length > 0 && this.#repeats === 0 ? mirrors.chosen(route) : [];
    const copy =
      copies.length > 0 && this.#hasBody ? new BodyCopy(Math.max(...copies.map((one) => one.max_body))) : null;
    const mirror = (): void => {
      for (const one of copies) mirrors.send(route, one, { ...sent, headers, body: copy });
    };
    if (!this.#hasBody) {
      mirror();
      return null;
    }
    const spool = this.#intake?.spool ?? null;
    // Known by now, which spares the app the chunks.
    if (spool?.writableFinished === true && headerOf(headers, 'content-length') === null)
      headers.push('content-length', String(spool.bytes));
    const body = new RequestBody(spool ?? request, spool === null ? route.max_body : 0, (chunk) => copy?.add(chunk));
    if (copy !== null) body.once('end', mirror);
    return body;
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
    const { route, arrival } = this.#matched;
    const target = this.#target!;
    this.#lane.health.succeeded(route.id, target.url);
    this.#upstreamStatus = status;
    if (controller instanceof UpstreamConnection && this.#passesOn(controller.answer!)) return;
    const headers = responseHeaders((controller.rawHeaders ?? []) as (Buffer | string)[], {
      sharedOrigin: arrival.host === '',
      origin: this.#lane.public_url(),
    });
    const reason = plainReason.test(statusText ?? '') ? statusText! : '';
    if (this.#turn !== null) {
      const kept = this.#turn.answered(status, reason, headers, target);
      if (kept.serve !== null) {
        this.#detached = true;
        this.#serve(kept.serve);
        return;
      }
      this.#recording = kept.recording;
    }
    this.#head(status, reason, headers, null);
    if (this.#stages.length > 0) this.#join(() => controller.abort(nobodyWaits));
    // An event may be long in coming; that there will be some must be known at once.
    if (this.#eventStream) response.write(nothing);
  }

  /** True when the client got the head of the answer as every client gets it: nothing of it depends on the request. */
  #passesOn(answer: AnswerHead): boolean {
    const { route, arrival, request, request_id } = this.#matched;
    const response = this.#response;
    if (response.writeLines === undefined || this.#turn !== null) return false;
    if (this.#changes !== null || this.#ownHeaders !== undefined || !request.complete) return false;
    if (route.compress || route.buffering || route.strategy === 'sticky') return false;
    const lines = passedLines(answer, this.#lane, { shared_origin: arrival.host === '', rewrite: route.rewrite });
    if (lines === null) return false;
    response.writeLines(lines, request_id);
    this.#phase = 'body';
    this.#at = this.#lane.running.now;
    return true;
  }

  /** Writes the head of an answer, of the app or kept of it, and makes ready what its body goes through. */
  #head(status: number, reason: string, given: string[], kept: Kept | null): void {
    const response = this.#response;
    const { route, arrival, request, base } = this.#matched;
    const { rewriter, balancer } = this.#lane;
    const target = this.#target;
    let headers = given;
    const stages: (Duplex | Transform | null)[] = [];
    if (rewriter !== null && this.#facts !== null) {
      headers = rewriter.head(status, headers, this.#facts);
      stages.push(rewriter.body(status, headers, this.#facts));
    }
    if (this.#changes !== null) headers = changeHeaders(headers, this.#changes);
    // Only chunks have trailers; Node refuses to announce them elsewhere.
    const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
    if ((bodiless || headerOf(headers, 'content-length') !== null) && headerOf(headers, 'trailer') !== null)
      headers = changeHeaders(headers, { trailer: null });
    this.#eventStream = (headerOf(headers, 'content-type') ?? '').startsWith('text/event-stream');
    if (route.compress) {
      const { 'accept-encoding': accept, 'cache-control': control, 'if-none-match': tags } = request.headers;
      const asked = { accept_encoding: textOf(accept), cache_control: control, if_none_match: tags };
      const change = compressed(status, headers, asked);
      headers = change.headers;
      if (!bodiless) stages.push(change.body?.() ?? null);
    }
    if (route.buffering && !bodiless && !this.#eventStream && kept === null) stages.push(new Spool(this.#lane.spools));
    if (this.#turn !== null) {
      headers = this.#turn.withStatus(headers, kept);
      this.#lane.metrics.cached(this.#turn.result(kept));
    }
    const stay =
      target === null || kept !== null
        ? null
        : balancer.cookieFor(route, target, request.headers.cookie, {
            path: base,
            secure: arrival.scheme === 'https',
          });
    if (stay !== null) headers.push('set-cookie', stay);
    if (this.#ownHeaders !== undefined) for (const [name, value] of this.#ownHeaders) headers.push(name, value);
    headers.push('x-request-id', this.#matched.request_id);
    // The app answered before it had the whole body, which it may never read.
    if (kept === null ? !request.complete : bodyIsUnread(request)) headers.push('connection', 'close');
    this.#stages = stages.filter((stage) => stage !== null);
    response.writeHead(status, reason, headers);
    this.#phase = 'body';
    this.#at = this.#lane.running.now;
  }

  /** Gives what is kept. The client sees no difference but that it is told. */
  #serve(kept: Kept): void {
    const turn = this.#turn!;
    const { request } = this.#matched;
    const { rewriter } = this.#lane;
    if (rewriter !== null && this.#visitor !== null) {
      // It learns here what is asked for, as it does before an app is.
      this.#facts = rewriteFacts(this.#matched, kept.target, this.#visitor);
      rewriter.request([...request.rawHeaders], this.#facts);
    }
    const { status, headers } = turn.head(kept);
    const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
    if (bodiless || kept.body !== null) {
      this.#head(status, status === kept.status ? kept.reason : '', headers, kept);
      this.#give(bodiless ? null : kept.body);
      return;
    }
    this.#lane.cache.open(kept).then(
      (source) =>
        this.#safely(() => {
          if (this.#phase === 'over') return void source?.destroy();
          // Somebody removed its file. The app is asked as if nothing had been kept, unless it was just now.
          if (source === null)
            return this.#detached ? this.#own(failureAnswer('bad_gateway')) : this.#forward(this.#visitor!);
          this.#source = source;
          this.#head(status, kept.reason, headers, kept);
          this.#give(source);
        }),
      (error) => this.#broke(error),
    );
  }

  #give(body: Buffer | Readable | null): void {
    const abort = (): void => void this.#source?.destroy();
    if (this.#stages.length > 0) this.#join(abort);
    const sink = (this.#stages[0] ?? this.#response) as PassedResponse & NodeJS.WritableStream;
    if (body === null) sink.end();
    else if (Buffer.isBuffer(body)) {
      this.#bytesOut += body.length;
      sink.end(body);
    } else {
      body.on('data', (chunk: Buffer) => {
        this.#bytesOut += chunk.length;
      });
      body.on('error', (error) => this.#broke(error));
      body.pipe(sink);
    }
  }

  /** True when something that is kept stands in for the app. */
  #standsIn(): boolean {
    const kept = this.#response.headersSent ? null : (this.#turn?.standIn() ?? null);
    if (kept === null) return false;
    this.#detached = true;
    this.#serve(kept);
    return true;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#detached) return;
    this.#bytesOut += chunk.length;
    this.#at = this.#lane.running.now;
    this.#recording?.write(chunk);
    if ((this.#stages[0] ?? this.#response).write(chunk)) return;
    this.#paused = true;
    controller.pause();
    if (this.#listensToDrain) return;
    this.#listensToDrain = true;
    (this.#stages[0] ?? this.#response).on('drain', () => this.#drained());
  }

  onBytesTaken(): boolean {
    return this.#detached || (this.#stages.length === 0 && this.#response.isTaken?.() === true);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#release();
    if (this.#phase === 'over' || this.#detached) return;
    this.#recording?.commit();
    this.#recording = null;
    const trailers = (controller.rawTrailers ?? []) as (Buffer | string)[];
    if (trailers.length > 0) {
      const pairs: [string, string][] = [];
      for (let at = 0; at < trailers.length; at += 2)
        pairs.push([latin1Of(trailers[at]!), latin1Of(trailers[at + 1]!)]);
      this.#response.addTrailers(pairs);
    }
    const sink = this.#stages[0] ?? this.#response;
    if (sink === this.#response && this.#response.finish !== undefined) this.#response.finish();
    else sink.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#release();
    if (this.#phase === 'over' || this.#dropped || this.#detached) return;
    if (error instanceof BodyTooLarge) this.#cut('too_large');
    else if (this.#phase === 'body') this.#cut(outcomeOf(error));
    else this.#unanswered(error);
  }

  #join(abort: () => void): void {
    for (const [index, stage] of this.#stages.entries()) {
      stage.on('error', (error) => {
        this.#lane.on_error(error, { request_id: this.#matched.request_id, route_id: this.route_id });
        abort();
        this.#cut('bad_gateway');
      });
      stage.pipe(this.#stages[index + 1] ?? (this.#response as PassedResponse & NodeJS.WritableStream));
    }
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
    // What is kept here waits for no app.
    else if (this.#link !== null && !this.#eventStream && over(timeouts.body_idle)) this.#cut('timeout');
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
    this.#intake?.body.destroy();
    this.#intake?.spool.destroy();
    this.#recording?.drop();
    this.#endStages();
  }

  #endStages(): void {
    for (const stage of this.#stages) stage.destroy();
    this.#source?.destroy();
  }

  #fail(outcome: Outcome): void {
    if (appFails.has(outcome) && this.#standsIn()) return;
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
    // Those of what stood in for an app that had been dropped.
    this.#endStages();
    if (this.#trial !== null)
      this.#lane.circuits.left(this.#matched.route, this.#trial, this.#failed, performance.now());
    this.#unwatch?.();
    this.#lane.running.leave(this);
    this.#record(whole ? response.statusCode : this.#outcome === 'client_closed' ? 499 : response.statusCode);
  };

  /** How the app fared; null = it cannot be said. */
  get #failed(): boolean | null {
    if (this.#upstreamStatus >= 500 || appFails.has(this.#outcome)) return true;
    return this.#upstreamStatus === 0 && !this.#detached ? null : this.#detached && this.#upstreamStatus === 0;
  }

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

/** Ends of which the app, or the way to it, is the cause. */
const appFails: ReadonlySet<Outcome> = new Set([
  ...(['bad_gateway', 'timeout', 'connection_refused', 'connection_reset', 'host_unreachable'] as const),
  ...(['network_unreachable', 'broken_pipe', 'connection_aborted', 'dns_error', 'network_error', 'unhealthy'] as const),
]);

/** The head of an answer as clients get it; null where that depends on more than the answer. */
const passedLines = (
  answer: AnswerHead,
  { rewriter, public_url }: Pick<LaneContext, 'rewriter' | 'public_url'>,
  place: { shared_origin: boolean; rewrite: boolean },
): AnswerLines | null => {
  const { shared_origin, rewrite } = place;
  const origin = public_url();
  const known = answer.passed;
  if (known?.shared_origin === shared_origin && known.rewrite === rewrite && known.origin === origin)
    return known.lines;
  const headers = responseHeaders(answer.raw, { sharedOrigin: shared_origin, origin });
  const depends =
    headerOf(headers, 'trailer') !== null ||
    (headerOf(headers, 'content-type') ?? '').startsWith('text/event-stream') ||
    rewriter?.leaves(headers, place) === false;
  const reason = plainReason.test(answer.text) ? answer.text : '';
  const lines = depends ? null : answerLines(answer.status, reason, headers);
  answer.passed = { ...place, origin, lines };
  return lines;
};

const textOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;
const latin1Of = (bytes: Buffer | string): string => (typeof bytes === 'string' ? bytes : bytes.toString('latin1'));
/** The hints that Node takes; another one must not cost the answer that follows it. */
const linkForm = /^<[^<>]*>(?:\s*;\s*[^;"\s]+(?:=(")?[^;"\s]*\1)?)*$/;
/** Beyond ASCII it has no meaning that all readers share, and Node writes no such head. */
const plainReason = /^[\t\x20-\x7e]+$/;
const nothing = Buffer.alloc(0);
const untried: ReadonlySet<TargetSnapshot> = new Set();
const none: readonly string[] = Object.freeze([]);
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
