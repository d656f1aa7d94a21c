import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createStreamServer, type Http2Server } from 'node:http2';
import type { Socket, Server as TcpServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../errors/app-error.ts';
import { BodyDeadlines } from './body-deadlines.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { ErrorAnswers } from './error-answers.ts';
import { FastReader } from './fast/fast-reader.ts';
import type { FastRequest } from './fast/fast-request.ts';
import type { FastResponse } from './fast/fast-response.ts';
import type { Arrival, FrontDoor } from './front-door.ts';
import { hostNameOf, OwnHosts } from './host-names.ts';
import type { HttpHostOptions } from './http-options.ts';
import type { PassedRequest } from './passing.ts';
import { type FormProblem, formProblem, mostHeaders } from './request-form.ts';
import { StreamRequest, StreamResponse } from './stream-exchange.ts';
import { trustedProxies } from './trusted-proxies.ts';
import { isAnswering, plainResponse } from './upgrade-router.ts';

/** Forward-auth: a proxy asks this server about a request to another host, which X-Forwarded-Host names. */
const aboutAnother = /^\/auth\/verify(?:[/?]|$)/;

const tooMany = 'One address may hold so many connections to apps, and holds them.';
const maxHeaderSize = 64 * 1024;
/** HTTP/2: what one connection may ask for at once, and how much it may send that nobody has read yet. */
const streamLimits = {
  settings: {
    enablePush: false,
    maxConcurrentStreams: 128,
    initialWindowSize: 256 * 1024,
    // A head that is too large by little gets an answer that says so; one that is too large by much is reset.
    maxHeaderListSize: maxHeaderSize + 32 * 1024,
  },
  maxHeaderListPairs: mostHeaders + 44,
  maxSessionMemory: 32,
  maxSettings: 16,
  // Streams that are begun to be ended cost work and bring nothing: so many at once, then so many a second.
  streamResetBurst: 200,
  streamResetRate: 50,
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: 50,
};
/** Of the body of a request that the product itself answers. Long answers are not touched by it. */
const ownBodyDeadline = 60_000;

/**
 * What stands before every request: the forms that HTTP allows and this server does not, the rule of host names, and
 * the front door of a module.
 */
export class FrontServer {
  readonly #options: HttpHostOptions;
  readonly #answers: ErrorAnswers;
  readonly #own: OwnHosts;
  readonly #trusted: (address: string) => boolean;
  readonly #trustsNobody: boolean;
  readonly #deadlines: BodyDeadlines;
  readonly #limit: ConnectionLimit;
  #routes: RequestListener = () => undefined;

  constructor(options: HttpHostOptions, answers: ErrorAnswers) {
    const { config } = options;
    this.#options = options;
    this.#answers = answers;
    this.#own = new OwnHosts(config.public_url, config.extra_hosts);
    this.#trusted = trustedProxies(config.trusted_proxies);
    this.#trustsNobody = config.trusted_proxies.length === 0;
    this.#limit = new ConnectionLimit(config.max_connections_per_address, this.#trusted);
    this.#deadlines = new BodyDeadlines(ownBodyDeadline, (request) => {
      if (request instanceof StreamRequest) request.lateBody();
      else
        answers.brokenRequest(
          Object.assign(new Error('the body did not arrive'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
          request.socket,
        );
    });
  }

  get #door(): FrontDoor | undefined {
    return this.#options.front;
  }

  /** The server that Fastify works behind. */
  create(own: RequestListener): Server {
    const server = createServer({
      maxHeaderSize,
      headersTimeout: 10_000,
      // No clock over the whole of a request: an upload through the gateway may take hours.
      requestTimeout: 0,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 75_000,
      insecureHTTPParser: false,
      // A whole answer of 64 KiB fits in without the producer being paused.
      highWaterMark: 256 * 1024,
      noDelay: true,
    });
    server.maxHeadersCount = mostHeaders + 1;
    server.setTimeout(0);
    this.#routes = own;
    if (this.#options.config.fast_lane && this.#door !== undefined) this.#readFast(server);
    this.#limit.watch(server);
    server.on('request', (request, response) => this.#request(request, response, false));
    server.on('checkContinue', (request, response) => this.#request(request, response, true));
    server.on('connect', (request: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => socket.destroy());
      if (isAnswering(request) || this.#answers.isRefused(request.socket)) socket.destroy();
      else this.#refuse(request, plainResponse(request, socket), connectProblem);
    });
    server.on('close', () => this.#deadlines.stop());
    return server;
  }

  /** The same for HTTP/2, whose connections it is given. They are counted where they were opened. */
  createForStreams(): Http2Server {
    const server = createStreamServer({
      ...streamLimits,
      Http2ServerRequest: StreamRequest as never,
      Http2ServerResponse: StreamResponse as never,
    });
    const take = (request: unknown, response: unknown, expects: boolean): void =>
      this.#request(request as IncomingMessage, response as ServerResponse, expects);
    server.on('request', (request, response) => take(request, response, false));
    server.on('checkContinue', (request, response) => take(request, response, true));
    return server;
  }

  /** Counts the connections of a further listener. */
  count(server: TcpServer): void {
    this.#limit.watch(server);
  }

  /** What goes on over a counted connection. */
  adopt(socket: Socket, under: Socket): void {
    this.#limit.adopt(socket, under);
  }

  /** Whether a Host header names this server or one of its apps. */
  knowsAuthority(authority: string): boolean {
    return this.#isKnown(hostNameOf(authority));
  }

  /** Hands a request to the product's own routes, past every rule. */
  own(request: IncomingMessage, response: ServerResponse): void {
    this.#routes(request, response);
  }

  /** True when the upgrade needs nobody else: it was refused, or the front door took it. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    if (this.#answers.isRefused(request.socket)) {
      request.socket.destroySoon();
      return true;
    }
    const problem = formProblem(request);
    if (problem !== null) {
      this.#refuse(request, plainResponse(request, socket), problem);
      return true;
    }
    const arrival = this.#arrival(request);
    if (arrival === null) this.#unknownHost(request, plainResponse(request, socket));
    else if (!this.#limit.spoke(request.socket, this.#useOf(request, arrival)))
      this.#answers.early(request, plainResponse(request, socket), new AppError('rate_limited', tooMany), 429);
    else if (this.#door?.upgrade(request, socket, head, arrival) !== true) return false;
    return true;
  }

  #request(request: IncomingMessage, response: ServerResponse, expects: boolean): void {
    if (this.#answers.isRefused(request.socket)) return;
    const problem = formProblem(request);
    if (problem !== null) {
      this.#refuse(request, response, problem);
      return;
    }
    const arrival = this.#arrival(request);
    if (arrival === null) {
      this.#unknownHost(request, response);
      return;
    }
    if (this.#options.denied_address?.(arrival.address) === true) {
      this.#answers.early(request, response, new AppError('address_denied'), 403);
      return;
    }
    if (!this.#hasRoom(request, arrival)) {
      this.#answers.early(request, response, new AppError('rate_limited', tooMany), 429);
      return;
    }
    if (this.#useOf(request, arrival) === 'passed' && !(request instanceof StreamRequest)) shareFields(request);
    if (this.#door?.request(request, response, arrival, expects) === true) return;
    // Node would write it into the answer before, of a client that does not wait for that one either.
    if (expects && response.socket !== null) response.writeContinue();
    this.#deadlines.watch(request);
    this.#routes(request, response);
  }

  #hasRoom(request: IncomingMessage, arrival: Arrival): boolean {
    const use = this.#useOf(request, arrival);
    if (!(request instanceof StreamRequest)) return this.#limit.spoke(request.socket, use);
    const peer = request.socket.remoteAddress ?? '';
    return (
      this.#limit.spoke(request.connectionSocket, use) &&
      (use === 'own' || this.#limit.began(peer, (over) => request.stream.once('close', over)))
    );
  }

  /** Plain requests to apps are read by a reader of our own. */
  #readFast(server: Server): void {
    const reader = new FastReader({
      request: (request, response) => this.#plain(request, response),
      refuse: (socket, code) => this.#answers.brokenRequest(Object.assign(new Error(code), { code }), socket),
    });
    reader.watch(server);
    const [closeIdle, closeAll] = [server.closeIdleConnections, server.closeAllConnections];
    server.closeIdleConnections = () => {
      reader.closeIdle();
      closeIdle.call(server);
    };
    server.closeAllConnections = () => {
      reader.closeAll();
      closeAll.call(server);
    };
  }

  /** False for all that is not passed on without further ado: Node's reader gets it, and then `#request`. */
  #plain(request: FastRequest, response: FastResponse): boolean {
    const arrival = this.#arrival(request);
    if (arrival === null || this.#useOf(request, arrival) === 'own') return false;
    if (this.#options.denied_address?.(arrival.address) === true) return false;
    return this.#limit.spoke(request.socket, 'passed') && this.#door!.request(request, response, arrival, false);
  }

  #useOf(request: PassedRequest, arrival: Arrival): 'own' | 'passed' {
    return arrival.host !== '' || request.url!.startsWith('/apps/') ? 'passed' : 'own';
  }

  #isKnown(name: string | null): boolean {
    return name !== null && (this.#own.has(name) || this.#door?.knowsHost(name) === true);
  }

  /** Null for a host that is nobody's here. */
  #arrival(request: PassedRequest): Arrival | null {
    const { headers, socket } = request;
    const peer = plainAddress(socket.remoteAddress ?? '');
    const proxied = !this.#trustsNobody && this.#trusted(peer);
    const forwarded = proxied && !aboutAnother.test(request.url ?? '') ? lastOf(headers['x-forwarded-host']) : null;
    // A proxy may call itself what it likes: a name that leads nowhere here leaves the one that it asked for.
    const authority = forwarded !== null && this.#isKnown(hostNameOf(forwarded)) ? forwarded : (headers.host ?? '');
    // A client of HTTP/1.0 may leave it out; browsers never do, so no rebinding comes this way.
    const name = authority === '' && request.httpVersionMinor === 0 ? 'localhost' : hostNameOf(authority);
    if (name === null) return null;
    const routed = this.#door?.knowsHost(name) === true;
    if (!routed && !this.#own.has(name)) return null;
    const encrypted = (socket as Socket & { encrypted?: boolean }).encrypted === true;
    const host = routed ? name : '';
    if (proxied) {
      const told = lastOf(headers['x-forwarded-proto']);
      const scheme = told === 'https' || (told === null && encrypted) ? 'https' : 'http';
      return { host, authority, scheme, address: this.#client(peer, headers['x-forwarded-for']), proxy: peer };
    }
    const known = (socket as WithArrival)[lastArrival];
    if (known?.host === host && known.authority === authority) return known;
    const made: Arrival = { host, authority, scheme: encrypted ? 'https' : 'http', address: peer, proxy: null };
    (socket as WithArrival)[lastArrival] = made;
    return made;
  }

  #client(peer: string, forwarded: string | string[] | undefined): string {
    const hops = String(forwarded ?? '')
      .split(',')
      .map((hop) => hop.trim())
      .filter((hop) => hop !== '');
    let address = peer;
    while (this.#trusted(address) && hops.length > 0) address = plainAddress(hops.pop()!);
    return address;
  }

  #refuse(request: IncomingMessage, response: ServerResponse, { code, detail, status }: FormProblem): void {
    this.#answers.early(request, response, new AppError(code ?? 'bad_request', detail), status);
  }

  #unknownHost(request: IncomingMessage, response: ServerResponse): void {
    const detail =
      'No app has this host name, and it is none of this server. If it should be, add it to ATRIUM_EXTRA_HOSTS.';
    this.#answers.early(request, response, new AppError('gateway_unknown_host', detail), 421);
  }
}

const connectProblem: FormProblem = {
  status: 405,
  code: 'method_not_allowed',
  detail: 'CONNECT is for forward proxies, which this server is not.',
};

/** The header lines of the request before on the same connection, as Node read them. */
const lastFields = Symbol('last fields');
type WithFields = Socket & { [lastFields]?: readonly string[] };

/** Tells what is made of the header lines that nothing but the first line of the head is new. */
const shareFields = (request: IncomingMessage): void => {
  const { rawHeaders } = request;
  const socket = request.socket as WithFields;
  const last = socket[lastFields];
  const same = last?.length === rawHeaders.length && rawHeaders.every((text, at) => text === last[at]);
  if (!same) socket[lastFields] = rawHeaders;
  (request as { fields?: object }).fields = same ? last : rawHeaders;
};

/** Where the request before on the same connection went, unless a proxy told it: the next one mostly goes there as well. */
const lastArrival = Symbol('last arrival');
type WithArrival = Socket & { [lastArrival]?: Arrival };

const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address);

/** Proxies append, so the last value is the one that the nearest of them wrote. */
const lastOf = (value: string | string[] | undefined): string | null => {
  const last = (Array.isArray(value) ? value.at(-1) : value)?.split(',').at(-1)?.trim();
  return last === undefined || last === '' ? null : last;
};
