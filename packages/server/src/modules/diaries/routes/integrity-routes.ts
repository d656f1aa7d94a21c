import { diariesExport, diariesImport, diariesVerify, diariesVerifyEntry } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DiariesServices } from '../diaries-services.ts';

/** Whether a diary is whole, and diaries as files. */
export const integrityBindings = ({ integrity, exports, imports }: DiariesServices): Binding[] => [
  bind(diariesVerify, (call, { diary_ref }) => integrity.verify(call, diary_ref)),
  bind(diariesVerifyEntry, (call, input) => integrity.verifyEntry(call, input)),
  bind(diariesExport, (call, input) => exports.export(call, input)),
  bind(diariesImport, (call, input) => imports.import(call, input)),
];
