import {
  companionScopes,
  type Device,
  deviceScopeCovers,
  deviceScopes,
  devicesRevoke,
  type OutputOf,
  pairingsCancel,
  pairingsCreate,
  pairingsGet,
  spellPairingCode,
} from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { call } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { CountdownRing } from '../../ui/lifetime.tsx';
import { useNow } from '../../ui/now.ts';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Checkbox } from '../../ui/toggles.tsx';
import { DeviceMark } from './device-mark.tsx';
import { deviceKind, deviceScopeWords } from './device-words.ts';
import { pairOpen } from './pair-store.ts';

const QrCode = lazy(async () => ({ default: (await import('../../ui/qr-code.tsx')).QrCode }));

type Made = OutputOf<typeof pairingsCreate>;

/** "Pair a device", above any page: a picture to scan, a code to type, and the device as soon as it is there. */
export const PairDialog = () => {
  const open = useExternalStore(pairOpen);
  return open ? <Pairing /> : null;
};

const Pairing = () => {
  const me = useMe();
  const [scopes, setScopes] = useState<string[]>(() =>
    companionScopes.filter((scope) => deviceScopeCovers(me.scopes, scope)),
  );
  const [choosing, setChoosing] = useState(false);
  const create = useOperationMutation(pairingsCreate, { quiet: true });
  const made = create.data ?? null;
  const follow = useOperation(pairingsGet, { id: made?.id ?? '' }, { enabled: made !== null });
  const state = made !== null && follow.data?.id === made.id ? follow.data.state : 'waiting';
  const device = state === 'completed' ? (follow.data?.device ?? null) : null;
  const begun = useRef(false);
  const { mutate } = create;

  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    mutate({ scopes });
  }, [mutate, scopes]);

  /** A code that nobody used must not stay good behind a closed dialog. */
  const dropCode = () => {
    if (made !== null && (state === 'waiting' || state === 'redeemed'))
      call(pairingsCancel, { id: made.id }).catch(() => undefined);
  };
  const close = () => {
    dropCode();
    pairOpen.set(false);
  };
  const again = () => {
    dropCode();
    setChoosing(false);
    create.mutate({ scopes });
  };
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && close()}
      title={device ? `${device.name} is paired` : choosing ? 'What it may do' : 'Pair a device'}
      description={
        device
          ? undefined
          : choosing
            ? 'Never more than your own role allows.'
            : 'Point the camera of the device at the picture, or type the code there.'
      }
      footer={
        device ? (
          <Joined device={device} onDone={() => pairOpen.set(false)} />
        ) : choosing ? (
          <>
            <Button onClick={() => setChoosing(false)}>Back</Button>
            <Button tone="primary" disabled={scopes.length === 0} busy={create.isPending} onClick={again}>
              Make a new code
            </Button>
          </>
        ) : (
          <>
            <Button tone="ghost" onClick={() => setChoosing(true)}>
              What it may do
            </Button>
            <Button onClick={close}>Cancel</Button>
          </>
        )
      }
    >
      {device ? (
        <div className="flex items-center gap-4">
          <DeviceMark device={device} size={44} />
          <div className="min-w-0">
            <p className="text-14 text-text">{deviceKind(device)}</p>
            <p className="text-13 text-text-2">{device.scopes.map(deviceScopeWords).join(' · ')}</p>
          </div>
        </div>
      ) : choosing ? (
        <FormField label="Scopes" group>
          <ScopeChoice value={scopes} onChange={setScopes} />
        </FormField>
      ) : create.error ? (
        <div className="flex flex-col items-start gap-3">
          <FormError>{formErrors(create.error, []).rest}</FormError>
          <Button onClick={again}>Try again</Button>
        </div>
      ) : (
        <Code made={made} state={state} onAgain={again} />
      )}
    </Dialog>
  );
};

const Code = ({ made, state, onAgain }: { made: Made | null; state: string; onAgain: () => void }) => {
  const now = useNow('second');
  if (made === null)
    return (
      <div className="flex flex-col items-center gap-5 sm:flex-row sm:items-start">
        <Skeleton className="size-52 rounded-control" />
        <div className="flex w-full flex-1 flex-col gap-3 pt-1">
          <Skeleton className="h-9 w-52" />
          <Skeleton className="h-4 w-40" />
        </div>
      </div>
    );
  const over = state === 'expired' || state === 'dead' || Date.parse(made.expires_at) <= now;
  return (
    <div className="flex flex-col items-center gap-5 sm:flex-row sm:items-start">
      <div className={over ? 'opacity-20' : undefined}>
        <Suspense fallback={<Skeleton className="size-52 rounded-control" />}>
          <QrCode text={made.url} label="Picture with the pairing code" className="size-52" />
        </Suspense>
      </div>
      <div className="flex w-full min-w-0 flex-1 flex-col gap-4 sm:pt-1">
        {over ? (
          <div role="status" className="flex flex-col items-start gap-3">
            <p className="text-14 text-text">
              {state === 'dead' ? 'This code was tried too often.' : 'This code has expired.'} Nothing was paired with
              it.
            </p>
            <Button tone="primary" onClick={onAgain}>
              New code
            </Button>
          </div>
        ) : (
          <>
            <div>
              <p className="text-12 text-text-3">Code</p>
              <p className="flex items-center gap-1">
                <code className="text-20 font-semibold tracking-[0.06em] text-text">{spellPairingCode(made.code)}</code>
                <CopyButton text={made.code} label="Copy code" />
              </p>
            </div>
            <div className="min-w-0">
              <p className="text-12 text-text-3">To be typed at</p>
              <p className="text-14 break-words text-text">{`${new URL(made.qr.u).host}/pair`}</p>
            </div>
            <p role="status" className="flex items-center gap-2 text-13 text-text-2">
              {state === 'redeemed' ? (
                <Badge dot tone="info">
                  A device has read the code and is joining
                </Badge>
              ) : (
                <>
                  <CountdownRing from={made.created_at} until={made.expires_at} />
                  <Left until={made.expires_at} now={now} />
                </>
              )}
            </p>
          </>
        )}
      </div>
    </div>
  );
};

const Left = ({ until, now }: { until: string; now: number }) => {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - now) / 1000));
  return (
    <span className="tabular">
      Good for {Math.floor(seconds / 60)}:{String(seconds % 60).padStart(2, '0')}, and for one device
    </span>
  );
};

const ScopeChoice = ({ value, onChange }: { value: string[]; onChange: (scopes: string[]) => void }) => {
  const me = useMe();
  return (
    <div className="flex flex-col gap-1">
      {deviceScopes.map((scope) => {
        const lacking = !deviceScopeCovers(me.scopes, scope);
        return (
          <Checkbox
            key={scope}
            label={deviceScopeWords(scope)}
            hint={
              <>
                <code className="text-12">{scope}</code>
                {lacking && '. Your own credential lacks this scope.'}
              </>
            }
            checked={value.includes(scope)}
            disabled={lacking}
            onChange={(on) => onChange(on ? [...value, scope] : value.filter((other) => other !== scope))}
          />
        );
      })}
    </div>
  );
};

/** Somebody else may have been quicker with the code: what joined can be thrown out again at once. */
const Joined = ({ device, onDone }: { device: Device; onDone: () => void }) => {
  const navigate = useNavigate();
  const revoke = useOperationMutation(devicesRevoke, {
    invalidates: ['devices.list'],
    done: () => `${device.name} is shut out again`,
    onSuccess: onDone,
  });
  return (
    <>
      <Button busy={revoke.isPending} onClick={() => revoke.mutate({ id: device.id })}>
        Undo
      </Button>
      <Button
        onClick={() => {
          onDone();
          void navigate({ to: '/devices/$id', params: { id: device.id } });
        }}
      >
        Open its page
      </Button>
      <Button tone="primary" onClick={onDone}>
        Done
      </Button>
    </>
  );
};
