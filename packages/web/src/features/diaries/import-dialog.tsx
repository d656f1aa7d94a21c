import { type ArchiveReport, type DiaryView, diariesImport, type OutputOf } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { FileArchive, X } from 'lucide-react';
import { useState } from 'react';
import { call, sayError } from '../../data/client.ts';
import { invalidate } from '../../data/operations.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { DropZone } from '../forms/drop-zone.tsx';
import { fileSize } from '../forms/file-size.ts';
import { checkArchive } from './archive-file.ts';
import { diaryReads, entryReads } from './diary-changes.ts';

type Policy = 'skip' | 'replace' | 'copy';
type Imported = OutputOf<typeof diariesImport>;

const policies = [
  { value: 'skip', label: 'Leave them as they are', hint: 'Brings in what is not there yet' },
  { value: 'replace', label: 'Make them what the archive says', hint: 'Their history keeps what they were' },
  { value: 'copy', label: 'Bring everything in once more', hint: 'What is there already is there twice then' },
];

interface ImportProps {
  /** Into this one; otherwise into the copy of the same diary that is there, or into a new one. */
  diary?: DiaryView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Brings an archive in: says what is in it first, and afterwards what became of it. */
export const ImportDialog = ({ diary, open, onOpenChange }: ImportProps) => {
  const navigate = useNavigate();
  const [policy, setPolicy] = useState<Policy>('skip');
  const check = useMutation({
    mutationFn: async (file: File) => ({ file, report: await checkArchive(file) }),
  });
  // A chain holds each of its entries once, and none of them changes.
  const chained = check.data?.report?.diary?.chain != null;
  const bring = useMutation({
    mutationFn: (file: File) =>
      call(
        diariesImport,
        { policy: chained ? 'skip' : policy, ...(diary ? { diary_ref: diary.id } : {}) },
        { file: new Blob([file], { type: 'application/jsonl' }) },
      ),
    onSettled: () => invalidate(...diaryReads, ...entryReads),
  });
  const file = check.data?.file ?? (check.isPending ? check.variables : undefined);
  const report = check.data?.report;
  const refused = report !== undefined && report !== null && !report.ok;
  const done = bring.data;
  const forget = () => {
    check.reset();
    bring.reset();
  };
  const close = (next: boolean) => {
    onOpenChange(next);
    if (!next && done) forget();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      title={diary ? `Import into ${diary.name}` : 'Import a diary'}
      description="From a signed archive that an Atrium exported. Everything of it comes in, or nothing."
      footer={
        done ? (
          <>
            {done.next_after && <Button onClick={forget}>Import the next part</Button>}
            <Button
              tone="primary"
              onClick={() => {
                close(false);
                void navigate({ to: '/diaries/$id', params: { id: done.diary.id } });
              }}
            >
              Open the diary
            </Button>
          </>
        ) : (
          <>
            <Button onClick={() => close(false)}>Cancel</Button>
            <Button
              tone="primary"
              disabled={check.data === undefined || refused}
              busy={bring.isPending}
              onClick={() => check.data && bring.mutate(check.data.file)}
            >
              Import
            </Button>
          </>
        )
      }
    >
      {done ? (
        <Result done={done} />
      ) : (
        <div className="flex flex-col gap-5">
          {file ? (
            <div className="flex items-center gap-3 rounded-control border border-line-strong px-3 py-2">
              <FileArchive aria-hidden strokeWidth={1.75} className="size-5 shrink-0 text-text-3" />
              <span className="min-w-0 flex-1">
                <span dir="auto" className="block truncate text-left text-14 font-medium">
                  {file.name}
                </span>
                <span className="tabular block text-12 text-text-3">{fileSize(file.size)}</span>
              </span>
              <IconButton label="Choose another file" size="small" tooltip={false} onClick={forget}>
                <X />
              </IconButton>
            </div>
          ) : (
            <DropZone
              label="Choose an archive, or drop it here"
              accept=".jsonl,.json,application/jsonl"
              onFiles={([chosen]) => chosen && check.mutate(chosen)}
            />
          )}
          {check.isPending && (
            <div role="status" aria-label="The archive is checked" className="space-y-2">
              <Skeleton className="h-3 w-3/5" />
              <Skeleton className="h-3 w-2/5" />
            </div>
          )}
          {check.data && <WhatIsInIt report={check.data.report} />}
          {check.data && !refused && (
            <FormField
              label="Entries that are there already"
              group
              {...(chained ? { hint: 'A signed diary only goes on where its chain ends.' } : {})}
            >
              <RadioGroup
                value={chained ? 'skip' : policy}
                onChange={(value) => setPolicy(value as Policy)}
                options={policies.map((option) => ({
                  ...option,
                  disabled: chained && option.value !== 'skip',
                }))}
              />
            </FormField>
          )}
          {!diary && check.data && !refused && (
            <p className="text-13 text-pretty text-text-3">
              It goes into that diary or your copy of it, where you have one, or into a new private one. Names of
              authors are marked as imported: a name in a file proves nothing.
            </p>
          )}
          <FormError>{bring.error && sayError(bring.error)}</FormError>
        </div>
      )}
    </Dialog>
  );
};

/** What the browser found by reading the whole file. */
const WhatIsInIt = ({ report }: { report: ArchiveReport | null }) => {
  if (report === null)
    return <Notice>This browser cannot check the archive. The server does, before anything of it comes in.</Notice>;
  if (!report.ok)
    return (
      <Notice tone="danger">
        <span className="font-medium text-text">
          {report.problem === 'not_an_archive' ? 'This is no archive of a diary.' : 'The archive is not whole.'}
        </span>{' '}
        {report.detail}
        {report.problem !== 'not_an_archive' && report.line !== null && ` Line ${report.line.toLocaleString('en')}.`}
      </Notice>
    );
  return (
    <div className="flex flex-col gap-3">
      <Facts
        roomy
        facts={[
          { label: 'Diary', value: report.diary?.name ?? '' },
          {
            label: 'Entries',
            value:
              report.erased > 0
                ? `${report.entries.toLocaleString('en')}, ${report.erased.toLocaleString('en')} erased`
                : report.entries.toLocaleString('en'),
          },
          { label: 'Chain', value: report.diary?.chain ? 'Signed, whole' : 'Not signed by authors' },
          { label: 'Written by the server', value: report.signer?.fingerprint ?? '' },
        ]}
      />
      {report.next_after && <Notice>Another part follows this one; import them in order.</Notice>}
    </div>
  );
};

const Result = ({ done }: { done: Imported }) => (
  <div className="flex flex-col gap-4">
    <Notice tone="success">
      <span className="font-medium text-text">
        {done.added + done.replaced === 0
          ? 'Nothing of it was new.'
          : `${done.added.toLocaleString('en')} of ${done.entries.toLocaleString('en')} ${done.entries === 1 ? 'entry' : 'entries'} came in.`}
      </span>{' '}
      They are in <span dir="auto">{done.diary.name}</span>.
    </Notice>
    <Facts
      facts={[
        { label: 'Added', value: done.added.toLocaleString('en') },
        { label: 'Replaced', value: done.replaced.toLocaleString('en') },
        { label: 'Left as they were', value: done.skipped.toLocaleString('en') },
      ]}
    />
    {done.next_after && <Notice>The archive goes on in another part.</Notice>}
  </div>
);
