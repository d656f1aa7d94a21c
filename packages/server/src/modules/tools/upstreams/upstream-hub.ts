import type { ToolDefinition } from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { connectionsStore } from '../connections-store.ts';
import { definitionsStore } from '../definitions-store.ts';
import { definitionOf, fingerprintOf } from '../fingerprint.ts';
import { toolEvents } from '../policy.ts';
import { unsealServer } from '../sealing.ts';
import { type ServerOutcome, serversStore } from '../servers-store.ts';
import type { ToolsParts } from '../tools-parts.ts';
import type { ServerRow } from '../tools-rows.ts';
import { keepingOf } from './oauth-keeping.ts';
import type { OauthProvider } from './oauth-provider.ts';
import { UpstreamError } from './upstream-error.ts';
import type { UpstreamSession } from './upstream-session.ts';

const mostTools = 500;
const mostSessions = 500;
const mostPrograms = 50;
/** Within this time a session's list of tools is believed. */
const listFreshMs = 60_000;
const sweepMs = 5000;
const longestPauseS = 300;

interface Warm {
  key: string;
  server: ServerRow;
  user_id: string | null;
  session: Promise<UpstreamSession>;
  opened: UpstreamSession | null;
  /** By the upstream's name of the tool. */
  fingerprints: Map<string, string>;
}

/** A session to call with, and what the server says its tools are now. */
export interface Ready {
  session: UpstreamSession;
  fingerprints: ReadonlyMap<string, string>;
}

/**
 * Keeps sessions to MCP servers warm: one a server, or one a person where people sign in for themselves. Everything that
 * a server says about its tools is compared with what was approved, when a session opens, when the server tells of a
 * change, and once a minute while it is used.
 */
export class UpstreamHub {
  readonly #parts: ToolsParts;
  readonly #warm = new Map<string, Warm>();
  readonly #retired = new Set<Warm>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(parts: ToolsParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#sweep(), sweepMs);
    this.#timer.unref();
  }

  /** Throws UpstreamError. `user_id` is whose tokens are used; null for those of the organisation, or none. */
  async ready(server: ServerRow, user_id: string | null, how: { now?: boolean } = {}): Promise<Ready> {
    if (this.#closed) throw new UpstreamError('unavailable', 'This server is stopping.');
    if (!server.enabled) throw new UpstreamError('unavailable', 'It is switched off.');
    if (server.transport === 'stdio' && !this.#parts.settings().stdio)
      throw new UpstreamError('unavailable', 'Programs as MCP servers are switched off (tools.stdio.enabled).');
    const asked = performance.now();
    const warm = this.#find(server, user_id) ?? this.#open(server, user_id, how.now === true);
    const session = await warm.session;
    const believed = how.now === true ? asked : performance.now() - listFreshMs;
    if (session.listedAt < believed) await this.#list(warm, session);
    session.lastUsed = performance.now();
    return { session, fingerprints: warm.fingerprints };
  }

  /** Closes the sessions of a server, or those of one person at it. */
  async forget(serverId: string, user?: string | null): Promise<void> {
    const its = [...this.#warm.values()].filter(
      (warm) => warm.server.id === serverId && (user === undefined || warm.user_id === user),
    );
    await Promise.all(its.map((warm) => this.#drop(warm)));
  }

  /** The next call gets a new session; calls that still run on this one end in peace. */
  retire(serverId: string, user: string | null): void {
    for (const warm of this.#warm.values()) {
      if (warm.server.id !== serverId || warm.user_id !== user) continue;
      this.#remove(warm);
      this.#retired.add(warm);
    }
    this.#sweep();
  }

  /** Only the one of an earlier version: the row was changed by another process. */
  forgetEarlier(serverId: string, version: number): void {
    for (const warm of this.#warm.values())
      if (warm.server.id === serverId && warm.server.version < version) void this.#drop(warm);
  }

  isWarm(serverId: string): boolean {
    return [...this.#warm.values()].some((warm) => warm.server.id === serverId);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await Promise.all([...this.#warm.values(), ...this.#retired].map((warm) => this.#drop(warm)));
  }

  #find(server: ServerRow, user_id: string | null): Warm | null {
    const warm = this.#warm.get(keyOf(server, user_id)) ?? null;
    if (warm === null || warm.server.version === server.version) return warm;
    void this.#drop(warm);
    return null;
  }

  #open(server: ServerRow, user_id: string | null, now: boolean): Warm {
    const until = server.next_attempt_at;
    if (!now && until !== null && until > this.#parts.clock.now())
      throw new UpstreamError(
        'unavailable',
        `It failed ${server.failures} times in a row and is left alone until ${until.toISOString()}: ${server.last_error ?? ''}`,
      );
    this.#makeRoom(server);
    const key = keyOf(server, user_id);
    const warm: Warm = {
      key,
      server,
      user_id: server.auth === 'oauth_person' ? user_id : null,
      opened: null,
      fingerprints: new Map(),
      session: null as never,
    };
    warm.session = this.#connect(warm);
    this.#warm.set(key, warm);
    warm.session.catch(() => this.#remove(warm));
    return warm;
  }

  async #connect(warm: Warm): Promise<UpstreamSession> {
    const { server, user_id } = warm;
    // The client of MCP is large; a server without others behind it does without.
    const { UpstreamSession, upstreamErrorOf } = await import('./upstream-session.ts');
    try {
      const session = await UpstreamSession.open({
        server,
        secrets: unsealServer(this.#parts, server),
        net: { guard: this.#parts.guard, resolve: this.#parts.resolve },
        provider: await this.#providerOf(server, user_id),
        scratch: `${this.#parts.scratch}/${server.id}`,
        version: this.#parts.version,
        onToolsChanged: () => void this.#relist(warm),
        onClosed: () => this.#remove(warm),
      });
      warm.opened = session;
      await this.#list(warm, session);
      return session;
    } catch (error) {
      const told = upstreamErrorOf(error);
      await warm.opened?.close();
      await this.#failed(warm, told);
      throw told;
    }
  }

  async #providerOf(server: ServerRow, user_id: string | null): Promise<OauthProvider | null> {
    if (server.auth !== 'oauth_person' && server.auth !== 'oauth_org') return null;
    const of = server.auth === 'oauth_org' ? null : user_id;
    const found = await connectionsStore.find(this.#parts.database.read, server.id, of);
    if (found?.connected !== true) throw new UpstreamError('sign_in_needed', 'It asks for a sign-in.');
    const { OauthProvider } = await import('./oauth-provider.ts');
    return new OauthProvider(keepingOf(this.#parts, server, of), this.#parts.public_url(), null);
  }

  async #relist(warm: Warm): Promise<void> {
    try {
      if (warm.opened !== null && !warm.opened.closed) await this.#list(warm, warm.opened);
    } catch (error) {
      this.#parts.onError(error, 'the tools of an MCP server could not be listed');
    }
  }

  async #list(warm: Warm, session: UpstreamSession): Promise<void> {
    const found = await session.listTools();
    session.listedAt = performance.now();
    session.lastUsed ||= performance.now();
    const definitions = new Map<string, ToolDefinition>();
    let left = 0;
    for (const one of found) {
      const definition = definitionOf(one);
      if (definition === null || definitions.has(definition.name) || definitions.size === mostTools) left += 1;
      else definitions.set(definition.name, definition);
    }
    warm.fingerprints = new Map([...definitions].map(([name, definition]) => [name, fingerprintOf(definition)]));
    await this.#keep(warm, session, definitions, left);
  }

  /** Writes what is new or changed; it is held by that alone. */
  async #keep(
    { server, fingerprints }: Warm,
    session: UpstreamSession,
    definitions: ReadonlyMap<string, ToolDefinition>,
    left: number,
  ): Promise<void> {
    const { database, clock } = this.#parts;
    const call = internalCall(systemCaller({ id: server.org_id }), newId());
    await database.transaction(call, async (tx) => {
      const row = await serversStore.lock(tx.db, server.org_id, server.id);
      if (row === null || row.version !== server.version) return;
      const at = clock.now();
      const known = new Map((await definitionsStore.ofServer(tx.db, server.id)).map((one) => [one.name, one]));
      const news: string[] = [];
      for (const [name, definition] of definitions) {
        const fingerprint = fingerprints.get(name)!;
        const before = known.get(name);
        if (before === undefined) {
          await definitionsStore.insert(tx.db, {
            ...{ id: newId(), org_id: server.org_id, server_id: server.id, found: definition, fingerprint, at },
          });
          news.push(name);
        } else if (before.found_fingerprint !== fingerprint || !before.present) {
          await definitionsStore.setFound(tx.db, before.id, definition, fingerprint, at);
          news.push(name);
        }
      }
      // One person may be shown fewer tools than another.
      const gone = [...known.values()].filter(({ name, present }) => present && !definitions.has(name));
      if (server.auth !== 'oauth_person' && gone.length > 0) {
        await definitionsStore.setGone(
          tx.db,
          gone.map(({ id }) => id),
        );
        news.push(...gone.map(({ name }) => name));
      }
      const last_error =
        left === 0
          ? null
          : `${left} of its tools are left out: their names or definitions are not such that they can be offered.`;
      const outcome = { state: 'ok', last_error, stderr_tail: null, failures: 0, next_attempt_at: null, at } as const;
      await this.#tellOutcome(tx, server, { ...outcome, seen: session.facts });
      if (news.length === 0) return;
      tx.emit({ kind: toolEvents.toolsChanged, id: server.id, org_id: server.org_id, body: { slug: server.slug } });
      tx.audit({
        ...{
          action: 'tools.definitions_found',
          target_type: 'tool_server',
          target_id: server.id,
          org_id: server.org_id,
        },
        details: { slug: server.slug, tools: news.slice(0, 50), count: news.length },
      });
    });
  }

  async #failed({ server, user_id }: Warm, error: UpstreamError): Promise<void> {
    const { database, clock } = this.#parts;
    const at = clock.now();
    const signIn = error.reason === 'sign_in_needed';
    try {
      await database.transaction(internalCall(systemCaller({ id: server.org_id }), newId()), async (tx) => {
        if (signIn) {
          const of = server.auth === 'oauth_person' ? user_id : null;
          const found = await connectionsStore.lock(tx.db, server.id, of);
          if (found?.connected === true) await connectionsStore.update(tx.db, found.id, found.sealed, false, at);
          // The sign-in of one person is no state of the server.
          if (server.auth === 'oauth_person') return;
        }
        const row = await serversStore.lock(tx.db, server.org_id, server.id);
        if (row === null) return;
        const failures = row.failures + 1;
        const pause = Math.min(longestPauseS, 2 ** Math.min(failures, 10)) * (0.9 + 0.2 * Math.random());
        await this.#tellOutcome(tx, server, {
          ...{ state: signIn ? 'sign_in_needed' : 'failing', last_error: error.message, failures, at },
          stderr_tail: (error as { stderr?: string | null }).stderr ?? null,
          next_attempt_at: signIn ? null : new Date(at.getTime() + pause * 1000),
        });
      });
    } catch (thrown) {
      this.#parts.onError(thrown, 'the failure of an MCP server could not be written');
    }
  }

  async #tellOutcome(tx: Transaction, server: ServerRow, outcome: ServerOutcome): Promise<void> {
    if (!(await serversStore.setOutcome(tx.db, server.id, server.version, outcome))) return;
    const body = { slug: server.slug, state: outcome.state };
    tx.emit({ kind: toolEvents.serverChanged, id: server.id, org_id: server.org_id, body });
  }

  #makeRoom(server: ServerRow): void {
    const idle = () =>
      [...this.#warm.values()]
        .filter(({ opened }) => opened !== null && opened.running === 0)
        .toSorted((a, b) => a.opened!.lastUsed - b.opened!.lastUsed);
    if (this.#warm.size >= mostSessions) {
      const [oldest] = idle();
      if (oldest === undefined) throw new UpstreamError('unavailable', 'Too many sessions are in use.');
      void this.#drop(oldest);
    }
    if (server.transport !== 'stdio') return;
    const programs = [...this.#warm.values()].filter((warm) => warm.server.transport === 'stdio');
    if (programs.length < mostPrograms) return;
    const oldest = idle().find((warm) => warm.server.transport === 'stdio');
    if (oldest === undefined) throw new UpstreamError('unavailable', 'Too many programs run as MCP servers.');
    void this.#drop(oldest);
  }

  #sweep(): void {
    const now = performance.now();
    for (const warm of this.#retired) if ((warm.opened?.running ?? 0) === 0) void this.#drop(warm);
    for (const warm of this.#warm.values()) {
      const { opened, server } = warm;
      if (opened === null || opened.running > 0) continue;
      if (now - opened.lastUsed > server.idle_s * 1000) void this.#drop(warm);
    }
  }

  #remove(warm: Warm): void {
    if (this.#warm.get(warm.key) === warm) this.#warm.delete(warm.key);
  }

  async #drop(warm: Warm): Promise<void> {
    this.#remove(warm);
    this.#retired.delete(warm);
    const session = warm.opened ?? (await warm.session.catch(() => null));
    await session?.close();
  }
}

const keyOf = (server: Pick<ServerRow, 'id' | 'auth'>, user_id: string | null): string =>
  `${server.id}:${server.auth === 'oauth_person' ? user_id : ''}`;
