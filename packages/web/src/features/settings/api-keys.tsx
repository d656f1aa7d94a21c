import { apiKeysCreate, apiKeysList, apiKeysRevoke, type OutputOf, type Scope } from '@atrium/protocol';
import { KeyRound } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { MaskedSecret, SecretReveal } from '../../ui/secret-reveal.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { ScopePicker } from '../agents/scope-picker.tsx';
import { newKeyOpen } from './new-key-store.ts';

type ApiKey = OutputOf<typeof apiKeysList>['items'][number];

export const ApiKeys = () => {
  const list = useOperationList(apiKeysList, {});
  const making = useExternalStore(newKeyOpen);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const revoke = useOperationMutation(apiKeysRevoke, {
    invalidates: ['api_keys.list'],
    optimistic: ({ id }) => [patchItem<ApiKey>('api_keys.list', id, () => null)],
    done: () => 'The key is revoked',
    onSuccess: () => setRevoking(null),
  });
  const newKey = (
    <Button size="small" onClick={() => newKeyOpen.set(true)}>
      New key
    </Button>
  );
  return (
    <div className="flex flex-col items-start gap-3">
      {list.isPending ? (
        <div className="w-full">
          <SkeletonRows rows={2} tall />
        </div>
      ) : list.error ? (
        <LoadError error={list.error} retry={list.refetch} />
      ) : list.items.length === 0 ? (
        <div className="flex w-full flex-col items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-8 text-center">
          <p className="text-13 text-text-2">No key acts as you. Scripts and the command line need one.</p>
          {newKey}
        </div>
      ) : (
        <>
          <ul className="w-full divide-y divide-line rounded-card border border-line">
            {list.items.map((key) => (
              <KeyRow key={key.id} apiKey={key} onRevoke={() => setRevoking(key)} />
            ))}
          </ul>
          <div className="flex gap-2">
            {newKey}
            {list.hasMore && (
              <Button size="small" tone="ghost" busy={list.loadingMore} onClick={list.loadMore}>
                Show more
              </Button>
            )}
          </div>
        </>
      )}
      <NewKeyDialog open={making} onOpenChange={newKeyOpen.set} />
      <ConfirmDialog
        key={revoking?.id}
        open={revoking !== null}
        onOpenChange={(open) => !open && setRevoking(null)}
        title={`Revoke ${revoking?.name ?? 'key'}`}
        verb="Revoke key"
        typeName={revoking?.name}
        busy={revoke.isPending}
        onConfirm={() => revoking && revoke.mutate({ id: revoking.id })}
      >
        Whatever uses it is refused from the next call on. The key cannot be brought back.
      </ConfirmDialog>
    </div>
  );
};

const KeyRow = ({ apiKey, onRevoke }: { apiKey: ApiKey; onRevoke: () => void }) => {
  const expired = apiKey.expires_at !== null && Date.parse(apiKey.expires_at) <= Date.now();
  return (
    <li className="flex items-center gap-3 px-4 py-3">
      <KeyRound aria-hidden strokeWidth={1.75} className="size-5 shrink-0 text-text-3" />
      <span className="min-w-0 flex-1">
        <span className="flex flex-wrap items-baseline gap-x-2.5">
          <span dir="auto" className="text-14 font-medium break-words">
            {apiKey.name}
          </span>
          <MaskedSecret prefix={apiKey.prefix} />
        </span>
        <span className="block text-13 text-text-2">
          {apiKey.scopes.join(', ')}
          {' · '}
          {apiKey.last_used_at ? (
            <>
              used <RelativeTime time={apiKey.last_used_at} />
            </>
          ) : (
            'never used'
          )}
          {apiKey.expires_at && (
            <span className={expired ? 'text-danger-text' : undefined}>
              {' · '}
              {expired ? 'expired' : 'expires'} <RelativeTime time={apiKey.expires_at} />
            </span>
          )}
        </span>
      </span>
      <Button size="small" tone="ghost" aria-label={`Revoke the key ${apiKey.name}`} onClick={onRevoke}>
        Revoke
      </Button>
    </li>
  );
};

const lifetimes = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'never', label: 'Never', hint: 'Until you revoke it' },
];

const NewKeyDialog = ({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) => {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>(['inbox:read', 'inbox:write']);
  const [days, setDays] = useState('90');
  const create = useOperationMutation(apiKeysCreate, { quiet: true, invalidates: ['api_keys.list'] });
  const errors = formErrors(create.error, ['name', 'scopes', 'expires_in_days']);
  const made = create.data;
  const form = useId();
  const close = (next: boolean) => {
    onOpenChange(next);
    if (next) return;
    create.reset();
    setName('');
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), scopes, expires_in_days: days === 'never' ? null : Number(days) });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={close}
      title={made ? `${made.key.name} is ready` : 'New API key'}
      description={
        made ? undefined : 'It acts as you. For an agent, connect an agent instead: it asks under its own name.'
      }
      footer={
        made ? (
          <Button tone="primary" onClick={() => close(false)}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={() => close(false)}>Cancel</Button>
            <Button
              tone="primary"
              type="submit"
              form={form}
              busy={create.isPending}
              disabled={name.trim() === '' || scopes.length === 0}
            >
              Make key
            </Button>
          </>
        )
      }
    >
      {made ? (
        <div className="flex flex-col gap-4">
          <SecretReveal secret={made.api_key} name="API key" variable="ATRIUM_API_KEY" />
          <FormField label="Try it" group>
            <CopyLine
              prompt="$"
              text={`curl ${location.origin}/api/v1/me -H "Authorization: Bearer ${made.api_key}"`}
            />
          </FormField>
        </div>
      ) : (
        <form id={form} onSubmit={submit} className="flex flex-col gap-5">
          <FormField label="Name" error={errors.of('name')} hint="Where it lives: “laptop”, “backup script”.">
            <Input
              dir="auto"
              required
              maxLength={100}
              autoFocus
              autoComplete="off"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </FormField>
          <FormField label="What it may do" group error={errors.of('scopes')}>
            <ScopePicker value={scopes} onChange={setScopes} />
          </FormField>
          <FormField label="Expires after" error={errors.of('expires_in_days')}>
            <Select value={days} onChange={setDays} options={lifetimes} />
          </FormField>
          <FormError>{errors.rest}</FormError>
        </form>
      )}
    </Dialog>
  );
};
