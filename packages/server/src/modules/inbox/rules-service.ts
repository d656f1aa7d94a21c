import {
  type Actor,
  type ApprovalReply,
  type ApprovalRequest,
  type alwaysRulesList,
  matchesAlwaysRule,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../platform/operations/caller.ts';
import { auditItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import type { ItemRow } from './items-rows.ts';
import { pageOf, pointOf } from './page-cursor.ts';
import {
  countUse,
  findLiveRules,
  findRules,
  insertRule,
  type RuleRow,
  revokeRule,
  revokeRulesOfItem,
} from './rules-store.ts';

export interface RulesService {
  list(call: Call, input: ParsedInputOf<typeof alwaysRulesList>): Promise<OutputOf<typeof alwaysRulesList>>;
  revoke(call: Call, id: string): Promise<void>;
  /** The rule that answers this approval, counted as used; null when a person must. */
  match(tx: Transaction, asking: Caller, item: ItemRow): Promise<RuleRow | null>;
  /** Writes the rule that a reply asks for. */
  add(tx: Transaction, call: Call, item: ItemRow, reply: ApprovalReply): Promise<void>;
  /** Ends what an answer allowed that is being taken back. */
  revokeOf(tx: Transaction, item: ItemRow): Promise<void>;
}

/** Owners and Admins look after everybody's rules; others see their own. */
const reach = (caller: Caller) => ({
  id: caller.id,
  all: caller.system_role === 'owner' || caller.system_role === 'admin',
});

export const createRulesService = ({ database, clock }: InboxParts): RulesService => ({
  list: async (call, input) => {
    const page = { limit: input.limit + 1, before: pointOf(input.cursor) };
    const { rows, next_cursor } = pageOf(
      await findRules(database.read, call.caller.org_id, reach(call.caller), page),
      input.limit,
    );
    return { items: rows.map(presentRule), next_cursor };
  },

  revoke: (call, id) =>
    database.transaction(call, async (tx) => {
      const rule = await revokeRule(tx.db, call.caller.org_id, id, reach(call.caller), clock.now());
      if (rule === null) throw notFound('The rule');
      tx.audit({
        action: 'always_rules.revoke',
        target_type: 'always_rule',
        target_id: id,
        details: { tool: rule.tool },
      });
    }),

  match: async (tx, asking, item) => {
    // What several people or another person must decide is not decided by the rule of one.
    if (item.kind !== 'approval' || item.require !== null || asking.kind === 'user') return null;
    const { tool, arguments: args } = item.approval as unknown as ApprovalRequest;
    const now = clock.now();
    const live = await findLiveRules(tx.db, item.org_id, asking.id, tool, now);
    const rule = live.find((one) => matchesAlwaysRule(one, tool, args));
    return rule === undefined ? null : countUse(tx.db, rule.id, now);
  },

  add: async (tx, call, item, reply) => {
    if (reply.kind !== 'accept' || reply.always_allow === undefined) return;
    const now = clock.now();
    const by = actorOf(call.caller);
    const id = newId();
    const { expires_in_s, argument_prefix } = reply.always_allow;
    const { tool } = item.approval as unknown as ApprovalRequest;
    await insertRule(tx.db, {
      id,
      org_id: item.org_id,
      agent_id: item.created_by_id,
      agent_type: item.created_by_type,
      agent_name: item.created_by_name,
      tool,
      argument_prefix,
      uses: 0,
      item_id: item.id,
      created_by_type: by.type,
      created_by_id: by.id,
      created_by_name: by.name,
      created_at: now,
      expires_at: new Date(now.getTime() + expires_in_s * 1000),
      revoked_at: null,
    });
    auditItem(tx, 'always_rules.create', item, { rule_id: id, tool, expires_in_s });
  },

  revokeOf: async (tx, item) => {
    for (const rule_id of await revokeRulesOfItem(tx.db, item.org_id, item.id, clock.now())) {
      auditItem(tx, 'always_rules.revoke', item, { rule_id });
    }
  },
});

const presentRule = (rule: RuleRow): OutputOf<typeof alwaysRulesList>['items'][number] => ({
  id: rule.id,
  agent: { type: rule.agent_type, id: rule.agent_id, name: rule.agent_name } satisfies Actor,
  tool: rule.tool,
  argument_prefix: rule.argument_prefix,
  uses: rule.uses,
  created_by: { type: rule.created_by_type, id: rule.created_by_id, name: rule.created_by_name },
  created_at: rule.created_at.toISOString(),
  expires_at: rule.expires_at?.toISOString() ?? null,
  revoked_at: rule.revoked_at?.toISOString() ?? null,
});
