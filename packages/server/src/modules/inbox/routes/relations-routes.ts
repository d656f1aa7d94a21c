import {
  inboxListRelated,
  inboxListWatchers,
  inboxRelate,
  inboxUnrelate,
  inboxUnwatch,
  inboxWatch,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

/** Links between items and people who follow them. */
export const relationsBindings = ({ relations, watchers }: SurroundingServices): Binding[] => [
  bind(inboxListRelated, (call, input) => relations.list(call, input)),
  bind(inboxRelate, (call, input) => relations.relate(call, input)),
  bind(inboxUnrelate, (call, input) => relations.unrelate(call, input)),
  bind(inboxListWatchers, (call, input) => watchers.list(call, input)),
  bind(inboxWatch, async (call, input) => {
    await watchers.watch(call, input);
    return null;
  }),
  bind(inboxUnwatch, async (call, input) => {
    await watchers.unwatch(call, input);
    return null;
  }),
];
