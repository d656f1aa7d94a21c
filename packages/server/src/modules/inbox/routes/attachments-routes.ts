import { inboxAttach, inboxDeleteAttachment, inboxDownload, inboxListAttachments } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

/** The largest file is the operator's choice, so the limit of the body is not in the contract. */
export const attachmentsBindings = ({ attachments }: SurroundingServices, max_upload_bytes: number): Binding[] => [
  bind(inboxListAttachments, (call, input) => attachments.list(call, input)),
  bind({ ...inboxAttach, body_limit: max_upload_bytes }, (call, { id }) => attachments.attach(call, id)),
  bind(inboxDownload, (call, { id }) => attachments.download(call, id)),
  bind(inboxDeleteAttachment, async (call, { id }) => {
    await attachments.remove(call, id);
    return null;
  }),
];
