import { type OutputOf, passkeysCreate, passkeysList, passkeysRemove, passkeysRename } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { FingerprintPattern } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { call, sayError } from '../../data/client.ts';
import { invalidate, useOperation, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { toast } from '../../ui/toast.tsx';
import { makePasskey, PasskeyCancelled, passkeysSupported } from '../identity/passkey.ts';
import { deviceName } from './device-name.ts';

type Passkey = OutputOf<typeof passkeysList>['items'][number];

export const Passkeys = () => {
  const list = useOperation(passkeysList, {});
  const [renaming, setRenaming] = useState<Passkey | null>(null);
  const [removing, setRemoving] = useState<Passkey | null>(null);
  const add = useMutation({
    mutationFn: async () => {
      const made = await makePasskey();
      return call(passkeysCreate, { ...made, name: deviceName(navigator.userAgent) });
    },
    onSuccess: (passkey) => {
      toast({ title: `The passkey “${passkey.name}” signs you in from now on`, tone: 'success' });
      void invalidate('passkeys.list', 'factors.get');
    },
    onError: (error) => {
      if (!(error instanceof PasskeyCancelled)) toast({ title: sayError(error), tone: 'danger' });
    },
  });
  const remove = useOperationMutation(passkeysRemove, {
    invalidates: ['passkeys.list', 'factors.get'],
    done: () => 'The passkey is removed',
    onSuccess: () => setRemoving(null),
  });
  if (list.isPending) return <SkeletonRows rows={1} tall />;
  if (list.error) return <LoadError error={list.error} retry={list.refetch} />;
  const { items } = list.data;
  const addButton = (
    <Button size="small" busy={add.isPending} onClick={() => add.mutate()}>
      Add a passkey
    </Button>
  );
  if (!passkeysSupported() && items.length === 0)
    return <Notice>This browser has passkeys only over https, or at localhost.</Notice>;
  return (
    <div className="flex flex-col items-start gap-3">
      {items.length === 0 ? (
        <div className="flex w-full flex-col items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-8 text-center">
          <p className="max-w-[44ch] text-13 text-pretty text-text-2">
            Sign in with your fingerprint, face or device PIN. Nothing to remember, nothing that can be phished.
          </p>
          {addButton}
        </div>
      ) : (
        <>
          <ul className="w-full divide-y divide-line rounded-card border border-line">
            {items.map((passkey) => (
              <PasskeyRow
                key={passkey.id}
                passkey={passkey}
                onRename={() => setRenaming(passkey)}
                onRemove={() => setRemoving(passkey)}
              />
            ))}
          </ul>
          {passkeysSupported() && addButton}
        </>
      )}
      {renaming && <RenameDialog key={renaming.id} passkey={renaming} onClose={() => setRenaming(null)} />}
      <ConfirmDialog
        key={removing?.id}
        open={removing !== null}
        onOpenChange={(open) => !open && setRemoving(null)}
        title={`Remove ${removing?.name ?? 'passkey'}`}
        verb="Remove passkey"
        busy={remove.isPending}
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
      >
        It no longer signs you in. Your device or password manager may go on offering it; delete it there too.
      </ConfirmDialog>
    </div>
  );
};

const PasskeyRow = ({
  passkey,
  onRename,
  onRemove,
}: {
  passkey: Passkey;
  onRename: () => void;
  onRemove: () => void;
}) => (
  <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
    <FingerprintPattern aria-hidden strokeWidth={1.75} className="size-5 shrink-0 text-text-3" />
    <span className="min-w-40 flex-1">
      <span className="flex flex-wrap items-center gap-2">
        <span dir="auto" className="text-14 font-medium break-words">
          {passkey.name}
        </span>
        {passkey.regressed_at && (
          <Badge dot tone="danger">
            Perhaps copied
          </Badge>
        )}
      </span>
      <span className="block text-13 text-text-2">
        {passkey.backed_up ? 'Synced by your password manager' : 'On one device only'}
        {' · '}
        {passkey.last_used_at ? (
          <>
            used <RelativeTime time={passkey.last_used_at} />
          </>
        ) : (
          <>
            added <RelativeTime time={passkey.created_at} />
          </>
        )}
      </span>
      {passkey.regressed_at && (
        <span className="block text-13 text-danger-text">
          Its counter went backwards <RelativeTime time={passkey.regressed_at} />. Remove it and make a new one.
        </span>
      )}
    </span>
    <span className="flex gap-1">
      <Button size="small" tone="ghost" aria-label={`Rename the passkey ${passkey.name}`} onClick={onRename}>
        Rename
      </Button>
      <Button size="small" tone="ghost" aria-label={`Remove the passkey ${passkey.name}`} onClick={onRemove}>
        Remove
      </Button>
    </span>
  </li>
);

const RenameDialog = ({ passkey, onClose }: { passkey: Passkey; onClose: () => void }) => {
  const [name, setName] = useState(passkey.name);
  const form = useId();
  const rename = useOperationMutation(passkeysRename, {
    quiet: true,
    invalidates: ['passkeys.list'],
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate({ id: passkey.id, name: name.trim() });
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Rename the passkey"
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={rename.isPending} disabled={name.trim() === ''}>
            Save
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <FormField label="Name" hint="Where it lives: “laptop”, “key ring”.">
          <Input
            dir="auto"
            required
            maxLength={100}
            autoFocus
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormError>{rename.error ? sayError(rename.error) : undefined}</FormError>
      </form>
    </Dialog>
  );
};
