import { type DiaryView, diariesTransfer, peopleList } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Notice } from '../../ui/notice.tsx';
import { diaryReads } from './diary-changes.ts';

/** Gives a diary away. */
export const TransferDialog = ({
  diary,
  open,
  onOpenChange,
}: {
  diary: DiaryView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => {
  const form = useId();
  const navigate = useNavigate();
  const [to, setTo] = useState<string>();
  const [q, setQ] = useState('');
  const people = useOperation(
    peopleList,
    { ...(q.trim() ? { q: q.trim().slice(0, 100) } : {}), limit: 100 },
    { enabled: open, keepPrevious: true },
  );
  const known = (people.data?.items ?? []).filter((person) => person.id !== diary.owner.id);
  const transfer = useOperationMutation(diariesTransfer, {
    quiet: true,
    invalidates: diaryReads,
    done: (given) => `${diary.name} belongs to ${given.owner.name}`,
    onSuccess: () => {
      onOpenChange(false);
      void navigate({ to: '/diaries' });
    },
  });
  const errors = formErrors(transfer.error, ['user_id', 'agent_id']);
  const person = known.find(({ id }) => id === to);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (person) transfer.mutate({ diary_ref: diary.id, [person.kind === 'user' ? 'user_id' : 'agent_id']: person.id });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      width="small"
      title={`Give ${diary.name} away`}
      description="To a person or an agent of the organisation, with every entry and every share."
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="danger" type="submit" form={form} busy={transfer.isPending} disabled={!person}>
            {person ? `Give it to ${person.name}` : 'Give it away'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="New owner" error={errors.of('user_id') ?? errors.of('agent_id')}>
          <Combobox
            placeholder="Choose a person or an agent"
            searchPlaceholder="Search by name"
            onSearch={setQ}
            value={to ? [to] : []}
            onChange={([id]) => setTo(id)}
            options={known.map((one) => ({
              value: one.id,
              label: one.name,
              icon: <PrincipalMark type={one.kind} id={one.id} name={one.name} size={18} />,
            }))}
          />
        </FormField>
        <Notice tone="warning">
          You keep nothing of it unless it is shared back with you, and only its new owner can give it back.
        </Notice>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
