import {
  type DiaryView,
  type DiaryVisibility,
  diariesDelete,
  diariesUpdate,
  diaryLanguages,
  injectionPolicies,
} from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Select } from '../../ui/select.tsx';
import { RadioGroup } from '../../ui/toggles.tsx';
import { visibilityOptions } from './create-diary-dialog.tsx';

type Policy = (typeof injectionPolicies)[number];
type Language = (typeof diaryLanguages)[number];

const policyWords: Record<Policy, { label: string; hint: string }> = {
  flag: { label: 'Flag it', hint: 'Readers are warned' },
  quarantine: { label: 'Quarantine it', hint: 'Only those who write here see it' },
  refuse: { label: 'Refuse it', hint: 'It is not written at all' },
};

const languageOptions = diaryLanguages.map((value) => ({
  value,
  label: value === 'simple' ? 'None, words as they are' : value.charAt(0).toUpperCase() + value.slice(1),
}));

interface SettingsProps {
  diary: DiaryView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Name, readers, language and policy of a diary, and its end. */
export const DiarySettings = ({ diary, open, onOpenChange }: SettingsProps) => {
  const [deleting, setDeleting] = useState(false);
  // What the form began with stays what it is about, whatever others change meanwhile.
  const [base, setBase] = useState(diary);
  const [wasOpen, setWasOpen] = useState(open);
  if (open !== wasOpen) {
    setWasOpen(open);
    if (open) setBase(diary);
  }
  const navigate = useNavigate();
  const remove = useOperationMutation(diariesDelete, {
    invalidates: ['diaries.list', 'diaries.search'],
    done: () => `${diary.name} is deleted`,
    onSuccess: () => void navigate({ to: '/diaries' }),
  });
  return (
    <>
      <SettingsForm
        key={JSON.stringify(base)}
        diary={base}
        open={open && !deleting}
        onOpenChange={onOpenChange}
        onDelete={() => setDeleting(true)}
      />
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Delete ${diary.name}`}
        verb="Delete diary"
        typeName={diary.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ diary_ref: diary.id })}
      >
        Its entries, their history and every share are lost for good, for everybody who reads it.
      </ConfirmDialog>
    </>
  );
};

const SettingsForm = ({ diary, open, onOpenChange, onDelete }: SettingsProps & { onDelete: () => void }) => {
  const form = useId();
  const [name, setName] = useState(diary.name);
  const [visibility, setVisibility] = useState(diary.visibility);
  const [language, setLanguage] = useState(diary.language);
  const [policy, setPolicy] = useState(diary.injection_policy);
  const restore = useOperationMutation(diariesUpdate, { quiet: true });
  const before = {
    diary_ref: diary.id,
    name: diary.name,
    visibility: diary.visibility,
    language: diary.language as Language,
    injection_policy: diary.injection_policy,
  };
  const update = useOperationMutation(diariesUpdate, {
    quiet: true,
    invalidates: ['diaries.get', 'diaries.list', 'diaries.search'],
    done: (saved) => `Settings of ${saved.name} changed`,
    undo: () => restore.mutateAsync(before),
    onSuccess: () => onOpenChange(false),
  });
  const errors = formErrors(update.error, ['name', 'visibility', 'language', 'injection_policy']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate({
      diary_ref: diary.id,
      ...(name.trim() === diary.name ? {} : { name: name.trim() }),
      ...(visibility === diary.visibility ? {} : { visibility }),
      ...(language === diary.language ? {} : { language: language as Language }),
      ...(policy === diary.injection_policy ? {} : { injection_policy: policy }),
    });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Settings of ${diary.name}`}
      footer={
        <>
          <Button tone="ghost" className="mr-auto text-danger-text!" onClick={onDelete}>
            Delete
          </Button>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={update.isPending} disabled={name.trim() === ''}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name')}>
          <Input dir="auto" required maxLength={255} value={name} onChange={(event) => setName(event.target.value)} />
        </FormField>
        <FormField label="Who reads" group error={errors.of('visibility')}>
          <RadioGroup
            value={visibility}
            onChange={(value) => setVisibility(value as DiaryVisibility)}
            options={visibilityOptions}
          />
        </FormField>
        <div className="grid gap-5 sm:grid-cols-2">
          <FormField label="Language" error={errors.of('language')} hint="Whose word stems the search uses.">
            <Combobox
              value={[language]}
              onChange={([value]) => value && setLanguage(value)}
              options={languageOptions}
              searchPlaceholder="Language"
            />
          </FormField>
          <FormField
            label="Text that reads like orders"
            error={errors.of('injection_policy')}
            hint="A public diary quarantines at least."
          >
            <Select
              value={policy}
              onChange={(value) => setPolicy(value as Policy)}
              options={injectionPolicies.map((value) => ({ value, ...policyWords[value] }))}
            />
          </FormField>
        </div>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
