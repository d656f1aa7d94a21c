import { passkeysList, personalKeysRevoke } from '@atrium/protocol';
import { useMutation } from '@tanstack/react-query';
import { Signature } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { sayError } from '../../data/client.ts';
import { invalidate, useOperation, useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { toast } from '../../ui/toast.tsx';
import { PasskeyCancelled, passkeysSupported } from '../identity/passkey.ts';
import { deviceName } from '../settings/device-name.ts';
import { forgetKey, keysSupported, registerKey } from './browser-keys.ts';
import { useOwnKeys } from './use-own-keys.ts';

type OwnKey = ReturnType<typeof useOwnKeys>['keys'][number];

/** Keys with which this person signs: made here, listed, revoked. */
export const SigningKeys = () => {
  const { pending, error, retry, keys } = useOwnKeys();
  const passkeys = useOperation(passkeysList, {});
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<OwnKey | null>(null);
  const revoke = useOperationMutation(personalKeysRevoke, {
    invalidates: ['personal_keys.list'],
    done: () => 'The key signs nothing any more',
    onSuccess: () => {
      if (revoking?.here) void forgetKey(revoking.fingerprint);
      setRevoking(null);
    },
  });
  if (pending || passkeys.isPending) return <SkeletonRows rows={1} tall />;
  if (error) return <LoadError error={error} retry={retry} />;
  const supported = keysSupported() && passkeysSupported();
  if (!supported && keys.length === 0)
    return <Notice>This browser has signing keys only over https, or at localhost.</Notice>;
  const noPasskey = passkeys.data?.items.length === 0;
  const makeButton = (
    <Button size="small" disabled={noPasskey} onClick={() => setAdding(true)}>
      Make a signing key
    </Button>
  );
  return (
    <div className="flex flex-col items-start gap-3">
      {keys.length === 0 ? (
        <div className="flex w-full flex-col items-center gap-3 rounded-card border border-dashed border-line-strong px-4 py-8 text-center">
          <p className="max-w-[48ch] text-13 text-pretty text-text-2">
            {noPasskey
              ? 'A passkey approves each signing key, so that nobody makes one in your name. Add a passkey above first.'
              : 'Sign what an agent asks you to, such as a release or a payment, so that everybody can check that it was you. Your passkey approves the key once.'}
          </p>
          {makeButton}
        </div>
      ) : (
        <>
          <ul aria-label="Signing keys" className="w-full divide-y divide-line rounded-card border border-line">
            {keys.map((key) => (
              <KeyRow key={key.id} held={key} onRevoke={() => setRevoking(key)} />
            ))}
          </ul>
          {supported && makeButton}
          {supported && noPasskey && (
            <p className="text-13 text-text-2">A passkey approves each key. Add one above first.</p>
          )}
        </>
      )}
      {adding && <MakeDialog onClose={() => setAdding(false)} />}
      <ConfirmDialog
        key={revoking?.id}
        open={revoking !== null}
        onOpenChange={(open) => !open && setRevoking(null)}
        title={`Revoke ${revoking?.label ?? 'the key'}`}
        verb="Revoke key"
        busy={revoke.isPending}
        onConfirm={() => revoking && revoke.mutate({ id: revoking.id })}
      >
        It signs nothing from now on, and this cannot be undone. What it signed before stays good.
      </ConfirmDialog>
    </div>
  );
};

const KeyRow = ({ held, onRevoke }: { held: OwnKey; onRevoke: () => void }) => (
  <li className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 py-3">
    <Signature aria-hidden strokeWidth={1.75} className="size-5 shrink-0 text-text-3" />
    <span className="min-w-40 flex-1">
      <span className="flex flex-wrap items-center gap-2">
        <span dir="auto" className="text-14 font-medium break-words">
          {held.label}
        </span>
        {held.revoked_at ? (
          <Badge>Revoked</Badge>
        ) : held.here ? (
          <Badge dot tone="success">
            In this browser
          </Badge>
        ) : (
          <Badge>In another browser</Badge>
        )}
      </span>
      <span className="block text-13 text-text-2">
        <code className="text-12 break-all">{held.fingerprint}</code>
        {' · '}
        {held.revoked_at ? (
          <>
            revoked <RelativeTime time={held.revoked_at} />
          </>
        ) : held.last_used_at ? (
          <>
            signed <RelativeTime time={held.last_used_at} />
          </>
        ) : (
          <>
            made <RelativeTime time={held.created_at} />
          </>
        )}
      </span>
    </span>
    {held.revoked_at === null && (
      <Button size="small" tone="ghost" aria-label={`Revoke the key ${held.label}`} onClick={onRevoke}>
        Revoke
      </Button>
    )}
  </li>
);

const MakeDialog = ({ onClose }: { onClose: () => void }) => {
  const userId = useMe().principal.id ?? '';
  const [label, setLabel] = useState(() => deviceName(navigator.userAgent));
  const form = useId();
  const make = useMutation({
    mutationFn: () => registerKey(userId, label.trim()),
    onSuccess: (key) => {
      toast({ title: `This browser signs with “${key.label}” from now on`, tone: 'success' });
      void invalidate('personal_keys.list', 'passkeys.list');
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  const failed = make.error !== null && !(make.error instanceof PasskeyCancelled);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Make a signing key"
      description="This browser makes the key and keeps its private half, which no page and no server can read. Your passkey approves it."
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={make.isPending} disabled={label.trim() === ''}>
            Approve with your passkey
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <FormField label="Name" hint="For yourself: where the key lives.">
          <Input
            dir="auto"
            required
            maxLength={100}
            autoFocus
            value={label}
            onChange={(event) => setLabel(event.target.value)}
          />
        </FormField>
        <FormError>{failed ? sayError(make.error) : undefined}</FormError>
      </form>
    </Dialog>
  );
};
