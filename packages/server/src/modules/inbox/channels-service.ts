import {
  type ChannelView,
  type channelsCreate,
  type channelsList,
  type channelsUpdate,
  hasPermission,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { storableText } from '../../platform/db/storable.ts';
import { invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf, type Caller } from '../../platform/operations/caller.ts';
import {
  addChannelMembers,
  type ChannelDetails,
  type ChannelReader,
  type ChannelRow,
  deleteChannel,
  findActivePeople,
  findChannel,
  findChannelDetails,
  findTeam,
  insertChannel,
  listChannels,
  lockChannel,
  unassignBlind,
  updateChannel,
} from './channels-store.ts';
import { refuse } from './creation-checks.ts';
import { denied } from './inbox-errors.ts';
import type { InboxParts } from './inbox-parts.ts';
import { audienceOf, channelVisibleTo, visibleTo } from './inbox-policy.ts';
import type { Db } from './items-store.ts';
import { keyPageOf, keyPointOf } from './key-cursor.ts';
import { orNameTaken } from './name-taken.ts';

export interface ChannelsService {
  list(call: Call, input: ParsedInputOf<typeof channelsList>): Promise<OutputOf<typeof channelsList>>;
  get(call: Call, id: string): Promise<ChannelView>;
  create(call: Call, input: ParsedInputOf<typeof channelsCreate>): Promise<ChannelView>;
  update(call: Call, input: ParsedInputOf<typeof channelsUpdate>): Promise<ChannelView>;
  remove(call: Call, id: string): Promise<void>;
}

export const noChannel = () => notFound('The channel');

/** What the server keeps for itself, such as the notices of Owners and Admins, nobody changes. */
const isKept = (channel: ChannelRow): boolean => channel.purpose !== null;

const mayManage = (caller: Caller, channel: ChannelRow): boolean =>
  hasPermission(caller.permissions, 'channels.manage') && !isKept(channel);

export const requireChannel = async (db: Db, caller: Caller, id: string): Promise<ChannelRow> => {
  const channel = await findChannel(db, channelVisibleTo(caller), id);
  if (channel === null) throw noChannel();
  return channel;
};

/** Seen by the caller, locked, and not one of the server's own. */
export const lockChannelFor = async (tx: Transaction, caller: Caller, id: string): Promise<ChannelRow> => {
  const channel = await lockChannel(tx.db, channelVisibleTo(caller), id);
  if (channel === null) throw noChannel();
  if (isKept(channel)) throw denied('The server keeps this channel itself.', 'system');
  return channel;
};

/** Announces a channel as it is now; open connections judge anew what they may see. */
export const announceChannel = (
  tx: Transaction,
  channel: Pick<ChannelRow, 'id' | 'name' | 'mode' | 'team_id'>,
  more: Record<string, unknown> = {},
): void =>
  tx.emit({
    kind: 'inbox.channel.updated',
    id: channel.id,
    body: { name: channel.name, mode: channel.mode, team_id: channel.team_id, ...more },
  });

export const auditChannel = (
  tx: Transaction,
  action: string,
  channel: Pick<ChannelRow, 'id'>,
  details: Record<string, unknown> = {},
): void => tx.audit({ action, target_type: 'channel', target_id: channel.id, details });

/** Nobody stays responsible for an item that a change of the channel took out of their sight. */
export const unassignWhoSeeNoMore = async (tx: Transaction, channel: ChannelRow, at: Date): Promise<void> => {
  const ids = await unassignBlind(tx.db, channel, audienceOf, at);
  if (ids.length > 0) tx.emit({ kind: 'inbox.bulk.updated', id: newId(), body: { op: 'assign', ids } });
};

const readerOf = (caller: Caller): ChannelReader => ({
  id: caller.id,
  org_id: caller.org_id,
  item: visibleTo(caller),
});

/** A channel goes only to a team that the caller would see it through, or it would be lost to whoever made it. */
const requireTeam = async (tx: Transaction, caller: Caller, team_id: string): Promise<void> => {
  const team = await findTeam(tx.db, caller.org_id, team_id, caller.id);
  const admin = caller.system_role === 'owner' || caller.system_role === 'admin';
  if (team === null || !(admin || team.is_member)) throw notFound('The team');
};

const requirePeople = async (tx: Transaction, org_id: string, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return;
  const known = new Set((await findActivePeople(tx.db, org_id, ids)).map((person) => person.id));
  const errors = ids.flatMap((id, i) =>
    known.has(id) ? [] : [{ path: `members.${i}`, message: 'is nobody in this organisation' }],
  );
  if (errors.length > 0) refuse(errors);
};

/** An agent is in no team and no private channel, so it could not see what it made. */
const requirePersonFor = (caller: Caller, channel: Pick<ChannelRow, 'mode' | 'team_id'>): void => {
  if (caller.kind === 'user' || caller.kind === 'system') return;
  if (channel.mode !== 'open') throw invalid('mode', 'only people have private channels');
  if (channel.team_id !== null) throw invalid('team_id', 'only people have channels of a team');
};

export const createChannelsService = ({ database, clock }: InboxParts): ChannelsService => {
  const viewOf = async (db: Db, caller: Caller, id: string): Promise<ChannelView> => {
    const channel = await findChannelDetails(db, readerOf(caller), id);
    if (channel === null) throw noChannel();
    return present(channel, caller);
  };

  return {
    list: async (call, input) => {
      const page = { limit: input.limit + 1, after: keyPointOf(input.cursor), q: input.q };
      const rows = await listChannels(database.read, readerOf(call.caller), channelVisibleTo(call.caller), page);
      const { rows: shown, next_cursor } = keyPageOf(rows, input.limit, (row) => row.name.toLowerCase());
      return { items: shown.map((row) => present(row, call.caller)), next_cursor };
    },

    get: async (call, id) => {
      await requireChannel(database.read, call.caller, id);
      return viewOf(database.read, call.caller, id);
    },

    create: (call, input) =>
      database.transaction(call, async (tx) => {
        const { caller } = call;
        const channel: ChannelRow = {
          id: newId(),
          org_id: caller.org_id,
          name: input.name,
          description: storableText(input.description),
          mode: input.mode,
          team_id: input.team_id ?? null,
          critical: input.critical,
          purpose: null,
          created_at: clock.now(),
        };
        requirePersonFor(caller, channel);
        if (channel.team_id !== null) await requireTeam(tx, caller, channel.team_id);
        const members = [...new Set(input.members)];
        await requirePeople(tx, caller.org_id, members);
        await orNameTaken(channel.name, insertChannel(tx.db, { ...channel, created_by: actorOf(caller) }));
        const self = channel.mode !== 'open' && caller.kind === 'user' ? [caller.id] : [];
        const people = [...new Set([...self, ...members])];
        await addChannelMembers(tx.db, channel, people, clock.now());
        announceChannel(tx, channel);
        auditChannel(tx, 'channels.create', channel, {
          name: channel.name,
          mode: channel.mode,
          team_id: channel.team_id,
          members: people,
        });
        return viewOf(tx.db, caller, channel.id);
      }),

    update: (call, input) =>
      database.transaction(call, async (tx) => {
        const { caller } = call;
        const before = await lockChannelFor(tx, caller, input.id);
        const after: ChannelRow = {
          ...before,
          name: input.name ?? before.name,
          description: storableText(input.description ?? before.description),
          mode: input.mode ?? before.mode,
          team_id: input.team_id === undefined ? before.team_id : input.team_id,
          critical: input.critical ?? before.critical,
        };
        const changed = (['name', 'description', 'mode', 'team_id', 'critical'] as const).filter(
          (member) => before[member] !== after[member],
        );
        if (changed.length === 0) return viewOf(tx.db, caller, before.id);
        requirePersonFor(caller, after);
        if (after.team_id !== null && changed.includes('team_id')) await requireTeam(tx, caller, after.team_id);
        await orNameTaken(after.name, updateChannel(tx.db, after));
        // Who closes a channel stays in it: a private channel without anybody could never be opened again.
        const closed = before.mode === 'open' && after.mode !== 'open';
        if (closed && caller.kind === 'user') await addChannelMembers(tx.db, after, [caller.id], clock.now());
        if (changed.includes('mode') || changed.includes('team_id')) await unassignWhoSeeNoMore(tx, after, clock.now());
        announceChannel(tx, after, { changed });
        auditChannel(tx, 'channels.update', after, {
          changed: Object.fromEntries(
            changed.filter((member) => member !== 'description').map((member) => [member, after[member]]),
          ),
        });
        return viewOf(tx.db, caller, after.id);
      }),

    remove: (call, id) =>
      database.transaction(call, async (tx) => {
        const channel = await lockChannelFor(tx, call.caller, id);
        const archived_items = await deleteChannel(tx.db, channel, clock.now());
        tx.emit({ kind: 'inbox.channel.deleted', id, body: { name: channel.name, archived_items } });
        auditChannel(tx, 'channels.delete', channel, { name: channel.name, archived_items });
      }),
  };
};

const present = (channel: ChannelDetails, caller: Caller): ChannelView => ({
  id: channel.id,
  name: channel.name,
  description: channel.description,
  mode: channel.mode,
  team: channel.team_id === null ? null : { id: channel.team_id, name: channel.team_name ?? '' },
  critical: channel.critical,
  open_items: channel.open_items,
  members: channel.members,
  rules: {
    muted: channel.muted ?? false,
    min_level: channel.min_level ?? 'info',
    sound: channel.sound ?? 'default',
    email_enabled: channel.email_enabled ?? false,
    email_digest: channel.email_digest ?? false,
  },
  can_manage: mayManage(caller, channel),
  created_at: channel.created_at.toISOString(),
});
