import { hasPermission, hasScope } from '@atrium/protocol';
import { type RawBuilder, sql } from 'kysely';
import type { Caller } from '../../platform/operations/caller.ts';

/**
 * Who may see an item, said once:
 * - without items.read nobody sees anything; the creator always sees its own item;
 * - no channel: the whole organisation; a private or direct channel: its members; a channel of a team: the team, Owners
 *   and Admins; any other channel: every member;
 * - an agent sees its own items only, unless its item scope lists channels or says `org` (then as a member who belongs
 *   to no team and no private channel).
 * Being assignee, watcher or mentioned gives nothing.
 */

export type Condition = RawBuilder<boolean>;
/** A condition on the table alias it is asked for; stores put it into their statements. */
export type ConditionOn = (alias: string) => Condition;

/** The one looking, as SQL: values for a known caller, columns when the question is who all can see. */
interface Subject {
  org_id: RawBuilder<unknown>;
  id: RawBuilder<unknown>;
  is_person: Condition;
  is_admin: Condition;
}

const ref = (alias: string, column: string) => sql.ref(`${alias}.${column}`);
const never: Condition = sql<boolean>`false`;
const isTrue = (value: boolean): Condition => (value ? sql<boolean>`true` : never);

/** What a member may see of channel `c`. An agent belongs to no channel and no team. */
const seesChannelAsMember = (subject: Subject, c: string): Condition => sql<boolean>`(case
  when ${ref(c, 'mode')} <> 'open' then ${subject.is_person} and exists (
    select 1 from inbox_channel_members cm where cm.channel_id = ${ref(c, 'id')} and cm.user_id = ${subject.id})
  when ${ref(c, 'team_id')} is not null then ${subject.is_person} and (${subject.is_admin} or exists (
    select 1 from identity_team_people tp where tp.org_id = ${ref(c, 'org_id')} and tp.team_id = ${ref(c, 'team_id')} and tp.user_id = ${subject.id}))
  else true end)`;

const isSystem = (caller: Caller): boolean => caller.kind === 'system';
const mayRead = (caller: Caller): boolean => hasPermission(caller.permissions, 'items.read');

const isAdmin = (caller: Caller): boolean => caller.system_role === 'owner' || caller.system_role === 'admin';

const subjectOf = (caller: Caller): Subject => ({
  org_id: sql`${caller.org_id}::uuid`,
  id: sql`${caller.id}::uuid`,
  is_person: isTrue(caller.kind === 'user'),
  is_admin: isTrue(isAdmin(caller)),
});

/** Channels whose items the caller sees. Uncorrelated, so that PostgreSQL computes it once a statement. */
const seenChannels = (caller: Caller) => sql`array(
  select vc.id from inbox_channels vc where vc.org_id = ${caller.org_id}::uuid and ${seesChannelAsMember(subjectOf(caller), 'vc')})`;

const inItemScope = (caller: Caller, i: string): Condition => {
  const channel = ref(i, 'channel_id');
  switch (caller.item_scope.kind) {
    case 'own':
      return never;
    case 'channels':
      return sql<boolean>`${channel} = any(${[...caller.item_scope.channel_ids]}::uuid[])`;
    case 'org':
      return sql<boolean>`(${channel} is null or ${channel} = any(${seenChannels(caller)}))`;
    default:
      return caller.item_scope satisfies never;
  }
};

/** Items that the caller may see; `deleted` ones only for events and waits that outlive the item. */
export const visibleTo =
  (caller: Caller, options: { deleted?: boolean } = {}): ConditionOn =>
  (i) => {
    const alive = options.deleted === true ? sql`true` : sql`${ref(i, 'deleted_at')} is null`;
    const inOrg = sql`${ref(i, 'org_id')} = ${caller.org_id}::uuid and ${alive}`;
    if (isSystem(caller)) return sql<boolean>`(${inOrg})`;
    if (!mayRead(caller)) return never;
    return sql<boolean>`(${inOrg} and (${ref(i, 'created_by_id')} = ${caller.id}::uuid or ${inItemScope(caller, i)}))`;
  };

/** Callers of one shape get the same condition but for their ids; null where more than ids goes into it. */
const shapeOf = (caller: Caller): string | null => {
  if (caller.item_scope.kind === 'channels') return null;
  const { is_person, is_admin } = { is_person: caller.kind === 'user', is_admin: isAdmin(caller) };
  return [isSystem(caller), mayRead(caller), is_person, is_admin, caller.item_scope.kind].join(' ');
};

/** The caller as a reader of single items, in the form that lets stores keep their statement. */
export const readerOf = (caller: Caller) => ({
  id: caller.id,
  org_id: caller.org_id,
  shape: shapeOf(caller),
  visible: visibleTo(caller),
  visibleAs: (id: string, org_id: string) => visibleTo({ ...caller, id, org_id }),
});

/** Channels that the caller may see and name. An agent also names open ones, whatever its item scope. */
export const channelVisibleTo =
  (caller: Caller, options: { deleted?: boolean } = {}): ConditionOn =>
  (c) => {
    const alive = options.deleted === true ? sql`true` : sql`${ref(c, 'deleted_at')} is null`;
    const inOrg = sql`${ref(c, 'org_id')} = ${caller.org_id}::uuid and ${alive}`;
    if (isSystem(caller)) return sql<boolean>`(${inOrg})`;
    const listed =
      caller.kind !== 'user' && caller.item_scope.kind === 'channels'
        ? sql`${ref(c, 'id')} = any(${[...caller.item_scope.channel_ids]}::uuid[])`
        : sql`false`;
    return sql<boolean>`(${inOrg} and (${listed} or ${seesChannelAsMember(subjectOf(caller), c)}))`;
  };

const principal = (p: string): Subject => ({
  org_id: ref(p, 'org_id'),
  id: ref(p, 'id'),
  is_person: sql<boolean>`(${ref(p, 'type')} = 'user')`,
  is_admin: sql<boolean>`(${ref(p, 'system_role')} in ('owner', 'admin'))`,
});

/** `covers()` of the protocol, for this one permission. */
const activeReader = (p: string): Condition => sql<boolean>`(${ref(p, 'active')}
  and ${ref(p, 'permissions')} && array['*', 'items.*', 'items.read'])`;

/**
 * The same rule the other way round: rows `p` of identity_principals that see item `i`. Deletion is not looked at,
 * because the event about it goes to those who could see the item.
 */
export const audienceOf = (i: string, p: string): Condition => {
  const subject = principal(p);
  const channel = ref(i, 'channel_id');
  const scope = ref(p, 'item_scope');
  return sql<boolean>`(${ref(p, 'org_id')} = ${ref(i, 'org_id')} and ${activeReader(p)} and (
    ${ref(p, 'id')} = ${ref(i, 'created_by_id')}
    or (${scope}->>'kind' = 'org' and (${channel} is null or exists (
      select 1 from inbox_channels ac where ac.org_id = ${ref(i, 'org_id')} and ac.id = ${channel} and ${seesChannelAsMember(subject, 'ac')})))
    or (${scope}->>'kind' = 'channels' and coalesce(${scope}->'channel_ids' ? (${channel})::text, false))))`;
};

/** Rows `p` of identity_principals that see channel `c`. */
export const channelAudienceOf = (c: string, p: string): Condition => sql<boolean>`(
  ${ref(p, 'org_id')} = ${ref(c, 'org_id')} and ${activeReader(p)} and (
    (${ref(p, 'item_scope')}->>'kind' = 'channels' and coalesce(${ref(p, 'item_scope')}->'channel_ids' ? (${ref(c, 'id')})::text, false))
    or ${seesChannelAsMember(principal(p), c)}))`;

/** May this caller be told about items at all? Tokens narrow what the role allows. */
export const mayHear = (caller: Caller): boolean =>
  isSystem(caller) || (mayRead(caller) && hasScope(caller.scopes, 'inbox:read'));

/** Four-eyes: neither the requester nor the person behind the requesting agent decides. */
export const isRequester = (
  caller: Caller,
  item: { created_by_id: string; created_by_owner_id: string | null },
): boolean =>
  caller.id === item.created_by_id || (item.created_by_owner_id !== null && caller.id === item.created_by_owner_id);
