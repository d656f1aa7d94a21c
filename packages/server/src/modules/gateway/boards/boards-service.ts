import {
  type AppView,
  type Board,
  type BoardSummary,
  boardLimits,
  type boardsCreate,
  type boardsList,
  type boardsUpdate,
  hasPermission,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { storableText } from '../../../platform/db/storable.ts';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../../platform/operations/caller.ts';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import { personBehind } from '../access-policy.ts';
import type { AppsService } from '../apps-service.ts';
import { appsStore, type Db } from '../apps-store.ts';
import type { GatewayParts } from '../gateway-parts.ts';
import { boardEvents } from './boards-events.ts';
import type { BoardRow, StoredGroup, StoredItem } from './boards-rows.ts';
import { boardsStore } from './boards-store.ts';

const noBoard = (): AppError => notFound('The board');

/** What a shared board shows is decided by whoever looks after the apps. */
const mayChange = (caller: Caller, { owner_id }: Pick<BoardRow, 'owner_id'>): boolean =>
  owner_id === null ? hasPermission(caller.permissions, 'routes.write') : owner_id === personBehind(caller);

const requireChange = (caller: Caller, board: Pick<BoardRow, 'owner_id'>): void => {
  if (mayChange(caller, board)) return;
  throw new AppError('permission_denied', 'A board of the organisation needs the permission routes.write.', {
    extensions: { required: 'routes.write' },
  });
};

const requireVersion = (row: BoardRow, version: number | undefined): void => {
  if (version !== undefined && version !== row.version)
    throw new AppError('generation_conflict', 'The board was changed meanwhile; read it again.', {
      extensions: { version: row.version },
    });
};

const shownOf = (row: BoardRow, caller: Caller) => ({
  id: row.id,
  name: row.name,
  shared: row.owner_id === null,
  editable: mayChange(caller, row),
  position: row.position,
  version: row.version,
  created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});

type GroupsInput = ParsedInputOf<typeof boardsCreate>['groups'];

/** Apps and links that people put together: each for themselves, or for the organisation. */
export const createBoardsService = (parts: GatewayParts, apps: AppsService) => {
  const { database, clock } = parts;

  /** Apps of the organisation that are there, whoever may open them. */
  const present = async (db: Db, caller: Caller): Promise<ReadonlyMap<string, string>> =>
    new Map((await appsStore.list(db, caller.org_id, {})).map(({ id, slug }) => [id, slug]));

  const view = (
    row: BoardRow,
    caller: Caller,
    open: ReadonlyMap<string, AppView>,
    there: ReadonlySet<string>,
  ): Board => ({
    ...shownOf(row, caller),
    groups: row.groups.map(({ id, name, items }) => ({
      id,
      name,
      items: items.flatMap((item): Board['groups'][number]['items'] => {
        if (item.kind === 'link') return [item];
        const { app_id, ...rest } = item;
        const app = open.get(app_id) ?? null;
        // That an app exists is nothing to learn from what others share. Of one's own it is kept, for it may come back.
        if (app === null && (row.owner_id === null || !there.has(app_id))) return [];
        return [{ ...rest, app }];
      }),
    })),
  });

  const shown = async (db: Db, caller: Caller, row: BoardRow): Promise<Board> =>
    view(row, caller, await apps.openViews(db, caller), new Set((await present(db, caller)).keys()));

  /**
   * What is to be stored for what was written. An item that is on the board keeps its app; what left the organisation
   * meanwhile is dropped, so that nobody has to clear up before they may save.
   */
  const stored = async (
    db: Db,
    caller: Caller,
    groups: GroupsInput,
    before: readonly StoredGroup[],
  ): Promise<StoredGroup[]> => {
    const open = await apps.openViews(db, caller);
    const bySlug = new Map([...open.values()].map((app) => [app.slug, app.id]));
    const there = await present(db, caller);
    const known = new Map(before.flatMap(({ items }) => items).map((item) => [item.id, item]));
    const knownGroups = new Set(before.map(({ id }) => id));
    const taken = new Set<string>();
    /** An id that is the board's own already; everything else gets a new one, once. */
    const idFor = (wanted: string | undefined, isKnown: boolean): string => {
      const id = wanted !== undefined && isKnown && !taken.has(wanted) ? wanted : newId();
      taken.add(id);
      return id;
    };
    const problems: { path: string; message: string }[] = [];
    const result = groups.map(
      ({ id, name, items }, group): StoredGroup => ({
        id: idFor(id, id !== undefined && knownGroups.has(id)),
        name: storableText(name),
        items: items.flatMap((item, index): StoredItem[] => {
          const old = item.id === undefined ? undefined : known.get(item.id);
          const own = idFor(item.id, old !== undefined && old.kind === item.kind);
          if (item.kind === 'link') {
            const { title, url, icon, description, size } = item;
            const texts = {
              title: storableText(title),
              icon: storableText(icon),
              description: storableText(description),
            };
            return [{ kind: 'link', id: own, size, url, ...texts }];
          }
          const kept = old?.kind === 'app' ? old.app_id : undefined;
          const app_id =
            item.app === undefined
              ? kept
              : (bySlug.get(item.app) ?? (kept && there.get(kept) === item.app ? kept : undefined));
          if (app_id === undefined) {
            problems.push({ path: `groups.${group}.items.${index}.app`, message: 'is no app that you may open' });
            return [];
          }
          const { size, widgets } = item;
          return there.has(app_id) ? [{ kind: 'app', id: own, size, widgets: [...new Set(widgets)], app_id }] : [];
        }),
      }),
    );
    if (problems.length > 0)
      throw new AppError('validation_failed', 'The board names an app that is not there for you.', {
        errors: problems,
      });
    return result;
  };

  const fromApps = async (db: Db, caller: Caller): Promise<StoredGroup[]> => {
    const views = [...(await apps.openViews(db, caller)).values()].filter(({ routes }) => routes.length > 0);
    const groups = [...Map.groupBy(views, ({ group }) => group ?? '')];
    const most = groups.slice(0, boardLimits.groups);
    let left: number = boardLimits.items;
    return most.map(([name, members]) => {
      const taken = members.slice(0, left);
      left -= taken.length;
      return {
        id: newId(),
        name: name.slice(0, 60),
        items: taken.map((app) => ({ kind: 'app', id: newId(), size: 'small', widgets: [], app_id: app.id })),
      };
    });
  };

  const tell = (tx: Transaction, what: keyof typeof boardEvents, row: BoardRow): void => {
    const { id, org_id, owner_id, name, version } = row;
    tx.emit({ kind: boardEvents[what], id, org_id, body: { owner_id, name, version } });
    tx.audit({
      action: `boards.${what.replace(/d$/, '')}`,
      target_type: 'board',
      target_id: id,
      details: { name, shared: owner_id === null },
    });
  };

  const locked = async (tx: Transaction, caller: Caller, id: string): Promise<BoardRow> => {
    const row = await boardsStore.find(tx.db, caller.org_id, personBehind(caller), id, true);
    if (row === null) throw noBoard();
    requireChange(caller, row);
    return row;
  };

  return {
    list: async (
      { caller }: Call,
      { limit, cursor }: ParsedInputOf<typeof boardsList>,
    ): Promise<OutputOf<typeof boardsList>> => {
      const rows = await boardsStore.page(database.read, caller.org_id, personBehind(caller), {
        limit: limit + 1,
        after: textPosition(cursor),
      });
      return toPage(
        rows,
        limit,
        ({ place, id }) => ({ value: place, id }),
        (row): BoardSummary => ({
          ...shownOf(row, caller),
          items: row.groups.reduce((sum, { items }) => sum + items.length, 0),
        }),
      );
    },

    get: async ({ caller }: Call, id: string): Promise<Board> => {
      const row = await boardsStore.find(database.read, caller.org_id, personBehind(caller), id);
      if (row === null) throw noBoard();
      return await shown(database.read, caller, row);
    },

    create: async (call: Call, input: ParsedInputOf<typeof boardsCreate>): Promise<Board> => {
      const { caller } = call;
      const owner_id = input.shared ? null : personBehind(caller);
      requireChange(caller, { owner_id });
      if (owner_id !== null && caller.kind !== 'user' && caller.kind !== 'device')
        throw new AppError('permission_denied', 'Boards of their own are for people; send `shared: true`.');
      return await database.transaction(call, async (tx) => {
        await boardsStore.lockOwner(tx.db, caller.org_id, owner_id);
        const { boards, next_position } = await boardsStore.standing(tx.db, caller.org_id, owner_id);
        if (boards >= boardLimits.boards)
          throw new AppError('plan_limit_exceeded', `There may be ${boardLimits.boards} such boards at most.`, {
            extensions: { limit: 'boards', max: boardLimits.boards },
          });
        const { type, id: by, name: by_name } = actorOf(caller);
        const at = clock.now();
        const row: BoardRow = {
          ...{ id: newId(), org_id: caller.org_id, owner_id, name: storableText(input.name), version: 1 },
          position: Math.min(next_position, 1000),
          groups: input.from_apps ? await fromApps(tx.db, caller) : await stored(tx.db, caller, input.groups, []),
          ...{ created_by_type: type, created_by_id: by, created_by_name: by_name, created_at: at, updated_at: at },
        };
        await boardsStore.insert(tx.db, row);
        tell(tx, 'created', row);
        return await shown(tx.db, caller, row);
      });
    },

    update: async (call: Call, input: ParsedInputOf<typeof boardsUpdate>): Promise<Board> => {
      const { caller } = call;
      return await database.transaction(call, async (tx) => {
        const row = await locked(tx, caller, input.id);
        requireVersion(row, input.version);
        const next: BoardRow = {
          ...row,
          name: input.name === undefined ? row.name : storableText(input.name),
          position: input.position ?? row.position,
          groups: input.groups === undefined ? row.groups : await stored(tx.db, caller, input.groups, row.groups),
          version: row.version + 1,
          updated_at: clock.now(),
        };
        await boardsStore.update(tx.db, row.id, next, next.updated_at);
        tell(tx, 'updated', next);
        return await shown(tx.db, caller, next);
      });
    },

    remove: async (call: Call, id: string): Promise<null> =>
      database.transaction(call, async (tx) => {
        const row = await locked(tx, call.caller, id);
        await boardsStore.remove(tx.db, row.id);
        tell(tx, 'deleted', row);
        return null;
      }),
  };
};
export type BoardsService = ReturnType<typeof createBoardsService>;
