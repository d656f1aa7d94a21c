import {
  diariesCheck,
  diariesCheckBatch,
  diariesExplain,
  diariesListObjects,
  diariesListSubjects,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DiariesServices } from '../diaries-services.ts';

/** The rules of access, asked. */
export const permissionsBindings = ({ permissions }: DiariesServices): Binding[] => [
  bind(diariesCheck, (call, input) => permissions.check(call, input)),
  bind(diariesCheckBatch, (call, input) => permissions.checkBatch(call, input)),
  bind(diariesListObjects, (call, input) => permissions.objects(call, input)),
  bind(diariesListSubjects, (call, input) => permissions.subjects(call, input)),
  bind(diariesExplain, (call, input) => permissions.explain(call, input)),
];
