import { type ItemView, inboxDeleteAttachment, inboxDownload, inboxListAttachments } from '@atrium/protocol';
import { Download, FileText, ImageIcon, X } from 'lucide-react';
import { useState } from 'react';
import { fileUrl, sayError } from '../../data/client.ts';
import { deferOperation, patchItem, useOperation } from '../../data/operations.ts';
import { IconButton } from '../../ui/button.tsx';
import { toast } from '../../ui/toast.tsx';
import { DropZone } from '../forms/drop-zone.tsx';
import { UploadLine } from '../forms/file-field.tsx';
import { fileSize } from '../forms/file-size.ts';
import { uploadFile } from './upload-file.ts';

interface Sending {
  key: number;
  name: string;
  share: number;
}
let nextKey = 1;

/** The files of an item; new ones by drop or choice, each with its progress. */
export const Attachments = ({ item, canWrite }: { item: ItemView; canWrite: boolean }) => {
  const files =
    useOperation(inboxListAttachments, { id: item.id, limit: 200 }, { enabled: item.attachment_count > 0 }).data
      ?.items ?? [];
  const [sending, setSending] = useState<readonly Sending[]>([]);
  const send = async (file: File) => {
    const key = nextKey++;
    setSending((current) => [...current, { key, name: file.name, share: 0 }]);
    try {
      await uploadFile(item.id, file, (share) =>
        setSending((current) => current.map((entry) => (entry.key === key ? { ...entry, share } : entry))),
      );
    } catch (error) {
      toast({ title: `${file.name} was not stored`, detail: sayError(error), tone: 'danger' });
    } finally {
      setSending((current) => current.filter((entry) => entry.key !== key));
    }
  };
  return (
    <div className="flex flex-col gap-2">
      {files.map((file) => (
        <div
          key={file.id}
          className="flex h-11 items-center gap-2.5 rounded-control border border-line pr-1 pl-3 text-13"
        >
          {file.mime.startsWith('image/') ? (
            <ImageIcon aria-hidden className="size-4 shrink-0 text-text-3" />
          ) : (
            <FileText aria-hidden className="size-4 shrink-0 text-text-3" />
          )}
          <a
            href={fileUrl(inboxDownload, { id: file.id })}
            download={file.name}
            className="min-w-0 flex-1 truncate font-medium hover:underline"
          >
            {file.name}
          </a>
          <span className="tabular shrink-0 text-12 text-text-3">
            {fileSize(file.size)} · {file.uploaded_by.name}
          </span>
          <a
            href={fileUrl(inboxDownload, { id: file.id })}
            download={file.name}
            aria-label={`Download ${file.name}`}
            className="flex size-7 shrink-0 items-center justify-center rounded-control text-text-2 hover:bg-hover hover:text-text touch:size-9"
          >
            <Download aria-hidden className="size-4" />
          </a>
          {canWrite && (
            <IconButton
              label={`Remove ${file.name}`}
              size="small"
              tooltip={false}
              onClick={() =>
                deferOperation(
                  inboxDeleteAttachment,
                  { id: file.id },
                  {
                    title: `Removed ${file.name}`,
                    optimistic: () => [removeFile(file.id)],
                    invalidates: ['inbox.list_attachments', 'inbox.get_item'],
                  },
                )
              }
            >
              <X />
            </IconButton>
          )}
        </div>
      ))}
      {sending.map((entry) => (
        <UploadLine key={entry.key} name={entry.name} share={entry.share} />
      ))}
      {canWrite && (
        <DropZone
          multiple
          quiet
          label="Attach files"
          onFiles={(chosen) => {
            for (const file of chosen) void send(file);
          }}
        />
      )}
    </div>
  );
};

const removeFile = (id: string) => patchItem<{ id: string }>('inbox.list_attachments', id, () => null);
