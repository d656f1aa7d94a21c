import {
  inboxAck,
  inboxAsk,
  inboxBulk,
  inboxCounts,
  inboxCreateItem,
  inboxDeleteItem,
  inboxGetItem,
  inboxListItems,
  inboxNotify,
  inboxOutcome,
  inboxPressAction,
  inboxUpdateItem,
  inboxWait,
} from '@atrium/protocol';
import { invalid } from '../../../platform/errors/app-error.ts';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { InboxServices } from '../inbox-services.ts';
import { remove } from '../item-transitions.ts';

/** Ask, wait, read, change. */
export const itemsBindings = ({
  asking,
  creation,
  items,
  waits,
  lifecycle,
  actions,
  bulk,
}: InboxServices): Binding[] => [
  bind(inboxNotify, (call, input) => asking.notify(call, input)),
  bind(inboxAsk, (call, input) => asking.ask(call, { ...input, wait_s: secondsFor(call, input.wait_s, 'wait_s') })),
  bind(inboxCreateItem, async (call, input) => {
    const { item } = await creation.create(call, input);
    return items.get(call, item.id);
  }),
  bind(inboxWait, (call, input) => {
    const seconds = input.timeout_s ?? input.timeout ?? (call.door === 'rest' ? 25 : 50);
    const since = input.since_action === undefined ? null : new Date(input.since_action);
    return waits.wait(call, input.id, secondsFor(call, seconds, 'timeout_s'), since);
  }),
  bind(inboxGetItem, (call, { id }) => items.get(call, id)),
  bind(inboxOutcome, (call, { id }) => waits.takeOutcome(call, id)),
  bind(inboxListItems, (call, input) => items.list(call, input)),
  bind(inboxCounts, (call) => items.counts(call)),
  bind(inboxUpdateItem, (call, input) => items.update(call, input)),
  bind(inboxDeleteItem, async (call, { id }) => {
    await lifecycle.remove(call, id, remove);
    return null;
  }),
  bind(inboxAck, (call, { id }) => lifecycle.ack(call, id)),
  bind(inboxPressAction, (call, input) => actions.press(call, input)),
  bind(inboxBulk, (call, input) => bulk.run(call, input)),
];

/** Proxies between client and server give up long silences; MCP sends progress, a plain request cannot. */
const secondsFor = (call: Call, seconds: number, path: string): number => {
  if (call.door === 'rest' && seconds > 300) throw invalid(path, 'is at most 300 on REST; call again to go on waiting');
  return seconds;
};
