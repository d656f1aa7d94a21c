import { orgsCreate } from '@atrium/protocol';
import { type FormEvent, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { switchOrg } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { createOrgOpen } from './create-org-store.ts';

/** "New organisation", above any page; it is entered at once. */
export const CreateOrgDialog = () => {
  const open = useExternalStore(createOrgOpen);
  const [name, setName] = useState('');
  const create = useOperationMutation(orgsCreate, {
    quiet: true,
    invalidates: ['me.get'],
    onSuccess: (org) => void switchOrg(org.id),
  });
  const errors = formErrors(create.error, ['name']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim() });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={createOrgOpen.set}
      title="New organisation"
      description="A house of its own: people, agents and items of one are never seen in another. You become its Owner."
      width="small"
    >
      <form onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name')}>
          <Input
            dir="auto"
            required
            maxLength={100}
            autoFocus
            placeholder="Northwind Trading"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
        <div>
          <Button
            tone="primary"
            type="submit"
            busy={create.isPending || create.isSuccess}
            disabled={name.trim() === ''}
          >
            Make it and go there
          </Button>
        </div>
      </form>
    </Dialog>
  );
};
