import type {
  OutputOf,
  ParsedInputOf,
  Script,
  scriptsAvailable,
  scriptsConfirm,
  scriptsList,
  scriptsRegister,
  scriptsUpdate,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf } from '../../../platform/operations/caller.ts';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import { definitionProblems, isReserved } from './parameters.ts';
import type { RunQueue } from './run-queue.ts';
import type { FileState, ScriptFiles, ScriptKind } from './script-files.ts';
import { scriptEvents, seesAll } from './scripts-events.ts';
import { type ScriptsParts, scriptPlace } from './scripts-parts.ts';
import type { LastRun, ScriptRow } from './scripts-rows.ts';
import { type ScriptColumns, scriptsStore } from './scripts-store.ts';
import { seal } from './sealing.ts';
import { inUse, namedOnce, requireEnabled, requireVersion } from './service-checks.ts';

const noScript = (): AppError => notFound('The script');

const viewOf = (row: ScriptRow, file: FileState, last: LastRun | undefined): Script => {
  const same = file.state === 'found' && file.file.digest === row.digest;
  const kind: ScriptKind = file.state === 'found' ? file.file.kind : 'program';
  return {
    ...{ id: row.id, name: row.name, description: row.description, category: row.category, path: row.path, kind },
    ...{ digest: row.digest, size: row.size },
    file: file.state === 'found' ? (same ? 'same' : 'changed') : file.state,
    found_digest: file.state === 'found' && !same ? file.file.digest : null,
    ...{ timeout_s: row.timeout_s, parameters: row.parameters, environment: row.environment_names },
    ...{ scopes: row.scopes, dry_run_command: row.dry_run_command, image: row.image, max_parallel: row.max_parallel },
    ...{ approver_id: row.approver_id, version: row.version },
    created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    last_run: last === undefined ? null : { id: last.id, state: last.state, at: last.created_at.toISOString() },
  };
};

const requireSound = (input: {
  parameters: ScriptRow['parameters'];
  environment: Readonly<Record<string, string>>;
}): void => {
  const errors = definitionProblems(input.parameters);
  const named = new Set(input.parameters.map(({ name }) => name));
  for (const name of Object.keys(input.environment)) {
    if (isReserved(name))
      errors.push({ path: `environment.${name}`, message: 'decides how programs run; take another' });
    if (named.has(name)) errors.push({ path: `environment.${name}`, message: 'is a parameter as well' });
  }
  if (errors.length === 0) return;
  throw new AppError(
    'validation_failed',
    `The script cannot be kept like that: ${errors[0]!.path} ${errors[0]!.message}.`,
    {
      errors,
    },
  );
};

/** Files that an operator made runnable, and under which terms. */
export const createScriptsService = (parts: ScriptsParts, files: ScriptFiles, queue: RunQueue) => {
  const { database, clock, settings } = parts;

  const views = async (call: Call, rows: readonly ScriptRow[]): Promise<Script[]> => {
    const { caller } = call;
    const last = await scriptsStore.lastRuns(
      database.read,
      rows.map(({ id }) => id),
      seesAll(caller) ? null : caller.id,
    );
    return await Promise.all(rows.map(async (row) => viewOf(row, await files.state(row.path), last.get(row.id))));
  };

  const shown = async (call: Call, id: string): Promise<Script> => {
    const row = await scriptsStore.find(database.read, call.caller.org_id, id);
    if (row === null) throw noScript();
    return (await views(call, [row]))[0]!;
  };

  const tell = (tx: Transaction, event: 'registered' | 'updated' | 'deleted', row: ScriptRow, action: string): void => {
    tx.emit({ kind: scriptEvents[event], id: row.id, org_id: row.org_id, body: { name: row.name } });
    tx.audit({
      ...{ action, target_type: 'script', target_id: row.id },
      details: { name: row.name, path: row.path, digest: row.digest },
    });
  };

  return {
    available: async (call: Call): Promise<OutputOf<typeof scriptsAvailable>> => {
      requireEnabled(parts);
      const { default_timeout_s, max_output_bytes, allow_host } = settings();
      const found = await files.list();
      const taken = Map.groupBy(await scriptsStore.byPaths(database.read, call.caller.org_id), (one) => one.path);
      return {
        ...{
          directory: files.directory,
          runner: allow_host ? 'host' : 'container',
          default_timeout_s,
          max_output_bytes,
        },
        files: found.files.map(({ path, state }) => ({
          path,
          kind: state.state === 'found' ? state.file.kind : null,
          size: state.state === 'found' ? state.file.size : 0,
          digest: state.state === 'found' ? state.file.digest : null,
          refused: state.state === 'refused' ? state.why : state.state === 'missing' ? 'It is gone.' : null,
          script_ids: (taken.get(path) ?? []).map(({ id }) => id),
        })),
        left_out: found.left_out,
      };
    },

    list: async (call: Call, { q, limit, cursor }: ParsedInputOf<typeof scriptsList>) => {
      requireEnabled(parts);
      const page = { limit: limit + 1, after: textPosition(cursor) };
      const rows = await scriptsStore.page(
        database.read,
        call.caller.org_id,
        q === undefined || q === '' ? null : q,
        page,
      );
      const cut = toPage(
        rows,
        limit,
        ({ name, id }) => ({ value: name, id }),
        (row) => row,
      );
      return { items: await views(call, cut.items), next_cursor: cut.next_cursor };
    },

    get: async (call: Call, id: string): Promise<Script> => {
      requireEnabled(parts);
      return await shown(call, id);
    },

    register: async (call: Call, input: ParsedInputOf<typeof scriptsRegister>): Promise<Script> => {
      requireEnabled(parts);
      requireSound(input);
      const { org_id } = call.caller;
      await queue.requireApprover(org_id, input.approver_id);
      const file = await files.read(input.path);
      const { environment, timeout_s, ...fields } = input;
      const { type, id: by, name: by_name } = actorOf(call.caller);
      const act = database.transaction(call, async (tx) => {
        const id = newId();
        const at = clock.now();
        const row: ScriptRow = {
          ...fields,
          ...{ id, org_id, digest: file.digest, size: file.size, version: 1 },
          timeout_s: timeout_s ?? settings().default_timeout_s,
          environment: seal(parts, environment, scriptPlace(id)),
          environment_names: Object.keys(environment),
          ...{ created_by_type: type, created_by_id: by, created_by_name: by_name, created_at: at, updated_at: at },
        };
        await scriptsStore.insert(tx.db, row);
        tell(tx, 'registered', row, 'scripts.register');
        return viewOf(row, { state: 'found', file }, undefined);
      });
      return await namedOnce('script', act);
    },

    update: async (call: Call, input: ParsedInputOf<typeof scriptsUpdate>): Promise<Script> => {
      requireEnabled(parts);
      const { id, version, environment, ...given } = input;
      const { org_id } = call.caller;
      if (given.approver_id !== undefined) await queue.requireApprover(org_id, given.approver_id);
      const file = given.path === undefined ? null : await files.read(given.path);
      const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      const act = database.transaction(call, async (tx) => {
        const row = await scriptsStore.lock(tx.db, org_id, id);
        if (row === null) throw noScript();
        requireVersion(row, version);
        const next: ScriptColumns & Pick<ScriptRow, 'id' | 'org_id'> = { ...row, ...changes };
        if (file !== null && given.path !== row.path) Object.assign(next, { digest: file.digest, size: file.size });
        if (environment !== undefined) {
          next.environment = seal(parts, environment, scriptPlace(id));
          next.environment_names = Object.keys(environment);
        }
        requireSound({
          parameters: next.parameters,
          environment: Object.fromEntries(next.environment_names.map((name) => [name, ''])),
        });
        await scriptsStore.update(tx.db, id, next, clock.now());
        tell(tx, 'updated', { ...row, ...next }, 'scripts.update');
      });
      await namedOnce('script', act);
      return await shown(call, id);
    },

    confirm: async (call: Call, { id, digest }: ParsedInputOf<typeof scriptsConfirm>): Promise<Script> => {
      requireEnabled(parts);
      const { org_id } = call.caller;
      const before = await scriptsStore.find(database.read, org_id, id);
      if (before === null) throw noScript();
      const file = await files.read(before.path);
      if (file.digest !== digest)
        throw new AppError('script_changed', 'The file has changed again since you looked at it.', {
          extensions: { digest: before.digest, found_digest: file.digest },
        });
      await database.transaction(call, async (tx) => {
        const row = await scriptsStore.lock(tx.db, org_id, id);
        if (row === null || row.path !== before.path) throw noScript();
        const next = { ...row, digest, size: file.size };
        await scriptsStore.update(tx.db, id, next, clock.now());
        tx.emit({ kind: scriptEvents.updated, id, org_id, body: { name: row.name } });
        tx.audit({
          ...{ action: 'scripts.confirm', target_type: 'script', target_id: id },
          details: { name: row.name, path: row.path, before: row.digest, digest },
        });
      });
      return await shown(call, id);
    },

    remove: async (call: Call, id: string): Promise<null> => {
      requireEnabled(parts);
      const { org_id } = call.caller;
      return await database.transaction(call, async (tx) => {
        const row = await scriptsStore.lock(tx.db, org_id, id);
        if (row === null) throw noScript();
        const names = await scriptsStore.neededBy(tx.db, org_id, id);
        if (names.length > 0) throw inUse(row.name, names);
        await scriptsStore.remove(tx.db, org_id, id);
        tell(tx, 'deleted', row, 'scripts.delete');
        return null;
      });
    },
  };
};

export type ScriptsService = ReturnType<typeof createScriptsService>;
