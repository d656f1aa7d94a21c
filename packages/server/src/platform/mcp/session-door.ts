import { isInitializeRequest, type JSONRPCMessage, type JSONRPCRequest } from '@modelcontextprotocol/server';
import { EventStream } from './event-stream.ts';
import type { McpEvents } from './mcp-face.ts';
import type { McpLimits } from './mcp-options.ts';
import { type McpServerMaker, sessionRevisions } from './mcp-server.ts';
import type { OpenStreams } from './open-streams.ts';
import { authInfoOf, ownerOf, type RequestFacts } from './request-facts.ts';
import { empty, invalidRequest, type RawExchange, refuse, refused, sessionNotFound } from './rpc-answers.ts';
import type { Session, SessionStore } from './session-store.ts';
import { isRequest, PostExchange } from './session-transport.ts';

/** The one revision that defines batches. */
const batchRevision = '2025-03-26';
const sessionHeader = 'mcp-session-id';

/** POST, GET and DELETE of the revisions that have sessions. */
export class SessionDoor {
  readonly #store: SessionStore;
  readonly #maker: McpServerMaker;
  readonly #streams: OpenStreams;
  readonly #limits: McpLimits;
  readonly #events: McpEvents | undefined;

  constructor(
    store: SessionStore,
    maker: McpServerMaker,
    streams: OpenStreams,
    limits: McpLimits,
    events: McpEvents | undefined,
  ) {
    this.#store = store;
    this.#maker = maker;
    this.#streams = streams;
    this.#limits = limits;
    this.#events = events;
  }

  async post(raw: RawExchange, body: unknown, facts: RequestFacts): Promise<void> {
    if (!accepts(raw, 'application/json') || !accepts(raw, 'text/event-stream')) {
      return refuse(raw, 406, refused, 'Accept both application/json and text/event-stream.');
    }
    const batch = Array.isArray(body);
    const problem = batch ? this.#batchProblem(body) : messageProblem(body);
    if (problem !== null) return refuse(raw, 400, invalidRequest, problem);
    if (isInitialize(body)) return this.#initialize(raw, body, facts);
    const session = await this.#sessionOf(raw, facts);
    if (session === null) return;
    if (batch && session.revision !== batchRevision) {
      return refuse(
        raw,
        400,
        invalidRequest,
        `Revision ${session.revision} has no batches; send one message a request.`,
      );
    }
    this.#deliver(raw, session, (batch ? body : [body]) as JSONRPCMessage[], batch, facts);
  }

  async get(raw: RawExchange, facts: RequestFacts): Promise<void> {
    if (!accepts(raw, 'text/event-stream')) return refuse(raw, 406, refused, 'Accept text/event-stream.');
    const session = await this.#sessionOf(raw, facts);
    if (session === null) return;
    const forget = this.#streams.add(facts.caller, () => stream.end());
    if (forget === null)
      return refuse(raw, 429, refused, 'Too many open event streams.', { headers: { 'retry-after': '30' } });
    const stream = new EventStream(
      raw.response,
      { ...raw.headers, [sessionHeader]: session.id },
      this.#limits.keep_alive_ms,
    );
    session.transport.listen(stream);
    const stop = this.#events?.subscribe(facts.caller, (event) => this.#tellChanged(session, event));
    raw.response.once('close', () => {
      forget();
      stop?.();
    });
    if (session.revived) {
      session.revived = false;
      await this.announce(session);
    }
  }

  delete(raw: RawExchange, facts: RequestFacts): void {
    const id = raw.request.headers[sessionHeader];
    if (typeof id !== 'string') refuse(raw, 400, refused, 'The Mcp-Session-Id header is missing.');
    else if (!this.#store.end(id, ownerOf(facts.caller))) refuse(raw, 409, sessionNotFound, 'Session not found');
    else empty(raw, 204);
  }

  /** Tells a client to read its lists again. */
  async announce(session: Session): Promise<void> {
    await session.server.sendToolListChanged();
    if (this.#maker.shelf.list.length > 0) await session.server.sendResourceListChanged();
  }

  async #initialize(raw: RawExchange, request: JSONRPCRequest, facts: RequestFacts): Promise<void> {
    const { session, answer } = await this.#store.begin(ownerOf(facts.caller), request);
    if (answer === null)
      return refuse(raw, 429, refused, 'Too many sessions in use.', {
        headers: { 'retry-after': '30' },
        id: request.id,
      });
    const headers = {
      ...raw.headers,
      'content-type': 'application/json',
      ...(session !== null && { [sessionHeader]: session.id }),
    };
    raw.response.writeHead(session === null ? 400 : 200, headers).end(JSON.stringify(answer));
  }

  #deliver(raw: RawExchange, session: Session, messages: JSONRPCMessage[], batch: boolean, facts: RequestFacts): void {
    const requests = messages.filter(isRequest);
    const ids = new Set(requests.map((request) => request.id));
    if (ids.size < requests.length || requests.some((request) => session.transport.isOpen(request.id))) {
      refuse(raw, 400, invalidRequest, 'Another request with this id is still being answered.');
      return;
    }
    const headers = { ...raw.headers, [sessionHeader]: session.id };
    if (requests.length === 0) {
      session.transport.receive(messages, authInfoOf(facts), null);
      empty({ ...raw, headers }, 202);
      return;
    }
    const exchange = new PostExchange(raw.response, headers, requests, batch, this.#limits);
    facts.gone.addEventListener('abort', () => session.transport.abandon(exchange), { once: true });
    session.transport.receive(messages, authInfoOf(facts), exchange);
  }

  /** The session that the request names, or null after refusing it. */
  async #sessionOf(raw: RawExchange, facts: RequestFacts): Promise<Session | null> {
    const { [sessionHeader]: id, 'mcp-protocol-version': revision } = raw.request.headers;
    if (typeof id !== 'string') {
      refuse(raw, 400, refused, 'The Mcp-Session-Id header is missing; send initialize first.');
      return null;
    }
    if (revision !== undefined && !sessionRevisions.includes(String(revision))) {
      refuse(
        raw,
        400,
        refused,
        `Unsupported protocol version; this server speaks ${sessionRevisions.join(', ')} with sessions.`,
      );
      return null;
    }
    const session = await this.#store.find(id, ownerOf(facts.caller));
    // 404 tells a client to begin anew (MCP transports, session management 3); 409 is for an id that never was its own.
    if (session === 'ended')
      refuse(raw, 404, sessionNotFound, 'Session not found: it has ended. Send initialize again.');
    else if (session === null) refuse(raw, 409, sessionNotFound, 'Session not found');
    else if (session === 'full')
      refuse(raw, 429, refused, 'Too many sessions in use.', { headers: { 'retry-after': '30' } });
    else return session;
    return null;
  }

  #tellChanged(session: Session, event: { kind: string; id: string }): void {
    for (const uri of this.#maker.shelf.changedBy(event)) {
      for (const name of session.subscriptions.get(uri) ?? [])
        session.server.sendResourceUpdated({ uri: name }).catch(() => {});
    }
  }

  #batchProblem(batch: unknown[]): string | null {
    if (batch.length === 0) return 'An empty batch holds nothing to answer.';
    if (batch.length > this.#limits.batch) return `A batch holds at most ${this.#limits.batch} messages.`;
    if (batch.some(isInitialize)) return 'initialize cannot be part of a batch.';
    return batch.map(messageProblem).find((problem) => problem !== null) ?? null;
  }
}

const accepts = ({ request }: RawExchange, type: string): boolean => {
  const { accept } = request.headers;
  return accept !== undefined && (accept.includes(type) || accept.includes('*/*'));
};

const isInitialize = (body: unknown): body is JSONRPCRequest =>
  isInitializeRequest(body) && (body as { id?: unknown }).id !== undefined;

/** JSON-RPC 2.0 in outline; the SDK reads the rest. */
const messageProblem = (body: unknown): string | null => {
  const message = body as { jsonrpc?: unknown; method?: unknown; id?: unknown } | null;
  if (typeof message !== 'object' || message === null || message.jsonrpc !== '2.0')
    return 'Not a JSON-RPC 2.0 message.';
  const { id, method } = message;
  const named = typeof id === 'string' || Number.isInteger(id);
  if (method === undefined)
    return named && ('result' in message || 'error' in message)
      ? null
      : 'A message needs a method, or an id with a result.';
  if (typeof method !== 'string') return 'The method is not a string.';
  return id === undefined || named ? null : 'The id is neither a string nor an integer.';
};
