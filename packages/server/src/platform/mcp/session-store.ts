import type { JSONRPCMessage, JSONRPCRequest, Server } from '@modelcontextprotocol/server';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Clock } from '../clock/clock.ts';
import type { McpLimits } from './mcp-options.ts';
import type { McpServerMaker, Subscriptions } from './mcp-server.ts';
import { type KeptCapabilities, type SessionFacts, SessionIds } from './session-id.ts';
import { SessionTransport } from './session-transport.ts';

export interface Session {
  id: string;
  owner: string;
  revision: string;
  issued_at: Date;
  last_used: number;
  server: Server;
  transport: SessionTransport;
  /** Present name of a resource → the names under which this client subscribed to it. */
  subscriptions: Map<string, Set<string>>;
  /** Made from its id alone: what the client subscribed to is not known, and the tools may be others than before. */
  revived: boolean;
}

const sweepEvery = 60_000;
const mostEnded = 20_000;

/** Sessions in memory. Leaving memory ends none of them: the id is enough to go on. */
export class SessionStore {
  readonly #maker: McpServerMaker;
  readonly #limits: McpLimits;
  readonly #clock: Clock;
  readonly #ids: SessionIds;
  /** In order of use, the longest unused first. */
  readonly #sessions = new Map<string, Session>();
  readonly #byOwner = new Map<string, Set<Session>>();
  readonly #reviving = new Map<string, Promise<Session | null>>();
  readonly #ended = new Set<string>();
  readonly #sweep: NodeJS.Timeout;

  constructor(maker: McpServerMaker, limits: McpLimits, clock: Clock, key: Uint8Array) {
    this.#maker = maker;
    this.#limits = limits;
    this.#clock = clock;
    this.#ids = new SessionIds(key);
    this.#sweep = setInterval(() => this.releaseIdle(), sweepEvery).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }
  get all(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /** Answers `initialize`. The session is null when the client's message was refused or there is no room. */
  async begin(
    owner: string,
    request: JSONRPCRequest,
  ): Promise<{ session: Session | null; answer: JSONRPCMessage | null }> {
    if (!this.#makeRoom(owner)) return { session: null, answer: null };
    const { server, transport, subscriptions } = await this.#connect();
    const answer = await transport.handle(request);
    const { result } = answer as { result?: { protocolVersion: string } };
    if (result === undefined) {
      await server.close();
      return { session: null, answer };
    }
    const client = server.getClientVersion() ?? { name: 'unknown', version: '' };
    const facts: SessionFacts = {
      issued_at: this.#clock.now(),
      revision: result.protocolVersion,
      client: { name: client.name, version: client.version },
      capabilities: (server.getClientCapabilities() ?? {}) as KeptCapabilities,
    };
    const session = this.#keep(
      this.#ids.issue(owner, facts),
      owner,
      facts,
      { server, transport, subscriptions },
      false,
    );
    return { session, answer };
  }

  /** The session of an id: from memory, or made again. `ended` when it is over, null when it is not this owner's. */
  async find(id: string, owner: string): Promise<Session | 'ended' | 'full' | null> {
    const known = this.#sessions.get(id);
    const facts = known?.owner === owner ? known : this.#ids.open(id, owner);
    if (facts === null) return null;
    if (this.#ended.has(id) || this.#tooOld(facts.issued_at)) {
      this.end(id, owner);
      return 'ended';
    }
    const session = known ?? (await this.#revive(id, owner, facts as SessionFacts));
    if (session === null) return 'full';
    this.#touch(session);
    return session;
  }

  /** False when the id is not this owner's. */
  end(id: string, owner: string): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined ? this.#ids.open(id, owner) === null : session.owner !== owner) return false;
    if (this.#ended.size >= mostEnded) for (const oldest of this.#ended) if (this.#ended.delete(oldest)) break;
    this.#ended.add(id);
    if (session !== undefined) this.#release(session);
    return true;
  }

  releaseIdle(): void {
    const since = this.#clock.now().getTime() - this.#limits.session_idle_ms;
    for (const session of this.#sessions.values()) {
      if (session.last_used > since) return;
      if (session.transport.busy) this.#touch(session);
      else this.#release(session);
    }
  }

  releaseOf(which: (owner: string) => boolean): void {
    for (const session of [...this.#sessions.values()]) if (which(session.owner)) this.#release(session);
  }

  close(): void {
    clearInterval(this.#sweep);
    this.releaseOf(() => true);
  }

  #tooOld(issued: Date): boolean {
    return this.#clock.now().getTime() - issued.getTime() > this.#limits.session_age_ms;
  }

  async #connect(): Promise<Pick<Session, 'server' | 'transport' | 'subscriptions'>> {
    const subscriptions: Session['subscriptions'] = new Map();
    const transport = new SessionTransport();
    const server = this.#maker.make('session', this.#subscriptionsOf(subscriptions));
    await server.connect(transport);
    return { server, transport, subscriptions };
  }

  #subscriptionsOf(subscriptions: Session['subscriptions']): Subscriptions {
    const most = this.#limits.subscriptions_per_session;
    const { shelf } = this.#maker;
    return {
      subscribe: (uri) => {
        if (subscriptions.size >= most)
          throw new ProtocolError(ProtocolErrorCode.InvalidParams, `A session may hold ${most} subscriptions.`);
        const name = shelf.canonical(uri);
        subscriptions.set(name, (subscriptions.get(name) ?? new Set()).add(uri));
      },
      unsubscribe: (uri) => {
        const name = shelf.canonical(uri);
        const names = subscriptions.get(name);
        if (names?.delete(uri) === true && names.size === 0) subscriptions.delete(name);
      },
    };
  }

  /** Several requests may bring the same forgotten id at once; they share one session. */
  #revive(id: string, owner: string, facts: SessionFacts): Promise<Session | null> {
    const underway = this.#reviving.get(id);
    if (underway !== undefined) return underway;
    const revival = this.#reviveNow(id, owner, facts).finally(() => this.#reviving.delete(id));
    this.#reviving.set(id, revival);
    return revival;
  }

  async #reviveNow(id: string, owner: string, facts: SessionFacts): Promise<Session | null> {
    if (!this.#makeRoom(owner)) return null;
    const parts = await this.#connect();
    const params = {
      protocolVersion: facts.revision,
      capabilities: { ...facts.capabilities },
      clientInfo: facts.client,
    };
    await parts.transport.handle({ jsonrpc: '2.0', id: 'revive', method: 'initialize', params });
    return this.#keep(id, owner, facts, parts, true);
  }

  #keep(
    id: string,
    owner: string,
    facts: SessionFacts,
    parts: Pick<Session, 'server' | 'transport' | 'subscriptions'>,
    revived: boolean,
  ): Session {
    const last_used = this.#clock.now().getTime();
    const session: Session = {
      id,
      owner,
      revision: facts.revision,
      issued_at: facts.issued_at,
      last_used,
      revived,
      ...parts,
    };
    this.#sessions.set(id, session);
    this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? new Set()).add(session));
    return session;
  }

  #touch(session: Session): void {
    session.last_used = this.#clock.now().getTime();
    if (this.#sessions.delete(session.id)) this.#sessions.set(session.id, session);
  }

  /** Lets the longest unused sessions go until one more fits; false when all of them are in use. */
  #makeRoom(owner: string): boolean {
    const own = this.#byOwner.get(owner);
    if (own !== undefined && own.size >= this.#limits.sessions_per_principal) {
      const idle = [...own].filter((s) => !s.transport.busy).sort((a, b) => a.last_used - b.last_used)[0];
      if (idle === undefined) return false;
      this.#release(idle);
    }
    if (this.#sessions.size < this.#limits.sessions) return true;
    for (const session of this.#sessions.values()) {
      if (session.transport.busy) continue;
      this.#release(session);
      return true;
    }
    return false;
  }

  #release(session: Session): void {
    this.#sessions.delete(session.id);
    const own = this.#byOwner.get(session.owner);
    if (own?.delete(session) === true && own.size === 0) this.#byOwner.delete(session.owner);
    void session.server.close();
  }
}
