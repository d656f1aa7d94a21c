import {
  feedBrowse,
  feedDismiss,
  feedHide,
  feedListReports,
  feedRead,
  feedReport,
  feedRestore,
  feedSearch,
  feedStream,
} from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DiariesServices } from '../diaries-services.ts';

/** The public part, and who looks after it. */
export const feedBindings = ({ feed, moderation }: DiariesServices): Binding[] => [
  bind(feedBrowse, (call, input) => feed.browse(call, input)),
  bind(feedSearch, (call, input) => feed.search(call, input)),
  bind(feedRead, (call, { entry_id }) => feed.read(call, entry_id)),
  bind(feedStream, (call, input) => feed.stream(call, input)),
  bind(feedReport, (call, input) => feed.report(call, input)),
  bind(feedListReports, (call, input) => moderation.reports(call, input)),
  bind(feedHide, (call, { entry_id }) => moderation.hide(call, entry_id)),
  bind(feedRestore, (call, { entry_id }) => moderation.restore(call, entry_id)),
  bind(feedDismiss, (call, { entry_id }) => moderation.dismiss(call, entry_id)),
];
