import {
  diariesDigest,
  diariesFindDuplicates,
  diariesListAccess,
  diariesListDuplicates,
  diariesListTags,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DiariesServices } from '../diaries-services.ts';

/** Keeping a memory in order. */
export const upkeepBindings = ({ upkeep, access }: Pick<DiariesServices, 'upkeep' | 'access'>): Binding[] => [
  bind(diariesDigest, (call, input) => upkeep.digest(call, input)),
  bind(diariesFindDuplicates, (call, input) => upkeep.findDuplicates(call, input)),
  bind(diariesListDuplicates, (call, input) => upkeep.listDuplicates(call, input)),
  bind(diariesListTags, (call, input) => upkeep.tags(call, input)),
  bind(diariesListAccess, (call, input) => access.list(call, input)),
];
