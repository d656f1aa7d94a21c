import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { plainResponse } from '../../../platform/http/upgrade-router.ts';
import { keepAlive } from '../../../platform/net/keep-alive.ts';
import { TargetRefused } from '../../../platform/net/target-guard.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import type { Verdict, Visitor } from '../gate.ts';
import type { TargetSnapshot } from '../snapshot.ts';
import type { AnswerHead } from './answer-head.ts';
import type { FilterResult } from './filters.ts';
import { TunnelIntake } from './intake.ts';
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
import { type OwnAnswer, sendOwnAnswer, sendOwnPage, sendRedirect } from './own-answers.ts';
import { changeHeaders, passesThrough, requestHeaders } from './request-headers.ts';
import { headerOf, responseHeaders } from './response-headers.ts';
import type { Running } from './running.ts';
import { type AnswerHandler, UpstreamConnection } from './upstream-connection.ts';

const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** After one side has said that it sends no more. */
const halfClosed = 1000;

const isWebSocket = (request: IncomingMessage): boolean =>
  request.method === 'GET' &&
  request.headers.upgrade?.toLowerCase() === 'websocket' &&
  request.headers['sec-websocket-key'] !== undefined;

/** A browser sends cookies with sockets that any page opens, and says in Origin which page that was. */
const fromElsewhere = ({ request, arrival }: Matched, visitor: Visitor): boolean => {
  const { headers } = request;
  const known = visitor.caller !== null || visitor.share_id !== null;
  if (!known || headers.authorization !== undefined || headers['x-api-key'] !== undefined) return false;
  return headers.origin?.toLowerCase() !== `${arrival.scheme}://${arrival.authority}`.toLowerCase();
};

/** A WebSocket between a client and an app: the handshake is ours, the bytes after it are theirs. */
export class Tunnel implements Running {
  readonly endless = true;
  before: Running | null = null;
  after: Running | null = null;
  readonly #lane: LaneContext;
  readonly #matched: Matched<IncomingMessage>;
  readonly #socket: Socket;
  readonly #head: Buffer;
  readonly #response: ServerResponse;
  readonly #started = performance.now();
  #visitor: Visitor | null = null;
  #target: TargetSnapshot | null = null;
  #upstream: Socket | null = null;
  #asking: UpstreamConnection | null = null;
  #timer: NodeJS.Timeout | null = null;
  #unwatch: (() => void) | null = null;
  #state: 'asking' | 'open' | 'over' = 'asking';
  #outcome: Outcome = 'ok';
  #status = 101;
  #repeats = 0;
  readonly #tried = new Set<TargetSnapshot>();
  #base = { in: 0, out: 0 };
  #changes: Readonly<Record<string, string | null>> = {};
  #requestChanges: Readonly<Record<string, string | null>> = {};
  #ownHeaders: readonly (readonly [string, string])[] = [];

  constructor(lane: LaneContext, matched: Matched<IncomingMessage>, socket: Duplex, head: Buffer) {
    this.#lane = lane;
    this.#matched = matched;
    this.#socket = socket as Socket;
    this.#head = head;
    this.#response = plainResponse(matched.request, socket);
  }

  get route_id(): string {
    return this.#matched.route.id;
  }

  begin(): void {
    const { request, route } = this.#matched;
    this.#lane.running.enter(this);
    this.#socket.on('close', this.#closed);
    if (!isWebSocket(request)) {
      this.#own({ status: 400, code: 'bad_request', detail: 'Only WebSocket may be upgraded to.' });
      return;
    }
    if (passesThrough(request, this.#lane.via) >= 2) {
      this.#own({ status: 508, code: 'gateway_loop', detail: 'A target of this route leads back to this server.' });
      return;
    }
    try {
      const asked = gateRequestOf(this.#matched, true);
      const verdict = this.#lane.gate.own(asked, route) ?? this.#lane.gate.decide(asked, route);
      if (verdict instanceof Promise) verdict.then((given) => this.#safely(() => this.#judge(given)), this.#broke);
      else this.#judge(verdict);
    } catch (error) {
      this.#broke(error);
    }
  }

  sweep(): void {
    // No clock of silence: sockets may be quiet for hours.
  }

  end(reason: Outcome & ('drained' | 'revoked')): void {
    if (this.#state === 'over') return;
    this.#outcome = reason;
    if (this.#state === 'open') {
      if (reason === 'revoked') this.#destroy();
      else {
        this.#upstream?.end();
        this.#socket.end();
        this.#closeSoon();
      }
      return;
    }
    this.#asking?.destroy();
    this.#fail(reason);
  }

  #judge(verdict: Verdict): void {
    if (this.#state !== 'asking') return;
    const { request, route } = this.#matched;
    switch (verdict.kind) {
      case 'allow':
        this.#visitor = verdict.visitor;
        this.#ownHeaders = verdict.set_headers ?? [];
        if (fromElsewhere(this.#matched, verdict.visitor))
          this.#own({
            status: 403,
            code: 'csrf_rejected',
            detail: 'This socket was opened by a page of another origin.',
          });
        else if (!route.websockets || route.kind !== 'http')
          this.#own({ status: 403, code: 'permission_denied', detail: 'This route has no WebSockets.' });
        else this.#filter(verdict.visitor);
        break;
      case 'redirect':
        this.#status = verdict.status;
        sendRedirect(request, this.#response, verdict.status, verdict.location, verdict.set_headers ?? []);
        break;
      case 'page':
        this.#status = verdict.status;
        sendOwnPage(request, this.#response, verdict.status, verdict.html, verdict.set_headers ?? []);
        break;
      case 'refuse':
        this.#own({
          status: verdict.status,
          code: verdict.code as OwnAnswer['code'],
          detail: verdict.detail,
          ...(verdict.headers === undefined ? {} : { headers: verdict.headers }),
        });
        break;
    }
  }

  #filter(visitor: Visitor): void {
    const { request, route, base, read, arrival } = this.#matched;
    const path = rewriteFacts(this.#matched, route.targets[0]!, visitor).path;
    const result = this.#lane.filters.apply({
      ...{ route, visitor, address: arrival.address, path, query: read.query, prefix: mountOf(base) },
      authorization: request.headers.authorization,
    });
    const go = (passed: FilterResult): void => {
      if (this.#state !== 'asking') return;
      if (passed.kind === 'answer') this.#own(passed.answer);
      else if (passed.kind === 'redirect') {
        this.#status = passed.status;
        sendRedirect(request, this.#response, passed.status, passed.location, []);
      } else {
        this.#changes = passed.response;
        this.#requestChanges = passed.request;
        this.#connect(visitor).catch(this.#broke);
      }
    };
    if (result instanceof Promise) result.then((passed) => this.#safely(() => go(passed)), this.#broke);
    else go(result);
  }

  async #connect(visitor: Visitor): Promise<void> {
    const { request, route, read, request_id, arrival } = this.#matched;
    const { balancer, links, rewriter, via } = this.#lane;
    const target = balancer.choose(route, request.headers.cookie, this.#tried);
    if (target === null) {
      this.#fail('unhealthy');
      return;
    }
    this.#target = target;
    let headers = requestHeaders({
      ...{ request, arrival, route, target, visitor, request_id, via },
      prefix: prefixOf(this.#matched),
      upgrade: true,
      origin: this.#lane.public_url(),
    });
    if (rewriter !== null) headers = rewriter.request(headers, rewriteFacts(this.#matched, target, visitor));
    headers = changeHeaders(headers, this.#requestChanges);
    const intake = new TunnelIntake();
    let upstream: Socket;
    try {
      upstream = await links.of(route, target).dial(route.timeouts.connect_websocket, intake);
    } catch (error) {
      this.#notDialled(error, target, visitor);
      return;
    }
    if (this.#state !== 'asking' || this.#socket.destroyed) {
      upstream.destroy();
      return;
    }
    upstream.allowHalfOpen = true;
    this.#upstream = upstream;
    const asking = new UpstreamConnection(upstream, (connection) => connection.destroy());
    this.#asking = asking;
    intake.begin(asking.data);
    if (route.timeouts.head > 0) this.#timer = setTimeout(() => this.#late(), route.timeouts.head);
    const path = target.base_path + sentPath(this.#matched) + read.query;
    asking.send({ method: 'GET', path, headers, shared: null, body: null, upgrade: true }, this.#answers(intake));
  }

  /** What becomes of the request for an upgrade. */
  #answers(intake: TunnelIntake): AnswerHandler {
    const { route } = this.#matched;
    return {
      onUpgraded: (answer, first) => this.#safely(() => this.#opened(answer, intake, first)),
      onResponseStart: (controller, status, _headers, reason) => {
        if (status >= 200) this.#safely(() => this.#declined(status, reason ?? '', controller.rawHeaders as string[]));
      },
      onResponseData: (controller, part) => {
        if (this.#response.write(part)) return;
        controller.pause();
        this.#response.once('drain', () => controller.resume());
      },
      onResponseEnd: () => this.#response.end(),
      onResponseError: (_controller, error) => {
        if (this.#state !== 'asking') return;
        if (this.#response.headersSent) {
          this.#destroy();
          return;
        }
        this.#lane.health.failed(route.id, this.#target!.url, outcomeOf(error));
        this.#fail(outcomeOf(error));
      },
    };
  }

  #notDialled(error: unknown, target: TargetSnapshot, visitor: Visitor): void {
    const { route } = this.#matched;
    const outcome = outcomeOf(error);
    if (error instanceof TargetRefused) this.#lane.on_target_refused(route, error);
    this.#lane.health.failed(route.id, target.url, outcome);
    if (this.#state !== 'asking') return;
    this.#tried.add(target);
    this.#repeats += 1;
    if (this.#repeats > 1 || outcome === 'target_refused') this.#fail(outcome);
    else this.#connect(visitor).catch(this.#broke);
  }

  #late(): void {
    if (this.#state !== 'asking') return;
    this.#asking?.destroy();
    this.#fail('timeout');
  }

  /** The app answered, but not with an upgrade: the client gets that answer. */
  #declined(status: number, reason: string, raw: readonly string[]): void {
    if (this.#state !== 'asking' || this.#response.headersSent) return;
    this.#settled();
    this.#status = status;
    const headers = responseHeaders(raw, {
      sharedOrigin: this.#matched.arrival.host === '',
      origin: this.#lane.public_url(),
    });
    headers.push('x-request-id', this.#matched.request_id, 'connection', 'close');
    this.#response.writeHead(status, reason, headers);
  }

  #opened(answer: AnswerHead, intake: TunnelIntake, first: Buffer): void {
    const { request, route, arrival } = this.#matched;
    const upstream = this.#upstream!;
    if (this.#state !== 'asking') {
      upstream.destroy();
      return;
    }
    this.#settled();
    const expected = createHash('sha1').update(`${request.headers['sec-websocket-key']}${magic}`).digest('base64');
    const agreed =
      headerOf(answer.raw, 'upgrade')?.toLowerCase() === 'websocket' &&
      /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(headerOf(answer.raw, 'connection') ?? '') &&
      headerOf(answer.raw, 'sec-websocket-accept') === expected;
    if (!agreed) {
      upstream.on('error', () => undefined);
      upstream.destroy();
      this.#fail('bad_gateway');
      return;
    }
    this.#lane.health.succeeded(route.id, this.#target!.url);
    let headers = responseHeaders(answer.raw, {
      sharedOrigin: arrival.host === '',
      origin: this.#lane.public_url(),
    });
    const { rewriter } = this.#lane;
    if (rewriter !== null)
      headers = rewriter.head(101, headers, rewriteFacts(this.#matched, this.#target!, this.#visitor!));
    headers = changeHeaders(headers, this.#changes);
    for (const [name, value] of this.#ownHeaders) headers.push(name, value);
    headers.push('x-request-id', this.#matched.request_id, 'connection', 'Upgrade', 'upgrade', 'websocket');
    this.#join(upstream, intake, first, headers);
  }

  #join(upstream: Socket, intake: TunnelIntake, first: Buffer, headers: readonly string[]): void {
    const socket = this.#socket;
    this.#state = 'open';
    // It has nothing more to do, and holds the head of the answer.
    this.#asking = null;
    this.#response.detachSocket(socket);
    this.#lane.metrics.tunnelOpened();
    let head = 'HTTP/1.1 101 Switching Protocols\r\n';
    for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
    socket.setTimeout(0);
    socket.setNoDelay(true);
    keepAlive(socket);
    upstream.setNoDelay(true);
    upstream.on('error', () => this.#destroy());
    upstream.on('close', () => this.#destroy());
    socket.cork();
    socket.write(`${head}\r\n`, 'latin1');
    if (first.length > 0) socket.write(first);
    process.nextTick(() => socket.uncork());
    if (this.#head.length > 0) upstream.write(this.#head);
    this.#base = { in: socket.bytesRead - this.#head.length, out: socket.bytesWritten - first.length };
    // The end of one side is handed on as such: half a connection may go on.
    socket.pipe(upstream);
    intake.begin(
      (bytes) => {
        if (socket.writable && !socket.write(bytes)) upstream.pause();
      },
      (text) => {
        if (socket.writable && !socket.write(text, 'latin1')) upstream.pause();
      },
    );
    socket.on('drain', () => upstream.resume());
    upstream.once('end', () => socket.end());
    socket.once('end', this.#closeSoon);
    upstream.once('end', this.#closeSoon);
    this.#unwatch = this.#visitor!.watch(() => this.end('revoked'));
    // It ended before the answer was here.
    if (socket.destroyed) this.#destroy();
  }

  readonly #closeSoon = (): void => {
    this.#timer ??= setTimeout(() => this.#destroy(), halfClosed).unref();
  };

  #settled(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #destroy(): void {
    this.#upstream?.destroy();
    // What was written to it before is sent first.
    if (this.#socket.writableLength > 0 && !this.#socket.destroyed && this.#outcome !== 'revoked')
      this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #fail(outcome: Outcome): void {
    this.#own(failureAnswer(outcome));
    this.#outcome = outcome;
  }

  #own(answer: OwnAnswer): void {
    if (this.#state !== 'asking' || this.#response.headersSent) return;
    this.#settled();
    this.#status = answer.status;
    this.#outcome = 'refused';
    this.#upstream?.destroy();
    const at = { public_url: this.#lane.public_url(), request_id: this.#matched.request_id };
    sendOwnAnswer(this.#matched.request, this.#response, answer, at);
  }

  #safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#broke(error);
    }
  }

  readonly #broke = (error: unknown): void => {
    this.#lane.on_error(error, { request_id: this.#matched.request_id, route_id: this.route_id });
    if (this.#state === 'asking') this.#own(brokenAnswer);
    else this.#destroy();
    this.#outcome = 'unknown';
  };

  readonly #closed = (): void => {
    if (this.#state === 'over') return;
    const wasOpen = this.#state === 'open';
    if (!wasOpen && !this.#response.writableFinished && this.#outcome === 'ok') {
      this.#outcome = 'client_closed';
      this.#status = 499;
    }
    this.#state = 'over';
    this.#settled();
    this.#unwatch?.();
    this.#asking?.destroy();
    this.#upstream?.destroy();
    this.#lane.running.leave(this);
    this.#record(wasOpen);
  };

  #record(wasOpen: boolean): void {
    const { route, request, arrival, read, request_id } = this.#matched;
    const took = performance.now() - this.#started;
    const bytesIn = wasOpen ? this.#socket.bytesRead - this.#base.in : 0;
    const bytesOut = wasOpen ? Math.max(0, this.#socket.bytesWritten - this.#base.out) : 0;
    if (wasOpen) this.#lane.metrics.tunnelClosed(took / 1000, bytesIn, bytesOut, this.#outcome === 'revoked');
    this.#lane.metrics.request(route.app.slug, this.#status, this.#outcome, took / 1000, bytesIn, bytesOut);
    const caller = this.#visitor?.caller ?? null;
    this.#lane.access({
      id: request_id,
      at: Date.now(),
      owner: ownerOf(route),
      principal: caller === null ? null : actorOf(caller),
      address: arrival.address,
      method: request.method ?? '',
      host: arrival.authority,
      path: read.path,
      status: this.#status,
      outcome: this.#outcome,
      bytes_in: bytesIn,
      bytes_out: bytesOut,
      duration_ms: took,
      target: this.#target?.url ?? null,
    });
  }
}
