import type { ToolDefinition } from '@atrium/protocol';
import type { Caller } from '../../platform/operations/caller.ts';
import { definitionsStore } from './definitions-store.ts';
import { mayInvoke, offeredName, policyFor } from './policy.ts';
import type { ToolsParts } from './tools-parts.ts';

/** Tools as clients of /mcp are shown them: exactly what was approved, under our name. */
export const createOfferedTools =
  ({ database }: Pick<ToolsParts, 'database'>) =>
  async (caller: Caller): Promise<ToolDefinition[]> => {
    if (!mayInvoke(caller)) return [];
    const rows = await definitionsStore.callable(database.read, caller.org_id);
    return rows
      .filter((row) => row.approved !== null && policyFor(row, caller) !== 'deny')
      .map((row) => ({
        ...row.approved!,
        name: offeredName(row),
        ...(row.description_override === null ? {} : { description: row.description_override }),
      }));
  };

export type OfferedTools = ReturnType<typeof createOfferedTools>;
