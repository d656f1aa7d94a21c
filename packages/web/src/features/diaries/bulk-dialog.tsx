import { type DiaryView, diariesBulk, diaryLimits, type OutputOf } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { call, sayError } from '../../data/client.ts';
import { invalidate, useOperation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { exactTime, useTimeZone } from '../../ui/time-format.ts';
import { toast } from '../../ui/toast.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { askBefore, type Before, type BulkInput, oppositeOf, whatever } from './bulk-acts.ts';
import { entryReads } from './diary-changes.ts';
import { statusWords, typeWords } from './diary-words.ts';
import { type EntrySearch, filterInput, isFiltered } from './entry-filter.ts';
import { periodWords } from './entry-filters.tsx';

type Act = 'tag' | 'archive' | 'delete';
type Done = OutputOf<typeof diariesBulk>;

const acts = [
  { value: 'tag', label: 'Tag them', hint: 'Adds tags, or takes some away' },
  { value: 'archive', label: 'Archive them', hint: 'They stay, and are in no answer unless asked for' },
  { value: 'delete', label: 'Delete them', hint: 'For 30 days their history can bring them back' },
];

const counted = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'entry' : 'entries'}`;

/** "Active entries of type fact, tagged deploy, of the last 7 days". */
const filterWords = (search: EntrySearch, zone: string): string => {
  const low = (text: string) => text.toLowerCase();
  const kinds = (search.status ?? ['active']).map((status) => statusWords[status]).join(' or ');
  return [
    `${kinds} entries`,
    ...(search.type ? [`of type ${search.type.map((type) => low(typeWords[type])).join(' or ')}`] : []),
    ...(search.tag ? [`tagged ${search.tag.join(' and ')}`] : []),
    ...(search.when ? [`of the ${low(periodWords[search.when])}`] : []),
    ...(search.superseded ? ['superseded ones too'] : []),
    ...(search.expired ? ['ended ones too'] : []),
    ...(search.as_of ? [`current on ${exactTime(Date.parse(search.as_of), zone)}`] : []),
  ].join(', ');
};

interface BulkProps {
  diary: DiaryView;
  search: EntrySearch;
  /** What is on the page: the names beside the number, and its tags to choose from. */
  shown: readonly { id: string; name: string; tags: readonly string[] }[];
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** One act on every entry that the filter of the page lets through; says which before anything is done. */
export const BulkDialog = (props: BulkProps) => {
  const { open, onOpenChange, diary, search, shown } = props;
  const form = useId();
  const zone = useTimeZone();
  const [act, setAct] = useState<Act>('tag');
  const [add, setAdd] = useState<string[]>([]);
  const [remove, setRemove] = useState<string[]>([]);
  const found = (search.q?.trim() ?? '') !== '';
  // A filter knows no words: of a search it takes what was found so far.
  const filter: BulkInput['filter'] = found
    ? whatever(shown.slice(0, diaryLimits.bulk).map(({ id }) => id))
    : filterInput(search, Date.now());
  const preview = useOperation(
    diariesBulk,
    { diary_ref: diary.id, filter, action: 'archive', dry_run: true },
    { enabled: open && !(found && shown.length === 0), keepPrevious: true, staleTime: 0 },
  );
  const run = useMutation({
    mutationFn: async (input: BulkInput): Promise<{ input: BulkInput; done: Done; before: Before }> => {
      const before = await lookBefore(input);
      return { input, done: await call(diariesBulk, input), before };
    },
    onSuccess: ({ input, done, before }) => {
      onOpenChange(false);
      setAdd([]);
      setRemove([]);
      const opposite = oppositeOf(input, done.ids, before);
      toast({
        title: `${counted(done.matched)} ${done.matched === 1 ? 'is' : 'are'} ${saidWords[input.action as Act]}`,
        tone: 'success',
        ...(opposite.length > 0 ? { undo: () => void takeBack(opposite) } : {}),
      });
    },
    onSettled: () => invalidate(...entryReads),
  });
  const matched = found && shown.length === 0 ? 0 : preview.data?.matched;
  const ready = matched !== undefined && matched > 0 && (act !== 'tag' || add.length + remove.length > 0);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    run.mutate({
      diary_ref: diary.id,
      filter,
      action: act,
      ...(act === 'tag' && add.length > 0 ? { add_tags: add } : {}),
      ...(act === 'tag' && remove.length > 0 ? { remove_tags: remove } : {}),
    });
  };
  const tags = [...new Set(shown.flatMap((entry) => entry.tags))].toSorted();
  const options = (chosen: readonly string[]) =>
    [...new Set([...chosen, ...tags])].map((tag) => ({ value: tag, label: tag }));
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Change many entries"
      description={
        found
          ? `The entries found with “${search.q}” that are on the page.`
          : `${filterWords(search, zone)}. ${isFiltered(search) ? 'The filter of the page decides which.' : 'Filter the page first to take fewer.'}`
      }
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button
            tone={act === 'delete' ? 'danger' : 'primary'}
            type="submit"
            form={form}
            busy={run.isPending}
            disabled={!ready}
          >
            {verbs[act]} {matched === undefined ? 'entries' : counted(matched)}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="What to do" group>
          <RadioGroup
            value={act}
            onChange={(value) => {
              setAct(value as Act);
              run.reset();
            }}
            options={acts}
          />
        </FormField>
        {act === 'tag' && (
          <div className="grid gap-5 sm:grid-cols-2">
            <FormField label="Tags to add" required={false}>
              <Combobox
                multiple
                allowNew
                placeholder="None"
                searchPlaceholder="A tag"
                empty="Type a tag."
                value={add}
                onChange={(next) => setAdd(next.slice(0, diaryLimits.tags))}
                options={options(add)}
              />
            </FormField>
            <FormField label="Tags to take away" required={false}>
              <Combobox
                multiple
                allowNew
                placeholder="None"
                searchPlaceholder="A tag"
                empty="Type a tag."
                value={remove}
                onChange={(next) => setRemove(next.slice(0, diaryLimits.tags))}
                options={options(remove)}
              />
            </FormField>
          </div>
        )}
        <section aria-label="Preview" className="overflow-hidden rounded-card border border-line bg-sunken">
          <p role="status" className="tabular flex min-h-10 items-center px-4 text-13 font-medium">
            {preview.error ? (
              'Nothing was counted'
            ) : matched === undefined ? (
              <Skeleton className="h-3 w-40" />
            ) : matched === 0 ? (
              'No entry would change'
            ) : (
              `${counted(matched)} would change`
            )}
          </p>
          {matched !== undefined && matched > 0 && (
            <ul className="border-t border-line">
              {shown.slice(0, 5).map((entry) => (
                <li
                  key={entry.id}
                  dir="auto"
                  className="truncate border-b border-line px-4 py-1.5 text-left text-13 text-text-2 last:border-b-0"
                >
                  {entry.name}
                </li>
              ))}
              {matched > Math.min(5, shown.length) && (
                <li className="tabular px-4 py-1.5 text-13 text-text-3">
                  and {(matched - Math.min(5, shown.length)).toLocaleString('en')} more
                </li>
              )}
            </ul>
          )}
        </section>
        {act === 'archive' && filter.status?.includes('quarantined') && !found && (
          <p className="text-13 text-text-3">What is in quarantine stays archived when this is undone.</p>
        )}
        <FormError>
          {(run.error && sayError(run.error)) || (preview.error && sayError(preview.error)) || null}
        </FormError>
      </form>
    </Dialog>
  );
};

const verbs: Record<Act, string> = { tag: 'Tag', archive: 'Archive', delete: 'Delete' };
const saidWords: Record<Act, string> = { tag: 'tagged anew', archive: 'archived', delete: 'deleted' };

/** Asked before anything is done, so that it can be undone exactly. */
const lookBefore = async (input: BulkInput): Promise<Before> => {
  const { tags, statuses } = askBefore(input);
  const ids = async (dry: BulkInput) => (await call(diariesBulk, dry)).ids;
  const [tagged, had] = await Promise.all([
    Promise.all(tags.map(async ({ tag, input: dry }) => [tag, await ids(dry)] as const)),
    Promise.all(statuses.map(async ({ status, input: dry }) => [status, await ids(dry)] as const)),
  ]);
  return { tagged: new Map(tagged), statuses: new Map(had) };
};

const takeBack = async (acts: readonly BulkInput[]): Promise<void> => {
  try {
    for (const act of acts) await call(diariesBulk, act);
  } catch (error) {
    toast({ title: 'This could not be undone', detail: sayError(error), tone: 'danger' });
  } finally {
    await invalidate(...entryReads);
  }
};
