import { Readable } from 'node:stream';
import type { inboxAttach, inboxListAttachments, OutputOf, ParsedInputOf } from '@atrium/protocol';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { releaseBlob, retainBlob } from '../../platform/files/blob-references.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { FileAnswer } from '../../platform/operations/binding.ts';
import { type Call, internalCall } from '../../platform/operations/call.ts';
import { actorOf, systemCaller } from '../../platform/operations/caller.ts';
import {
  type AttachmentRow,
  countAttachments,
  deleteAttachment,
  findAttachment,
  insertAttachment,
  listAttachments,
  takeOrphans,
} from './attachments-store.ts';
import { headBytes, mayBeShown, nameLies, safeFileName, servedMime, sniffMime } from './file-kind.ts';
import { denied } from './inbox-errors.ts';
import { auditItem, emitItem } from './inbox-events.ts';
import type { InboxParts } from './inbox-parts.ts';
import { visibleTo } from './inbox-policy.ts';
import { mayTakeBack } from './item-transitions.ts';
import { lockSeen, requireItem } from './items-access.ts';
import { pageOf, pointOf } from './page-cursor.ts';
import type { SurroundingParts } from './surrounding-parts.ts';

type AttachmentView = OutputOf<typeof inboxAttach>;

export interface AttachmentsService {
  list(call: Call, input: ParsedInputOf<typeof inboxListAttachments>): Promise<OutputOf<typeof inboxListAttachments>>;
  /** Reads the file from `call.raw`. */
  attach(call: Call, item_id: string): Promise<AttachmentView>;
  download(call: Call, id: string): Promise<FileAnswer>;
  remove(call: Call, id: string): Promise<void>;
  /** Gives up the files of deleted items. */
  sweep(): Promise<void>;
}

const mostFiles = 20;
const noFile = () => notFound('The file');

const requireRoom = (count: number): void => {
  if (count >= mostFiles) throw invalid('file', `an item has at most ${mostFiles} files`);
};

/** The first bytes, and the whole stream again. */
const peek = async (stream: Readable): Promise<{ head: Buffer; whole: boolean; all: Readable }> => {
  const chunks: Buffer[] = [];
  const source = stream[Symbol.asyncIterator]();
  let size = 0;
  let whole = false;
  while (size < headBytes && !whole) {
    const next = await source.next();
    whole = next.done === true;
    if (next.done === true) break;
    chunks.push(Buffer.from(next.value as Buffer));
    size += chunks.at(-1)!.length;
  }
  const begun = Buffer.concat(chunks);
  async function* again() {
    yield begun;
    for (;;) {
      const next = await source.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
  return { head: begun.subarray(0, headBytes), whole, all: Readable.from(again(), { objectMode: false }) };
};

export const createAttachmentsService = (parts: InboxParts & SurroundingParts): AttachmentsService => {
  const { database, clock, files, max_upload_bytes } = parts;

  /** Stores the bytes, and makes them known to the sweep of unreferenced files before anything refers to them. */
  const store = async (call: Call, name: string) => {
    if (call.raw === null) throw invalid('file', 'send one part named file');
    const { head, whole, all } = await peek(call.raw.stream);
    const mime = await sniffMime(head, whole);
    if (nameLies(name, mime)) {
      call.raw.stream.destroy();
      throw new AppError('unsupported_type', `The file is called ${name} but is ${mime.split(';')[0]}.`);
    }
    const { sha256, size } = await files.put(all, { max_bytes: max_upload_bytes });
    await database.transaction({ ...call, idempotency: null }, async (tx) => {
      await retainBlob(tx, { sha256, size }, clock.now());
      await releaseBlob(tx, sha256, clock.now());
    });
    return { sha256, size, mime };
  };

  return {
    list: async (call, input) => {
      const item = await requireItem(database.read, call.caller, input.id);
      const page = { limit: input.limit + 1, after: pointOf(input.cursor) };
      const { rows, next_cursor } = pageOf(await listAttachments(database.read, item, page), input.limit);
      return { items: rows.map(present), next_cursor };
    },

    attach: async (call, item_id) => {
      // Nobody sends bytes to an item they do not see, or one that is full.
      requireRoom(await countAttachments(database.read, await requireItem(database.read, call.caller, item_id)));
      const name = safeFileName(call.raw?.file_name ?? null);
      const stored = await store(call, name);
      return database.transaction(call, async (tx) => {
        const item = await lockSeen(tx, call.caller, item_id);
        requireRoom(await countAttachments(tx.db, item));
        const by = actorOf(call.caller);
        const row: AttachmentRow = {
          id: newId(),
          org_id: item.org_id,
          item_id: item.id,
          name,
          ...stored,
          uploaded_by_type: by.type,
          uploaded_by_id: by.id,
          uploaded_by_name: by.name,
          created_at: clock.now(),
        };
        await retainBlob(tx, stored, row.created_at);
        await insertAttachment(tx.db, row);
        const { id, size, mime } = row;
        tx.emit({ kind: 'inbox.attachment.created', id, body: { item_id: item.id, name, size, mime, by } });
        auditItem(tx, 'inbox.attach', item, { attachment_id: id, name, size, mime, sha256: row.sha256 });
        return present(row);
      });
    },

    download: async (call, id) => {
      const row = await findAttachment(database.read, visibleTo(call.caller), id);
      const file = row === null ? null : await files.get(row.sha256);
      if (row === null || file === null) throw noFile();
      return {
        stream: file.stream,
        content_type: servedMime(row.mime),
        length: file.size,
        file_name: row.name,
        inline: mayBeShown(row.mime),
        etag: row.sha256,
      };
    },

    remove: (call, id) =>
      database.transaction(call, async (tx) => {
        const row = await findAttachment(tx.db, visibleTo(call.caller), id);
        if (row === null) throw noFile();
        const item = await lockSeen(tx, call.caller, row.item_id);
        if (row.uploaded_by_id !== call.caller.id && !mayTakeBack(call.caller, item)) {
          throw denied('Only who attached a file, who asked, an Owner or an Admin removes it.', 'uploader');
        }
        if (!(await deleteAttachment(tx.db, id))) throw noFile();
        await releaseBlob(tx, row.sha256, clock.now());
        emitItem(tx, 'updated', item, { changed: ['attachments'] });
        auditItem(tx, 'inbox.delete_attachment', item, { attachment_id: id, name: row.name });
      }),

    sweep: async () => {
      // The organisation is that of nobody: this transaction writes no event and no audit line.
      const call = internalCall(systemCaller({ id: newId() }), newId());
      for (;;) {
        const freed = await database.transaction(call, async (tx) => {
          const hashes = await takeOrphans(tx.db, 200);
          for (const sha256 of hashes.sort()) await releaseBlob(tx, sha256, clock.now());
          return hashes.length;
        });
        if (freed === 0) return;
      }
    },
  };
};

const present = (row: AttachmentRow): AttachmentView => ({
  id: row.id,
  item_id: row.item_id,
  name: row.name,
  size: row.size,
  mime: row.mime.split(';')[0]!,
  sha256: row.sha256,
  uploaded_by: { type: row.uploaded_by_type, id: row.uploaded_by_id, name: row.uploaded_by_name },
  created_at: row.created_at.toISOString(),
});
