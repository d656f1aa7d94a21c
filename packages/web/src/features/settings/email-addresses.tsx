import {
  emailsAdd,
  emailsList,
  emailsMakePrimary,
  emailsRemove,
  emailsSendLink,
  type OutputOf,
} from '@atrium/protocol';
import { type FormEvent, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';

type Email = OutputOf<typeof emailsList>['items'][number];

export const EmailAddresses = () => {
  const list = useOperation(emailsList, {});
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Email | null>(null);
  const remove = useOperationMutation(emailsRemove, {
    invalidates: ['emails.list'],
    done: () => 'The address is removed',
    onSuccess: () => setRemoving(null),
  });
  if (list.isPending) return <SkeletonRows rows={1} tall />;
  if (list.error) return <LoadError error={list.error} retry={list.refetch} />;
  return (
    <div className="flex flex-col items-start gap-3">
      <ul className="w-full divide-y divide-line rounded-card border border-line">
        {list.data.items.map((email) => (
          <EmailRow key={email.id} email={email} onRemove={() => setRemoving(email)} />
        ))}
      </ul>
      {adding ? (
        <AddForm onDone={() => setAdding(false)} />
      ) : (
        <Button size="small" onClick={() => setAdding(true)}>
          Add an address
        </Button>
      )}
      <ConfirmDialog
        key={removing?.id}
        open={removing !== null}
        onOpenChange={(open) => !open && setRemoving(null)}
        title="Remove the address"
        verb="Remove it"
        busy={remove.isPending}
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
      >
        {removing?.address} no longer leads to your account.
      </ConfirmDialog>
    </div>
  );
};

const EmailRow = ({ email, onRemove }: { email: Email; onRemove: () => void }) => {
  const sendLink = useOperationMutation(emailsSendLink, { done: () => `A link is on its way to ${email.address}` });
  const makePrimary = useOperationMutation(emailsMakePrimary, {
    invalidates: ['emails.list', 'me.get'],
    done: () => 'You are known by this address now',
  });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
      <span className="min-w-40 flex-1">
        <span className="block text-14 font-medium break-all">{email.address}</span>
        <span className="mt-0.5 flex flex-wrap gap-1.5">
          {email.primary && <Badge>Primary</Badge>}
          {email.verified_at ? (
            <Badge dot tone="success">
              Confirmed
            </Badge>
          ) : (
            <Badge dot tone="warning">
              Not confirmed
            </Badge>
          )}
        </span>
      </span>
      <span className="flex flex-wrap gap-1">
        {!email.verified_at && (
          <Button
            size="small"
            tone="ghost"
            busy={sendLink.isPending}
            aria-label={`Mail a link to ${email.address}`}
            onClick={() => sendLink.mutate({ id: email.id })}
          >
            Mail a link
          </Button>
        )}
        {!email.primary && email.verified_at && (
          <Button
            size="small"
            tone="ghost"
            busy={makePrimary.isPending}
            aria-label={`Make ${email.address} primary`}
            onClick={() => makePrimary.mutate({ id: email.id })}
          >
            Make primary
          </Button>
        )}
        {!email.primary && (
          <Button size="small" tone="ghost" aria-label={`Remove ${email.address}`} onClick={onRemove}>
            Remove
          </Button>
        )}
      </span>
    </li>
  );
};

const AddForm = ({ onDone }: { onDone: () => void }) => {
  const [address, setAddress] = useState('');
  const add = useOperationMutation(emailsAdd, {
    quiet: true,
    invalidates: ['emails.list'],
    done: (email) => `A link is on its way to ${email.address}`,
    onSuccess: onDone,
  });
  const errors = formErrors(add.error, ['address']);
  const taken = add.error instanceof ProblemError && add.error.code === 'name_taken';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate({ address: address.trim() });
  };
  return (
    <form onSubmit={submit} className="flex w-full max-w-[420px] flex-col gap-3">
      <FormField
        label="New address"
        error={errors.of('address') ?? (taken ? 'An account has this address.' : undefined)}
        hint="We mail a link to it; until you open that, it leads nowhere."
      >
        <Input
          type="email"
          name="address"
          autoComplete="email"
          inputMode="email"
          required
          autoFocus
          value={address}
          onChange={(event) => setAddress(event.target.value)}
        />
      </FormField>
      <FormError>{taken ? undefined : errors.rest}</FormError>
      <div className="flex gap-2">
        <Button size="small" tone="primary" type="submit" busy={add.isPending} disabled={address.trim() === ''}>
          Add it
        </Button>
        <Button size="small" tone="ghost" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
};
