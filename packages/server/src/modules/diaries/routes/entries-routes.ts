import {
  diariesBulk,
  diariesCreateEntry,
  diariesDecideRelation,
  diariesDeleteEntry,
  diariesEntryHistory,
  diariesGetEntry,
  diariesListEntries,
  diariesListRelations,
  diariesReflect,
  diariesRelate,
  diariesRestoreEntry,
  diariesSupersedeEntry,
  diariesUnrelate,
  diariesUpdateEntry,
  diariesWhoami,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DiariesServices } from '../diaries-services.ts';

/** What is in a diary, and how it hangs together. */
export const entriesBindings = ({ entries, bulk, relations, profile }: DiariesServices): Binding[] => [
  bind(diariesCreateEntry, (call, input) => entries.create(call, input)),
  bind(diariesSupersedeEntry, (call, input) => entries.supersede(call, input)),
  bind(diariesListEntries, (call, input) => entries.list(call, input)),
  bind(diariesGetEntry, (call, input) => entries.get(call, input)),
  bind(diariesUpdateEntry, (call, input) => entries.update(call, input)),
  bind(diariesDeleteEntry, async (call, input) => {
    await entries.delete(call, input);
    return null;
  }),
  bind(diariesEntryHistory, (call, input) => entries.history(call, input)),
  bind(diariesRestoreEntry, (call, input) => entries.restoreOne(call, input)),
  bind(diariesBulk, (call, input) => bulk.run(call, input)),
  bind(diariesWhoami, (call) => profile.whoami(call)),
  bind(diariesReflect, (call, input) => entries.reflect(call, input)),
  bind(diariesListRelations, (call, input) => relations.list(call, input)),
  bind(diariesRelate, (call, input) => relations.relate(call, input)),
  bind(diariesDecideRelation, (call, input) => relations.decide(call, input)),
  bind(diariesUnrelate, async (call, input) => {
    await relations.remove(call, input);
    return null;
  }),
];
