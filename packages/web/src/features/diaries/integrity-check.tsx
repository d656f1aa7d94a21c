import {
  chainProblems,
  type DiaryView,
  diariesVerify,
  diariesVerifyEntry,
  type EntryView,
  type OutputOf,
} from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Check, ShieldCheck, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { call, sayError } from '../../data/client.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Notice } from '../../ui/notice.tsx';

type Whole = OutputOf<typeof diariesVerify>;

/** One thing that was looked at, and how it is. */
const Finding = ({ good, children }: { good: boolean; children: ReactNode }) => (
  <li className="flex items-start gap-2.5 py-1.5 text-14">
    {good ? (
      <Check aria-label="Right" className="mt-[3px] size-4 shrink-0 text-success-text" />
    ) : (
      <X aria-label="Wrong" className="mt-[3px] size-4 shrink-0 text-danger-text" />
    )}
    <span className="min-w-0 text-pretty break-words">{children}</span>
  </li>
);

/** Is what stands in a diary what was written into it? Looked at on the server, from the first entry to the last. */
export const DiaryCheckDialog = ({
  diary,
  open,
  onOpenChange,
}: {
  diary: DiaryView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => {
  const check = useMutation({ mutationFn: () => call(diariesVerify, { diary_ref: diary.id }) });
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Check ${diary.name}`}
      description={
        diary.signed
          ? 'Reads every entry: what it says, who signed it, and that none is missing between the first and the last.'
          : 'Reads every entry and compares what it says with its content id. Nobody signed them, so who wrote what is the word of this server.'
      }
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>{check.data ? 'Done' : 'Cancel'}</Button>
          <Button
            tone="primary"
            icon={<ShieldCheck aria-hidden className="size-4" />}
            busy={check.isPending}
            onClick={() => check.mutate()}
          >
            {check.data ? 'Check again' : 'Check'}
          </Button>
        </>
      }
    >
      {(check.data || check.error) && (
        <div role="status" className="flex flex-col gap-5">
          {check.data && <Verdict diary={diary} found={check.data} onLeave={() => onOpenChange(false)} />}
          <FormError>{check.error && sayError(check.error)}</FormError>
        </div>
      )}
    </Dialog>
  );
};

const counted = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'entry' : 'entries'}`;

const Verdict = ({ diary, found, onLeave }: { diary: DiaryView; found: Whole; onLeave: () => void }) => {
  const { valid, entries, erased, head, broken } = found;
  return (
    <>
      <Notice tone={valid ? 'success' : 'danger'}>
        <span className="font-medium text-text">
          {valid ? `Nothing is wrong with ${counted(entries)}.` : 'What stands here is not what was written.'}
        </span>{' '}
        {broken && <BrokenWords diary={diary} broken={broken} onLeave={onLeave} />}
        {valid && erased > 0 && `Of ${erased.toLocaleString('en')} only the hashes are left, because they were erased.`}
      </Notice>
      {valid && (
        <ul>
          <Finding good>Each entry says what its content id names</Finding>
          {found.signed && <Finding good>Each is signed by the key that it names, for this diary and no other</Finding>}
          {found.signed && <Finding good>Each is bound to the one before it, and the last is the last</Finding>}
        </ul>
      )}
      {head && (
        <>
          <Facts
            roomy
            facts={[
              { label: 'Entries in the chain', value: head.seq.toLocaleString('en') },
              { label: 'Erased', value: erased.toLocaleString('en') },
            ]}
          />
          <FormField
            label="Where the chain stands"
            group
            hint="Keep it elsewhere: whoever knows it sees later that nothing before it was changed."
          >
            <CopyLine text={head.hash} label="Copy hash" />
          </FormField>
        </>
      )}
    </>
  );
};

const BrokenWords = ({
  diary,
  broken,
  onLeave,
}: {
  diary: DiaryView;
  broken: NonNullable<Whole['broken']>;
  onLeave: () => void;
}) => {
  const { entry_id, seq, problem } = broken;
  if (problem === 'incomplete') return <>Entries at the end are missing{seq !== null && `, from number ${seq} on`}.</>;
  const name = seq === null ? 'An entry' : `Entry number ${seq}`;
  return (
    <>
      {entry_id === null ? (
        name
      ) : (
        <Link
          to="/diaries/$id/$entryId"
          params={{ id: diary.id, entryId: entry_id }}
          onClick={onLeave}
          className="quiet-link"
        >
          {name}
        </Link>
      )}{' '}
      {chainProblems[problem]}. Those before it are right. Compare with your last export.
    </>
  );
};

/** The same for one entry. */
export const EntryCheck = ({ entry }: { entry: EntryView }) => {
  const check = useMutation({
    mutationFn: () => call(diariesVerifyEntry, { diary_ref: entry.diary_id, entry_id: entry.id }),
  });
  const found = check.data;
  return (
    <section aria-label="Check this entry" className="rounded-card border border-line px-4 py-3">
      <div className="flex items-center justify-between gap-4">
        <p className="min-w-0 text-14 text-pretty text-text-2">
          {entry.proof
            ? 'Is it what its author signed for this diary? That none is missing before it is checked with the whole diary.'
            : 'Does it say what its content id names? Nobody signed it.'}
        </p>
        <Button
          size="small"
          icon={<ShieldCheck aria-hidden className="size-4" />}
          busy={check.isPending}
          onClick={() => check.mutate()}
        >
          Check
        </Button>
      </div>
      <div role="status">
        {found && (
          <ul className="mt-2 border-t border-line pt-1.5">
            <Finding good={found.hash_matches}>
              {found.hash_matches ? 'It says what its content id names' : 'It says something else than its content id'}
            </Finding>
            {found.signature_valid !== null && (
              <Finding good={found.signature_valid}>
                {found.signature_valid ? 'Signed for this diary by ' : 'Not signed by '}
                <code className="text-13">{found.agent_fingerprint}</code>
              </Finding>
            )}
          </ul>
        )}
        {check.error && (
          <div className="mt-3">
            <FormError>{sayError(check.error)}</FormError>
          </div>
        )}
      </div>
    </section>
  );
};
