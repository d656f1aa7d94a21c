import { type DiaryVisibility, diariesCreate, diaryVisibilities } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { creatingDiary } from './create-diary-store.ts';
import { visibilityHints, visibilityWords } from './diary-words.ts';

export const visibilityOptions = diaryVisibilities.map((value) => ({
  value,
  label: visibilityWords[value],
  hint: visibilityHints[value],
}));

export const CreateDiaryDialog = () => {
  const open = useExternalStore(creatingDiary);
  const navigate = useNavigate();
  const form = useId();
  const [name, setName] = useState('');
  const [visibility, setVisibility] = useState<DiaryVisibility>('private');
  const create = useOperationMutation(diariesCreate, {
    quiet: true,
    invalidates: ['diaries.list'],
    onSuccess: (diary) => {
      creatingDiary.set(false);
      setName('');
      setVisibility('private');
      void navigate({ to: '/diaries/$id', params: { id: diary.id } });
    },
  });
  const errors = formErrors(create.error, ['name', 'visibility']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), visibility });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={creatingDiary.set}
      title="New diary"
      description="A collection of what people and agents remember. It is yours, and you decide who reads and writes."
      width="small"
      footer={
        <>
          <Button onClick={() => creatingDiary.set(false)}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={create.isPending} disabled={name.trim() === ''}>
            Make the diary
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name')}>
          <Input
            dir="auto"
            name="diary-name"
            required
            maxLength={255}
            autoFocus
            placeholder="Project notes"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormField label="Who reads" group error={errors.of('visibility')}>
          <RadioGroup
            value={visibility}
            onChange={(value) => setVisibility(value as DiaryVisibility)}
            options={visibilityOptions}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
