import { type DiaryView, diariesExport } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { download, sayError } from '../../data/client.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { type ArchiveEnd, fileNameOf, readArchiveEnd } from './archive-file.ts';

type Format = 'archive' | 'jsonl';

const formats = [
  {
    value: 'archive',
    label: 'Signed archive',
    hint: 'With a line signed by this server. Another Atrium imports it, and anybody can tell that nothing was changed.',
  },
  { value: 'jsonl', label: 'JSON lines', hint: 'The entries alone, one object a line, for whatever reads JSON.' },
];

/** Takes a diary out as a file. */
export const ExportDialog = ({
  diary,
  open,
  onOpenChange,
}: {
  diary: DiaryView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => {
  const [format, setFormat] = useState<Format>('archive');
  const take = useMutation({
    mutationFn: async ({
      after,
      part,
    }: {
      after?: string;
      part: number;
    }): Promise<(ArchiveEnd & { part: number }) | null> => {
      const file = await download(
        diariesExport,
        { diary_ref: diary.id, format, ...(after === undefined ? {} : { after }) },
        fileNameOf(diary.name, format, part),
      );
      const end = format === 'archive' ? await readArchiveEnd(file) : null;
      return end && { ...end, part };
    },
  });
  const end = take.data;
  const next = end?.next_after ?? undefined;
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Export ${diary.name}`}
      description="Every entry as it is now: archived, superseded and quarantined ones too."
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>{take.isSuccess ? 'Done' : 'Cancel'}</Button>
          <Button
            tone="primary"
            icon={<Download aria-hidden className="size-4" />}
            busy={take.isPending}
            onClick={() => take.mutate(next === undefined ? { part: 1 } : { after: next, part: (end?.part ?? 0) + 1 })}
          >
            {next === undefined ? 'Download' : `Download part ${(end?.part ?? 0) + 1}`}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-5">
        <FormField label="As" group>
          <RadioGroup
            value={format}
            onChange={(value) => {
              setFormat(value as Format);
              take.reset();
            }}
            options={formats}
          />
        </FormField>
        {take.isSuccess && (
          <Notice tone="success">
            {end === null || end === undefined ? (
              'The file is written.'
            ) : (
              <>
                <span className="font-medium text-text">
                  {end.entries.toLocaleString('en')} {end.entries === 1 ? 'entry' : 'entries'} in the file.
                </span>{' '}
                {end.fingerprint && (
                  <>
                    Signed by this server, <code className="text-12">{end.fingerprint}</code>.{' '}
                  </>
                )}
                {end.next_after && 'It holds as much as a file may; another part follows.'}
              </>
            )}
          </Notice>
        )}
        <FormError>{take.error && sayError(take.error)}</FormError>
      </div>
    </Dialog>
  );
};
