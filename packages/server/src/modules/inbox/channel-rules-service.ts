import type { channelsGetRules, channelsUpdateRules, OutputOf, ParsedInputOf } from '@atrium/protocol';
import type { Call } from '../../platform/operations/call.ts';
import { type ChannelRules, findChannelRules, saveChannelRules } from './channel-rules-store.ts';
import { auditChannel, noChannel, requireChannel } from './channels-service.ts';
import { lockChannel } from './channels-store.ts';
import type { InboxParts } from './inbox-parts.ts';
import { channelVisibleTo } from './inbox-policy.ts';

/** What one person wants to hear of a channel. It concerns nobody else, so it makes no event. */
export interface ChannelRulesService {
  get(call: Call, id: string): Promise<OutputOf<typeof channelsGetRules>>;
  update(call: Call, input: ParsedInputOf<typeof channelsUpdateRules>): Promise<OutputOf<typeof channelsUpdateRules>>;
}

const usual: ChannelRules = {
  muted: false,
  min_level: 'info',
  sound: 'default',
  email_enabled: false,
  email_digest: false,
};

export const createChannelRulesService = ({ database }: InboxParts): ChannelRulesService => ({
  get: async (call, id) => {
    await requireChannel(database.read, call.caller, id);
    return (await findChannelRules(database.read, id, call.caller.id)) ?? usual;
  },

  update: (call, { id, ...change }) =>
    database.transaction(call, async (tx) => {
      const { caller } = call;
      const channel = await lockChannel(tx.db, channelVisibleTo(caller), id);
      if (channel === null) throw noChannel();
      const before = (await findChannelRules(tx.db, id, caller.id)) ?? usual;
      const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const after: ChannelRules = { ...before, ...given };
      await saveChannelRules(tx.db, { org_id: channel.org_id, channel_id: id, user_id: caller.id }, after);
      auditChannel(tx, 'channels.update_rules', channel, { changed: Object.keys(given) });
      return after;
    }),
});
