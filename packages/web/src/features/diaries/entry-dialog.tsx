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
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
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
});

type Fields = ReturnType<typeof fieldsOf>;

/** Only what was changed here is sent: the rest may have been changed elsewhere meanwhile. */
const changesOf = (before: Fields, after: Fields) => ({
  ...(after.title === before.title ? {} : { title: after.title || null }),
  ...(after.content === before.content ? {} : { content: after.content }),
  ...(after.entry_type === before.entry_type ? {} : { entry_type: after.entry_type }),
  ...(after.importance === before.importance ? {} : { importance: after.importance }),
  ...(after.tags.join('\n') === before.tags.join('\n') ? {} : { tags: after.tags }),
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
  const errors = formErrors(error, ['title', 'content', 'tags', 'importance', 'entry_type']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { title, ...rest } = fields;
    const named = title.trim() === '' ? {} : { title: title.trim() };
    const place = { diary_ref: diary.id, entry_id: entry?.id ?? '' };
    if (mode === 'write') create.mutate({ diary_ref: diary.id, ...rest, ...named, on_duplicate: 'refuse' });
    else if (mode === 'correct') correct.mutate({ ...place, ...rest, ...named });
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
