import {
  type channelsAddMember,
  type channelsListMembers,
  type channelsRemoveMember,
  hasPermission,
  type OutputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import {
  announceChannel,
  auditChannel,
  lockChannelFor,
  requireChannel,
  unassignWhoSeeNoMore,
} from './channels-service.ts';
import {
  addChannelMembers,
  countChannelMembers,
  findActivePeople,
  listChannelPeople,
  type MemberRow,
  removeChannelMember,
} from './channels-store.ts';
import { denied } from './inbox-errors.ts';
import type { InboxParts } from './inbox-parts.ts';
import { pageOf, pointOf } from './page-cursor.ts';

type MemberView = OutputOf<typeof channelsAddMember>;

export interface ChannelMembersService {
  list(call: Call, input: ParsedInputOf<typeof channelsListMembers>): Promise<OutputOf<typeof channelsListMembers>>;
  add(call: Call, input: ParsedInputOf<typeof channelsAddMember>): Promise<MemberView>;
  remove(call: Call, input: ParsedInputOf<typeof channelsRemoveMember>): Promise<void>;
}

export const createChannelMembersService = ({ database, clock }: InboxParts): ChannelMembersService => ({
  list: async (call, input) => {
    const channel = await requireChannel(database.read, call.caller, input.id);
    const page = { limit: input.limit + 1, after: pointOf(input.cursor) };
    const { rows, next_cursor } = pageOf(await listChannelPeople(database.read, channel, page), input.limit);
    return { items: rows.map(present), next_cursor };
  },

  add: (call, input) =>
    database.transaction(call, async (tx) => {
      const channel = await lockChannelFor(tx, call.caller, input.id);
      const [person] = await findActivePeople(tx.db, channel.org_id, [input.user_id]);
      if (person === undefined) throw notFound('The person');
      const now = clock.now();
      const created_at = await addChannelMembers(tx.db, channel, [person.id], now);
      announceChannel(tx, channel, { members_changed: true });
      auditChannel(tx, 'channels.add_member', channel, { user_id: person.id });
      return present({ ...person, created_at });
    }),

  remove: (call, input) =>
    database.transaction(call, async (tx) => {
      const { caller } = call;
      const channel = await lockChannelFor(tx, caller, input.id);
      const leaving = input.user === caller.id && caller.kind === 'user';
      if (!leaving && !hasPermission(caller.permissions, 'channels.manage')) {
        throw denied('Taking somebody else out needs the permission channels.manage.', 'channels.manage');
      }
      if (!(await removeChannelMember(tx.db, channel.id, input.user))) throw notFound('The member');
      if (channel.mode !== 'open' && (await countChannelMembers(tx.db, channel.id)) === 0) {
        throw new AppError('in_use', 'The last member of a private channel stays; delete the channel instead.');
      }
      await unassignWhoSeeNoMore(tx, channel, clock.now());
      announceChannel(tx, channel, { members_changed: true });
      auditChannel(tx, leaving ? 'channels.leave' : 'channels.remove_member', channel, { user_id: input.user });
    }),
});

const present = (row: MemberRow): MemberView => ({
  user_id: row.id,
  name: row.name,
  added_at: row.created_at.toISOString(),
});
