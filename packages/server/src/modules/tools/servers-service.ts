import type {
  OutputOf,
  ParsedInputOf,
  ToolServer,
  toolServersAdd,
  toolServersConnect,
  toolServersList,
  toolServersUpdate,
} from '@atrium/protocol';
import { toolLimits } from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { textPosition, toPage } from '../../platform/paging/keyset.ts';
import type { CallsService } from './calls-service.ts';
import { connectionsStore } from './connections-store.ts';
import { definitionsStore } from './definitions-store.ts';
import { manages, personBehind, toolEvents } from './policy.ts';
import { sealServer, unsealServer } from './sealing.ts';
import { serversStore } from './servers-store.ts';
import { signInPlace, type ToolCallAsker, type ToolsParts } from './tools-parts.ts';
import type { ServerRow, ServerSecrets, SignInRow } from './tools-rows.ts';
import { beginSignIn, finishSignIn, stateHash } from './upstreams/sign-ins.ts';
import { UpstreamError } from './upstreams/upstream-error.ts';
import type { UpstreamHub } from './upstreams/upstream-hub.ts';

const signInMs = 600_000;
const seenMs = 15 * 60_000;

const noServer = (): AppError => notFound('The MCP server');
const isDuplicate = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === '23505';
const originOf = (url: string | null): string | null => (url === null ? null : new URL(url).origin);

type Given = Pick<ParsedInputOf<typeof toolServersUpdate>, 'command' | 'args' | 'env' | 'url' | 'allow_private'>;

/** What starts programs, or reaches into the network of the server, is for those who run it. */
const requireOperator = (call: Call, why: string): void => {
  if (call.caller.is_operator) return;
  throw new AppError('operator_required', `${why} is for people who run this server.`, {
    extensions: { error: 'operator required', required: 'operator' },
  });
};

const requireSound = (row: ServerRow, headers: readonly string[]): void => {
  if (row.transport === 'http' && row.url === null) throw invalid('url', 'is needed for http');
  if (row.transport === 'http' && row.command !== null) throw invalid('command', 'is for stdio only');
  if (row.transport === 'stdio' && row.command === null) throw invalid('command', 'is needed for stdio');
  if (row.transport === 'stdio' && row.url !== null) throw invalid('url', 'is for http only');
  if (row.transport === 'stdio' && row.auth !== 'none')
    throw invalid('auth', 'must be none for stdio; give the program its secret in env');
  if (row.auth === 'headers' && headers.length === 0) throw invalid('headers', 'are needed for auth: headers');
  if (row.auth !== 'headers' && headers.length > 0) throw invalid('headers', 'are for auth: headers only');
  if (row.url !== null && (new URL(row.url).username !== '' || new URL(row.url).password !== ''))
    throw invalid('url', 'must not carry credentials; use headers');
};

/** MCP servers, as people register and change them, and sign in at them. */
export const createServersService = (
  parts: ToolsParts,
  hub: UpstreamHub,
  calls: CallsService,
  asker: () => ToolCallAsker | null,
) => {
  const { database, clock, secrets } = parts;

  const views = async (call: Call, rows: readonly ServerRow[]): Promise<ToolServer[]> => {
    const { caller } = call;
    const [counts, connected] = await Promise.all([
      definitionsStore.counts(
        database.read,
        rows.map(({ id }) => id),
      ),
      connectionsStore.connected(database.read, caller.org_id, personBehind(caller)),
    ]);
    return rows.map((row) => ({
      ...{ id: row.id, slug: row.slug, name: row.name, description: row.description, transport: row.transport },
      ...{ url: row.url, allow_private: row.allow_private, command: manages(caller) ? row.command : null },
      args: row.transport === 'stdio' && caller.is_operator ? unsealServer(parts, row).args : null,
      ...{ env_names: row.env_names, header_names: row.header_names, auth: row.auth, enabled: row.enabled },
      ...{ default_policy: row.default_policy, approver_id: row.approver_id, timeout_s: row.timeout_s },
      ...{ max_result_bytes: row.max_result_bytes, idle_s: row.idle_s, keep_arguments: row.keep_arguments },
      ...{ pass_resources: row.pass_resources, pass_prompts: row.pass_prompts },
      state: row.enabled ? row.state : 'off',
      last_error: row.last_error,
      stderr_tail: manages(caller) ? row.stderr_tail : null,
      ...{ server_name: row.server_name, server_version: row.server_version, protocol_version: row.protocol_version },
      seen_at: row.seen_at?.toISOString() ?? null,
      next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
      connected: connected.has(row.id),
      tools: counts.get(row.id) ?? { approved: 0, held: 0, gone: 0 },
      version: row.version,
      created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
      ...{ created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() },
    }));
  };

  const found = async (call: Call, id: string): Promise<ServerRow> => {
    const row = await serversStore.find(database.read, call.caller.org_id, id);
    if (row === null) throw noServer();
    return row;
  };

  const shown = async (call: Call, id: string): Promise<ToolServer> => (await views(call, [await found(call, id)]))[0]!;

  const tell = (tx: Transaction, kind: string, row: ServerRow, action: string, details: object = {}): void => {
    const { id, org_id, slug } = row;
    tx.emit({ kind, id, org_id, body: { slug, name: row.name } });
    const where = row.transport === 'http' ? { url: row.url } : { command: row.command };
    tx.audit({ action, target_type: 'tool_server', target_id: id, details: { slug, ...where, ...details } });
  };

  /** Checked when it is saved, and again of every address that is dialled. */
  const requireAddress = async ({ url, allow_private }: ServerRow): Promise<void> => {
    if (url === null) return;
    const { hostname, port, protocol } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const addresses = await parts.resolve(host).catch(() => []);
    for (const { address } of addresses) {
      const why = parts.guard.refusal(address, Number(port) || (protocol === 'http:' ? 80 : 443), allow_private);
      if (why === null) continue;
      const hint = allow_private ? '' : '; an operator may allow it with allow_private';
      throw invalid('url', `leads to ${address}, which ${why}${hint}`);
    }
  };

  const requireApprover = async (orgId: string, person: string | null | undefined): Promise<void> => {
    if (person == null || (await asker()?.canDecide(orgId, person)) === true) return;
    throw invalid('approver_id', 'must be a member of this organisation who may decide items of the inbox');
  };

  const requireRights = (call: Call, given: Given, row: ServerRow): void => {
    if (row.transport === 'stdio') {
      const program = [given.command, given.args, given.env].some((one) => one !== undefined);
      if (program) requireOperator(call, 'A program as MCP server');
      if (program && !parts.settings().stdio)
        throw new AppError(
          'feature_disabled',
          'Programs as MCP servers are switched off. An operator switches them on with `tools.stdio.enabled: true` in atrium.yaml, or ATRIUM_TOOLS_STDIO_ENABLED=true.',
          { extensions: { key: 'tools.stdio.enabled' } },
        );
    }
    if (row.allow_private && (given.allow_private !== undefined || given.url !== undefined))
      requireOperator(call, 'An address that is not public');
  };

  /** Asks it for its tools and takes whatever comes of it: the row tells. */
  const ask = async (row: ServerRow, person: string | null): Promise<void> => {
    if (!row.enabled || (row.auth === 'oauth_person' && person === null)) return;
    try {
      await hub.ready(row, row.auth === 'oauth_person' ? person : null, { now: true });
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
    }
  };

  const requireSignIn = (call: Call, row: ServerRow): string | null => {
    if (row.auth === 'oauth_person') return call.caller.id;
    if (row.auth !== 'oauth_org') throw invalid('id', 'is a server where nobody signs in');
    if (!manages(call.caller)) throw new AppError('permission_denied', 'Those who manage tools sign in for all.');
    return null;
  };

  return {
    list: async (call: Call, { limit, cursor }: ParsedInputOf<typeof toolServersList>) => {
      const rows = await serversStore.page(database.read, call.caller.org_id, {
        limit: limit + 1,
        after: textPosition(cursor),
      });
      const cut = toPage(
        rows,
        limit,
        ({ name, id }) => ({ value: name, id }),
        (row) => row,
      );
      return { items: await views(call, cut.items), next_cursor: cut.next_cursor };
    },

    get: shown,

    add: async (call: Call, input: ParsedInputOf<typeof toolServersAdd>): Promise<ToolServer> => {
      const { org_id } = call.caller;
      const { url = null, command = null, args, env, headers, ...fields } = input;
      const { type, id: by, name: by_name } = actorOf(call.caller);
      const id = newId();
      const at = clock.now();
      const row: ServerRow = {
        ...fields,
        ...{ id, org_id, url, command, sealed: sealServer(parts, id, { args, env, headers }) },
        ...{ env_names: Object.keys(env), header_names: Object.keys(headers), state: 'new', last_error: null },
        ...{ stderr_tail: null, server_name: null, server_version: null, protocol_version: null, seen_at: null },
        ...{ failures: 0, next_attempt_at: null, version: 1 },
        ...{ created_by_type: type, created_by_id: by, created_by_name: by_name, created_at: at, updated_at: at },
      };
      requireSound(row, row.header_names);
      requireRights(call, input, row);
      await requireAddress(row);
      await requireApprover(org_id, row.approver_id);
      const act = database.transaction(call, async (tx) => {
        if ((await serversStore.count(tx.db, org_id)) >= toolLimits.servers)
          throw new AppError('plan_limit_exceeded', `An organisation has ${toolLimits.servers} MCP servers at most.`, {
            extensions: { limit: 'tools.servers' },
          });
        await serversStore.insert(tx.db, row);
        tell(tx, toolEvents.serverAdded, row, 'tool_servers.add');
        return id;
      });
      try {
        await act;
      } catch (error) {
        if (isDuplicate(error)) throw new AppError('name_taken', 'Another MCP server has this slug.', { cause: error });
        throw error;
      }
      await ask(row, null);
      return await shown(call, id);
    },

    update: async (call: Call, input: ParsedInputOf<typeof toolServersUpdate>): Promise<ToolServer> => {
      const { id, version, args, env, headers, ...given } = input;
      const { org_id } = call.caller;
      const before = await found(call, id);
      await requireApprover(org_id, given.approver_id);
      const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      await requireAddress({ ...before, ...changes });
      await database.transaction(call, async (tx) => {
        const row = await serversStore.lock(tx.db, org_id, id);
        if (row === null) throw noServer();
        if (version !== undefined && version !== row.version)
          throw new AppError('generation_conflict', 'It was changed meanwhile; read it again.', {
            extensions: { version: row.version },
          });
        const next: ServerRow = { ...row, ...changes };
        requireRights(call, input, { ...next, allow_private: next.allow_private || row.allow_private });
        const kept = unsealServer(parts, row);
        const moved = originOf(next.url) !== originOf(row.url);
        // A secret is for the server that it was given for: whoever changes the address cannot take it along.
        if (moved && row.auth === 'headers' && next.auth === 'headers' && headers === undefined)
          throw invalid('headers', 'have to be given again for another address');
        const sealed: ServerSecrets = {
          args: args ?? kept.args,
          env: env ?? kept.env,
          headers: next.auth === 'headers' ? (headers ?? kept.headers) : (headers ?? {}),
        };
        next.sealed = sealServer(parts, id, sealed);
        next.env_names = Object.keys(sealed.env);
        next.header_names = Object.keys(sealed.headers);
        requireSound(next, next.header_names);
        if (moved || next.auth !== row.auth) await connectionsStore.removeAll(tx.db, id);
        await serversStore.update(tx.db, next, clock.now());
        tell(tx, toolEvents.serverChanged, next, 'tool_servers.update', {
          changed: Object.keys(input).filter((key) => key !== 'id'),
        });
      });
      await hub.forget(id);
      await ask(await found(call, id), null);
      return await shown(call, id);
    },

    remove: async (call: Call, id: string): Promise<null> => {
      await database.transaction(call, async (tx) => {
        const row = await serversStore.lock(tx.db, call.caller.org_id, id);
        if (row === null) throw noServer();
        await calls.serverGoing(tx, call, id);
        await serversStore.remove(tx.db, row.org_id, id);
        tell(tx, toolEvents.serverRemoved, row, 'tool_servers.remove');
      });
      await hub.forget(id);
      return null;
    },

    refresh: async (call: Call, id: string): Promise<ToolServer> => {
      const row = await found(call, id);
      await ask(row, call.caller.kind === 'user' ? call.caller.id : null);
      return await shown(call, id);
    },

    connect: async (call: Call, id: string): Promise<OutputOf<typeof toolServersConnect>> => {
      const row = await found(call, id);
      const user_id = requireSignIn(call, row);
      let begun: Awaited<ReturnType<typeof beginSignIn>>;
      try {
        begun = await beginSignIn(parts, row, user_id);
      } catch (error) {
        const detail = error instanceof Error ? error.message.slice(0, 300) : 'unknown';
        throw new AppError('tool_sign_in_failed', `The sign-in could not begin: ${detail}`, { cause: error });
      }
      const { url, state, verifier } = begun;
      if (url === null) {
        await hub.forget(id, user_id);
        await ask(await found(call, id), user_id);
        return { authorization_url: null };
      }
      if (!/^https?:$/.test(new URL(url).protocol))
        throw new AppError('tool_sign_in_failed', 'The server named a page that is no web page.');
      await database.transaction(call, async (tx) => {
        const hash = stateHash(state);
        await connectionsStore.putSignIn(tx.db, {
          ...{ state_hash: hash, org_id: row.org_id, server_id: id, user_id, started_by: call.caller.id },
          sealed: secrets.encrypt(JSON.stringify({ verifier, state }), signInPlace(hash)),
          expires_at: new Date(clock.now().getTime() + signInMs),
        });
      });
      return { authorization_url: url };
    },

    /** The browser is back. Gives the server whose page it is to see, and what went wrong. */
    returned: async (
      call: Call,
      answer: { state: string; code: string | undefined; iss: string | undefined; error: string | undefined },
    ): Promise<{ server_id: string; problem: string | null } | null> => {
      const { caller } = call;
      const now = clock.now();
      const taken: SignInRow | null = await database.transaction(call, (tx) =>
        connectionsStore.takeSignIn(tx.db, stateHash(answer.state), caller.id, now),
      );
      if (taken === null || caller.org_id !== taken.org_id) return null;
      const row = await serversStore.find(database.read, taken.org_id, taken.server_id);
      if (row === null) return null;
      if (answer.code === undefined) return { server_id: row.id, problem: answer.error ?? 'no code came' };
      const kept = JSON.parse(secrets.decrypt(taken.sealed, signInPlace(taken.state_hash))) as {
        verifier: string;
        state: string;
      };
      try {
        await finishSignIn(parts, row, taken.user_id, {
          ...{ code: answer.code, iss: answer.iss, begun: { ...kept, url: null } },
        });
      } catch (error) {
        return { server_id: row.id, problem: error instanceof Error ? error.message.slice(0, 300) : 'unknown' };
      }
      await database.transaction(call, async (tx) => {
        const details = { slug: row.slug, for: taken.user_id === null ? 'organisation' : 'person' };
        tx.audit({ action: 'tool_servers.connect', target_type: 'tool_server', target_id: row.id, details });
        tx.emit({ kind: toolEvents.serverChanged, id: row.id, body: { slug: row.slug, name: row.name } });
      });
      await hub.forget(row.id, taken.user_id);
      await ask(row, taken.user_id);
      return { server_id: row.id, problem: null };
    },

    disconnect: async (call: Call, id: string): Promise<ToolServer> => {
      const row = await found(call, id);
      const user_id = requireSignIn(call, row);
      await database.transaction(call, async (tx) => {
        await connectionsStore.remove(tx.db, id, user_id);
        tx.audit({
          action: 'tool_servers.disconnect',
          target_type: 'tool_server',
          target_id: id,
          details: { slug: row.slug },
        });
        tx.emit({ kind: toolEvents.serverChanged, id, body: { slug: row.slug, name: row.name } });
      });
      await hub.forget(id, user_id);
      return await shown(call, id);
    },

    /** Looks at servers that nobody asked for a while, and again at those that failed. */
    lookAround: async (): Promise<void> => {
      const now = clock.now();
      for (const row of await serversStore.due(database.read, now, new Date(now.getTime() - seenMs))) {
        if (row.transport === 'stdio' && !parts.settings().stdio) continue;
        const warm = hub.isWarm(row.id);
        await ask(row, null);
        // Only to look, a program need not stay.
        if (!warm && row.transport === 'stdio') await hub.forget(row.id);
      }
      await connectionsStore.pruneSignIns(database.read, now);
    },
  };
};

export type ServersService = ReturnType<typeof createServersService>;
