import { inboxComment, inboxHistory, inboxListComments } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

/** What people said about an item, and what happened to it. */
export const commentsBindings = ({ comments, history }: SurroundingServices): Binding[] => [
  bind(inboxListComments, (call, input) => comments.list(call, input)),
  bind(inboxComment, (call, input) => comments.add(call, input)),
  bind(inboxHistory, (call, input) => history.list(call, input)),
];
