import { type FieldOf, type FileReference, fileReference } from '@atrium/protocol';
import { FileText, X } from 'lucide-react';
import { useState } from 'react';
import { sayError } from '../../data/client.ts';
import { IconButton } from '../../ui/button.tsx';
import { DropZone } from './drop-zone.tsx';
import { fileSize } from './file-size.ts';

/** Sends one file and tells how far it is. */
export type Upload = (file: File, onProgress: (share: number) => void) => Promise<FileReference>;

/** Uploads at once; the answer then holds the reference. */
export const FileField = ({
  field,
  value,
  onChange,
  upload,
}: {
  field: FieldOf<'file'>;
  value: unknown;
  onChange: (value: unknown) => void;
  upload: Upload | undefined;
}) => {
  const [sending, setSending] = useState<{ name: string; share: number } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const kept = fileReference.safeParse(value);
  const send = async (file: File | undefined) => {
    if (!file || !upload) return;
    if (field.max_size !== undefined && file.size > field.max_size)
      return setProblem(`${file.name} has ${fileSize(file.size)}; at most ${fileSize(field.max_size)} fit here.`);
    setProblem(null);
    setSending({ name: file.name, share: 0 });
    try {
      onChange(await upload(file, (share) => setSending({ name: file.name, share })));
    } catch (error) {
      setProblem(`${file.name} was not stored: ${sayError(error)}`);
    } finally {
      setSending(null);
    }
  };
  const limits = [
    field.max_size !== undefined && `up to ${fileSize(field.max_size)}`,
    field.mime_types?.join(', '),
  ].filter(Boolean);
  return (
    <div className="flex flex-col gap-1.5">
      {kept.success ? (
        <div className="flex h-11 items-center gap-2.5 rounded-control border border-line-strong bg-raised pr-1 pl-3 text-14">
          <FileText aria-hidden className="size-4 shrink-0 text-text-3" />
          <span className="min-w-0 flex-1 truncate">{kept.data.name}</span>
          <span className="tabular text-12 text-text-3">{fileSize(kept.data.size)}</span>
          <IconButton
            label={`Remove ${kept.data.name}`}
            size="small"
            tooltip={false}
            onClick={() => onChange(undefined)}
          >
            <X />
          </IconButton>
        </div>
      ) : sending ? (
        <UploadLine {...sending} />
      ) : (
        <DropZone
          label={upload ? 'Drop a file here, or choose one' : 'Files are taken when the form is asked'}
          accept={field.mime_types?.join(',')}
          onFiles={([file]) => void send(file)}
        />
      )}
      {limits.length > 0 && !kept.success && <p className="text-12 text-text-3">{limits.join(' · ')}</p>}
      {problem && (
        <p role="alert" className="text-13 text-danger-text">
          {problem}
        </p>
      )}
    </div>
  );
};

/** A file on its way. */
export const UploadLine = ({ name, share }: { name: string; share: number }) => (
  <div className="flex h-11 items-center gap-3 rounded-control border border-line px-3 text-13">
    <span className="min-w-0 flex-1 truncate text-text-2">{name}</span>
    <span
      role="progressbar"
      aria-label={`Uploading ${name}`}
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      className="h-1 w-28 overflow-hidden rounded-full bg-line-strong"
    >
      <span className="block h-full rounded-full bg-accent transition-[width]" style={{ width: `${share * 100}%` }} />
    </span>
    <span className="tabular w-9 text-right text-12 text-text-3">{Math.round(share * 100)}%</span>
  </div>
);
