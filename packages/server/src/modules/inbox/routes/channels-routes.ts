import {
  channelsAddMember,
  channelsCreate,
  channelsCreatePublishToken,
  channelsDelete,
  channelsGet,
  channelsGetRules,
  channelsList,
  channelsListMembers,
  channelsRemoveMember,
  channelsRevokePublishToken,
  channelsUpdate,
  channelsUpdateRules,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

/** Channels, who is in them, what each person wants to hear of them. */
export const channelsBindings = ({ channels, members, rules, publish }: SurroundingServices): Binding[] => [
  bind(channelsList, (call, input) => channels.list(call, input)),
  bind(channelsCreate, (call, input) => channels.create(call, input)),
  bind(channelsGet, (call, { id }) => channels.get(call, id)),
  bind(channelsUpdate, (call, input) => channels.update(call, input)),
  bind(channelsDelete, async (call, { id }) => {
    await channels.remove(call, id);
    return null;
  }),
  bind(channelsListMembers, (call, input) => members.list(call, input)),
  bind(channelsAddMember, (call, input) => members.add(call, input)),
  bind(channelsRemoveMember, async (call, input) => {
    await members.remove(call, input);
    return null;
  }),
  bind(channelsGetRules, (call, { id }) => rules.get(call, id)),
  bind(channelsUpdateRules, (call, input) => rules.update(call, input)),
  bind(channelsCreatePublishToken, (call, { id }) => publish.createToken(call, id)),
  bind(channelsRevokePublishToken, async (call, { id }) => {
    await publish.revokeToken(call, id);
    return null;
  }),
];
