import {
  inboxArchive,
  inboxAssign,
  inboxClaim,
  inboxDelegate,
  inboxDismiss,
  inboxPin,
  inboxRelease,
  inboxRestore,
  inboxSnooze,
  inboxUnarchive,
  inboxUnpin,
  inboxUnsnooze,
  inboxWithdraw,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { InboxServices } from '../inbox-services.ts';
import * as to from '../item-transitions.ts';

/** What happens to an item between being asked and being forgotten. */
export const lifecycleBindings = ({ lifecycle }: InboxServices): Binding[] => [
  bind(inboxDismiss, (call, { id }) => lifecycle.act(call, id, 'inbox.dismiss', to.dismiss)),
  bind(inboxWithdraw, (call, { id, reason }) => lifecycle.act(call, id, 'inbox.withdraw', to.withdraw(reason))),
  bind(inboxSnooze, (call, { id, until }) => lifecycle.act(call, id, 'inbox.snooze', to.snooze(new Date(until)))),
  bind(inboxUnsnooze, (call, { id }) => lifecycle.act(call, id, 'inbox.unsnooze', to.unsnooze)),
  bind(inboxRestore, (call, { id }) => lifecycle.act(call, id, 'inbox.restore', to.restore)),
  bind(inboxArchive, (call, { id }) => lifecycle.act(call, id, 'inbox.archive', to.archive)),
  bind(inboxUnarchive, (call, { id }) => lifecycle.act(call, id, 'inbox.unarchive', to.unarchive)),
  bind(inboxPin, (call, { id }) => lifecycle.act(call, id, 'inbox.pin', to.pin)),
  bind(inboxUnpin, (call, { id }) => lifecycle.act(call, id, 'inbox.unpin', to.unpin)),
  bind(inboxClaim, (call, { id }) => lifecycle.claim(call, id)),
  bind(inboxRelease, (call, { id }) => lifecycle.act(call, id, 'inbox.release', to.release)),
  bind(inboxAssign, (call, { id, assignee }) => lifecycle.assign(call, id, assignee)),
  bind(inboxDelegate, (call, input) => lifecycle.delegate(call, input)),
];
