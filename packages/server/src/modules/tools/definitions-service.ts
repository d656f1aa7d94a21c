import type {
  OutputOf,
  ParsedInputOf,
  ToolDetail,
  ToolRow,
  toolsApprove,
  toolsList,
  toolsUpdate,
} from '@atrium/protocol';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { textPosition, toPage } from '../../platform/paging/keyset.ts';
import { definitionsStore } from './definitions-store.ts';
import { isDestructive, isReadOnly } from './fingerprint.ts';
import { manages, offeredName, policyFor, stateOf, toolEvents } from './policy.ts';
import type { ToolsParts } from './tools-parts.ts';
import type { OfferedRow } from './tools-rows.ts';

const noTool = (): AppError => notFound('The tool');

const viewOf = (caller: Caller, row: OfferedRow): ToolRow => {
  const told = row.approved ?? row.found;
  return {
    ...{ id: row.id, server_id: row.server_id, server_slug: row.slug, name: row.name, offered_as: offeredName(row) },
    ...{ alias: row.alias, description_override: row.description_override, state: stateOf(row), listed: row.listed },
    ...{ policy: row.policy, role_policies: row.role_policies, your_policy: policyFor(row, caller) },
    description: row.description_override ?? told.description ?? '',
    ...{ read_only: isReadOnly(told), destructive: isDestructive(told) },
    ...{ fingerprint: row.approved_fingerprint, found_fingerprint: row.found_fingerprint },
    found_at: row.found_at.toISOString(),
    approved_at: row.approved_at?.toISOString() ?? null,
    approved_by:
      row.approved_by_name === null ? null : { type: 'user', id: row.approved_by_id, name: row.approved_by_name },
    version: row.version,
  };
};

const detailOf = (caller: Caller, row: OfferedRow): ToolDetail => ({
  ...viewOf(caller, row),
  definition: row.approved,
  found: manages(caller) ? row.found : null,
});

const isCallable = (row: OfferedRow, caller: Caller): boolean =>
  row.enabled && row.listed && stateOf(row) === 'approved' && policyFor(row, caller) !== 'deny';

/** Tools as they are approved, named, allowed and listed. */
export const createDefinitionsService = ({ database, clock }: ToolsParts) => ({
  list: async (call: Call, input: ParsedInputOf<typeof toolsList>): Promise<OutputOf<typeof toolsList>> => {
    const { caller } = call;
    const { server_id = null, state = null, q, limit, cursor } = input;
    const filter = { server_id, state, q: q === undefined || q === '' ? null : q, callable: !manages(caller) };
    const page = { limit: limit + 1, after: textPosition(cursor) };
    const rows = await definitionsStore.page(database.read, caller.org_id, filter, page);
    const cut = toPage(
      rows,
      limit,
      ({ name, id }) => ({ value: name, id }),
      (row) => row,
    );
    const seen = cut.items.filter((row) => manages(caller) || isCallable(row, caller));
    return { items: seen.map((row) => viewOf(caller, row)), next_cursor: cut.next_cursor };
  },

  get: async (call: Call, id: string): Promise<ToolDetail> => {
    const { caller } = call;
    const row = await definitionsStore.find(database.read, caller.org_id, id);
    if (row === null || !(manages(caller) || isCallable(row, caller))) throw noTool();
    return detailOf(caller, row);
  },

  update: async (call: Call, input: ParsedInputOf<typeof toolsUpdate>): Promise<ToolDetail> => {
    const { id, version, ...given } = input;
    const { org_id } = call.caller;
    const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const roles = given.role_policies?.map(({ role }) => role) ?? [];
    if (new Set(roles).size < roles.length) throw invalid('role_policies', 'must name each role once');
    try {
      return await database.transaction(call, async (tx) => {
        const row = await definitionsStore.lock(tx.db, org_id, id);
        if (row === null) throw noTool();
        if (version !== undefined && version !== row.version)
          throw new AppError('generation_conflict', 'It was changed meanwhile; read it again.', {
            extensions: { version: row.version },
          });
        const next = { ...row, ...changes };
        await definitionsStore.update(tx.db, next);
        tx.emit({ kind: toolEvents.toolsChanged, id: row.server_id, org_id, body: { slug: row.slug } });
        tx.audit({
          ...{ action: 'tools.update', target_type: 'tool', target_id: id },
          details: { tool: offeredName(row), ...changes },
        });
        return detailOf(call.caller, { ...next, version: row.version + 1 });
      });
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code !== '23505') throw error;
      throw new AppError('name_taken', 'Another tool of this server is offered under this name.', { cause: error });
    }
  },

  /** All or nothing: what was looked at is what is approved. */
  approve: async (
    call: Call,
    { definitions }: ParsedInputOf<typeof toolsApprove>,
  ): Promise<OutputOf<typeof toolsApprove>> => {
    const { caller } = call;
    return await database.transaction(call, async (tx) => {
      const at = clock.now();
      const items: ToolRow[] = [];
      // In one order, so that two people do not wait for each other.
      for (const { id, fingerprint } of definitions.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
        const row = await definitionsStore.lock(tx.db, caller.org_id, id);
        if (row === null || !row.present) throw noTool();
        if (row.found_fingerprint !== fingerprint)
          throw new AppError(
            'tool_definition_changed',
            `The definition of ${offeredName(row)} has changed again since you looked at it.`,
            { extensions: { tool: row.id, fingerprint, found_fingerprint: row.found_fingerprint } },
          );
        await definitionsStore.approve(tx.db, id, { id: caller.id, name: caller.name }, at);
        tx.audit({
          ...{ action: 'tools.approve', target_type: 'tool', target_id: id },
          details: { tool: offeredName(row), before: row.approved_fingerprint, fingerprint },
        });
        items.push(viewOf(caller, (await definitionsStore.find(tx.db, caller.org_id, id))!));
      }
      const slugs = new Map(items.map(({ server_id, server_slug }) => [server_id, server_slug]));
      for (const [id, slug] of slugs) tx.emit({ kind: toolEvents.toolsChanged, id, body: { slug } });
      return { items };
    });
  },
});

export type DefinitionsService = ReturnType<typeof createDefinitionsService>;
