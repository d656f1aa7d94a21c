import { type FileReference, inboxAttach, type OutputOf, type Problem, toRequest } from '@atrium/protocol';
import { ProblemError, UnreachableError } from '../../data/client.ts';
import { invalidateBelow } from './items-cache.ts';

type AttachmentView = OutputOf<typeof inboxAttach>;

/** Attaches a file and tells how much of it has left; `fetch` cannot say that. */
export const uploadFile = (item_id: string, file: File, onProgress: (share: number) => void): Promise<AttachmentView> =>
  new Promise((resolve, reject) => {
    const { method, path } = toRequest(inboxAttach, { id: item_id });
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total);
    request.onerror = () => reject(new UnreachableError());
    request.onload = () => {
      const body: unknown = request.response;
      if (request.status === 201) {
        invalidateBelow(item_id, ['inbox.list_attachments']);
        resolve(body as AttachmentView);
      } else if (body !== null && typeof body === 'object' && 'code' in body) reject(new ProblemError(body as Problem));
      else reject(new UnreachableError(new Error(`HTTP ${request.status}`)));
    };
    const body = new FormData();
    body.set('file', file);
    request.send(body);
  });

/** The same for a file field, whose answer is a reference. */
export const uploadForField =
  (item_id: string) =>
  async (file: File, onProgress: (share: number) => void): Promise<FileReference> => {
    const { id, name, size, mime } = await uploadFile(item_id, file, onProgress);
    return { attachment_id: id, name, size, mime };
  };
