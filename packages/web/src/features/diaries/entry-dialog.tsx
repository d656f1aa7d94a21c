import {
  type DiaryView,
  diariesCreateEntry,
  diariesSupersedeEntry,
  diariesUpdateEntry,
  diaryLimits,
  type EntryType,
  type EntryView,
  entryTypes,
} from '@atrium/protocol';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { type FormErrors, formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { DateTimePicker } from '../../ui/date-time-picker.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Select } from '../../ui/select.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { Slider } from '../../ui/toggles.tsx';
import { entryReads } from './diary-changes.ts';
import { typeHints, typeWords } from './diary-words.ts';

type Mode = 'write' | 'edit' | 'correct';

const words: Record<Mode, { title: string; verb: string; description: string }> = {
  write: { title: 'New entry', verb: 'Write', description: 'One thing worth remembering, in Markdown.' },
  edit: { title: 'Edit entry', verb: 'Save', description: 'Its history keeps what it was.' },
  correct: {
    title: 'Correct entry',
    verb: 'Write the correction',
    description: 'What you write takes its place; the older one stays, struck through, and is in no search.',
  },
};

const typeOptions = entryTypes.map((value) => ({ value, label: typeWords[value], hint: typeHints[value] }));

const fieldsOf = (entry: EntryView | undefined) => ({
  title: entry?.title ?? '',
  content: entry?.content ?? '',
  entry_type: entry?.entry_type ?? ('semantic' as EntryType),
  importance: entry?.importance ?? 5,
  tags: entry?.tags ?? [],
  confidence: entry?.confidence ?? null,
  valid_from: entry?.valid_from ?? null,
  valid_to: entry?.valid_to ?? null,
  expires_at: entry?.expires_at ?? null,
});

type Fields = ReturnType<typeof fieldsOf>;

const unsaid = ['confidence', 'valid_from', 'valid_to', 'expires_at'] as const;

/** Of a new entry, what nobody said is left out. */
const saidOf = (fields: Omit<Fields, 'title'>) => {
  const { confidence, valid_from, valid_to, expires_at, ...said } = fields;
  return {
    ...said,
    ...(confidence === null ? {} : { confidence }),
    ...(valid_from === null ? {} : { valid_from }),
    ...(valid_to === null ? {} : { valid_to }),
    ...(expires_at === null ? {} : { expires_at }),
  };
};

/** Only what was changed here is sent: the rest may have been changed elsewhere meanwhile. */
const changesOf = (before: Fields, after: Fields) => ({
  ...(after.title === before.title ? {} : { title: after.title || null }),
  ...(after.content === before.content ? {} : { content: after.content }),
  ...(after.entry_type === before.entry_type ? {} : { entry_type: after.entry_type }),
  ...(after.importance === before.importance ? {} : { importance: after.importance }),
  ...(after.tags.join('\n') === before.tags.join('\n') ? {} : { tags: after.tags }),
  ...Object.fromEntries(unsaid.filter((name) => after[name] !== before[name]).map((name) => [name, after[name]])),
});

interface EntryDialogProps {
  mode: Mode;
  diary: DiaryView;
  /** What is edited or corrected. */
  entry?: EntryView;
  /** Somebody changed it while this form was open. */
  changedSince?: boolean;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Writes an entry, changes one, or writes the one that takes its place. What was typed stays when it is closed. */
export const EntryDialog = ({ mode, diary, entry, changedSince, open, onOpenChange }: EntryDialogProps) => {
  const form = useId();
  const navigate = useNavigate();
  const search = useSearch({ from: '/frame/diaries/$id' });
  const [fields, setFields] = useState(() => fieldsOf(entry));
  const [view, setView] = useState<'text' | 'preview'>('text');
  const set = (change: Partial<typeof fields>) => setFields((before) => ({ ...before, ...change }));
  const show = (id: string) => {
    onOpenChange(false);
    setFields(fieldsOf(undefined));
    void navigate({ to: '/diaries/$id/$entryId', params: { id: diary.id, entryId: id }, search });
  };
  const options = { quiet: true, invalidates: entryReads } as const;
  const create = useOperationMutation(diariesCreateEntry, {
    ...options,
    done: () => 'Written',
    onSuccess: (made) => show(made.id),
  });
  const correct = useOperationMutation(diariesSupersedeEntry, {
    ...options,
    done: () => 'The correction takes its place',
    onSuccess: (made) => show(made.id),
  });
  const update = useOperationMutation(diariesUpdateEntry, {
    ...options,
    done: () => 'Saved',
    onSuccess: () => onOpenChange(false),
  });
  const { error } = { write: create, edit: update, correct }[mode];
  const busy = create.isPending || correct.isPending || update.isPending;
  const errors = formErrors(error, ['title', 'content', 'tags', 'importance', 'entry_type', ...unsaid]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { title, ...rest } = fields;
    const named = title.trim() === '' ? {} : { title: title.trim() };
    const place = { diary_ref: diary.id, entry_id: entry?.id ?? '' };
    if (mode === 'write') create.mutate({ diary_ref: diary.id, ...saidOf(rest), ...named, on_duplicate: 'refuse' });
    else if (mode === 'correct') correct.mutate({ ...place, ...saidOf(rest), ...named });
    else update.mutate({ ...place, ...changesOf(fieldsOf(entry), { ...rest, title: title.trim() }) });
  };
  const { title, verb, description } = words[mode];
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={title}
      description={description}
      width="large"
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={busy} disabled={fields.content.trim() === ''}>
            {verb}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Title" required={false} error={errors.of('title')}>
          <Input
            dir="auto"
            name="entry-title"
            maxLength={255}
            value={fields.title}
            onChange={(event) => set({ title: event.target.value })}
          />
        </FormField>
        <FormField
          label="Text"
          error={errors.of('content')}
          aside={
            <Segmented
              label="View of the text"
              value={view}
              onChange={setView}
              options={[
                { value: 'text', label: 'Text' },
                { value: 'preview', label: 'Preview' },
              ]}
            />
          }
        >
          {view === 'text' ? (
            <Textarea
              dir="auto"
              name="entry-content"
              required
              autoFocus
              rows={8}
              maxLength={diaryLimits.content}
              value={fields.content}
              onChange={(event) => set({ content: event.target.value })}
            />
          ) : (
            <div className="min-h-48 rounded-control border border-line bg-surface px-3 py-2">
              <Markdown text={fields.content || 'Nothing is written yet.'} />
            </div>
          )}
        </FormField>
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField label="Type" error={errors.of('entry_type')}>
            <Select
              value={fields.entry_type}
              onChange={(entry_type) => set({ entry_type: entry_type as EntryType })}
              options={typeOptions}
            />
          </FormField>
          <FormField label="Importance" group error={errors.of('importance')}>
            <Slider
              label="Importance"
              min={1}
              max={10}
              value={fields.importance}
              onChange={(importance) => set({ importance })}
            />
          </FormField>
        </div>
        <FormField label="Tags" required={false} error={errors.of('tags')}>
          <Combobox
            multiple
            allowNew
            placeholder="None"
            searchPlaceholder="A tag"
            empty="Type a tag."
            value={fields.tags}
            onChange={(tags) => set({ tags: tags.slice(0, diaryLimits.tags) })}
            options={fields.tags.map((tag) => ({ value: tag, label: tag }))}
          />
        </FormField>
        <Times fields={fields} set={set} errors={errors} />
        {changedSince && (
          <Notice tone="warning">
            Somebody changed this entry meanwhile. What you change here takes the place of that; its history keeps both.
          </Notice>
        )}
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

const confidences = ['0.25', '0.5', '0.75', '0.9', '1'];

/** How sure it is and when it holds: said of few entries, so it is folded away until one says it. */
const Times = ({
  fields,
  set,
  errors,
}: {
  fields: Fields;
  set: (change: Partial<Fields>) => void;
  errors: FormErrors;
}) => {
  const [begun] = useState(() => unsaid.some((name) => fields[name] !== null));
  const wrong = unsaid.some((name) => errors.of(name) !== undefined);
  const sure = fields.confidence === null ? 'unsaid' : String(fields.confidence);
  return (
    <details open={begun || wrong} className="group">
      <summary className="-ml-1 flex w-fit cursor-pointer list-none items-center gap-1 rounded-control px-1 py-0.5 text-13 font-medium text-text-2 hover:text-text touch:min-h-11 [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden className="size-4 text-text-3 transition-transform group-open:rotate-90" />
        When it holds, when it ends, how sure it is
      </summary>
      <div className="mt-3 grid gap-5 sm:grid-cols-2">
        <FormField label="Holds from" required={false} error={errors.of('valid_from')}>
          <DateTimePicker value={fields.valid_from} onChange={(valid_from) => set({ valid_from })} />
        </FormField>
        <FormField label="Holds until" required={false} error={errors.of('valid_to')}>
          <DateTimePicker value={fields.valid_to} onChange={(valid_to) => set({ valid_to })} />
        </FormField>
        <FormField
          label="Leaves answers"
          required={false}
          error={errors.of('expires_at')}
          hint="From then on it is found only by who asks for ended entries."
        >
          <DateTimePicker value={fields.expires_at} onChange={(expires_at) => set({ expires_at })} />
        </FormField>
        <FormField label="How sure it is" required={false} error={errors.of('confidence')}>
          <Select
            value={sure}
            onChange={(value) => set({ confidence: value === 'unsaid' ? null : Number(value) })}
            options={['unsaid', ...new Set([...confidences, ...(sure === 'unsaid' ? [] : [sure])])].map((value) => ({
              value,
              label: value === 'unsaid' ? 'Not said' : `${Math.round(Number(value) * 100)} %`,
            }))}
          />
        </FormField>
      </div>
    </details>
  );
};
