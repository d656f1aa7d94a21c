import { type Device, devicesGet, devicesRevoke, devicesUpdate } from '@atrium/protocol';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { patchItem, useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { DeviceMark } from './device-mark.tsx';
import { deviceKind, deviceScopeWords } from './device-words.ts';
import { DeviceState } from './devices-page.tsx';
import { openPair } from './pair-store.ts';

const route = getRouteApi('/frame/devices/$id');

export const DevicePage = () => {
  const { id } = route.useParams();
  const query = useOperation(devicesGet, { id });
  const navigate = useNavigate();
  const back = { label: 'devices', onBack: () => void navigate({ to: '/devices' }) };
  if (query.data) return <DeviceDetail key={id} device={query.data} back={back} />;
  const gone = query.error instanceof ProblemError && query.error.code === 'not_found';
  return (
    <>
      <PageHeader title="Device" back={back} />
      {gone ? (
        <EmptyState plain title="There is no such device">
          It belongs to somebody else, or to another organisation.
        </EmptyState>
      ) : query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : (
        <SkeletonDetail />
      )}
    </>
  );
};

const DeviceDetail = ({ device, back }: { device: Device; back: { label: string; onBack: () => void } }) => {
  const me = useMe();
  const mayAudit = useCan('audit.read');
  const live = device.revoked_at === null;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader title={device.name} back={back} aside={<DeviceState device={device} />} />
      <div className="flex items-center gap-4 px-4 pt-6 md:px-6">
        <DeviceMark device={device} size={40} />
        <p className="min-w-0 text-13 text-text-2">
          {deviceKind(device)}, {device.owner.id === me.user?.id ? 'yours' : `of ${device.owner.name}`}, paired{' '}
          <RelativeTime time={device.created_at} />
        </p>
      </div>
      {live && device.needs_pairing && (
        <div className="px-4 pt-5 md:px-6">
          <Notice tone="danger">
            One of its tokens was used twice, so somebody may hold a copy. All of them have ended. Pair the device
            again, or revoke it if you no longer have it.
          </Notice>
        </div>
      )}
      <Sections>
        <Section
          title="Activity"
          lead={
            mayAudit && (
              <Link to="/audit" search={{ actor: device.id }} className="quiet-link">
                Everything it did, in the audit trail
              </Link>
            )
          }
        >
          <Facts
            facts={[
              {
                label: 'Last seen',
                value: device.last_seen_at ? <RelativeTime time={device.last_seen_at} /> : 'Never',
              },
              { label: 'Owner', value: device.owner.name },
              { label: 'Key', value: <code className="text-13">{device.key_fingerprint.slice(0, 16)}…</code> },
            ]}
          />
        </Section>
        <Section
          title="What it may do"
          lead="Never more than the role of its owner allows. For more than this, pair it again."
        >
          <Scopes device={device} editable={live} />
        </Section>
        {live && (
          <>
            <Section title="Naming" lead="Shown beside what it does.">
              <NameForm key={device.name} device={device} />
            </Section>
            <End device={device} />
          </>
        )}
      </Sections>
    </div>
  );
};

const stale = ['devices.get', 'devices.list'];

const Scopes = ({ device, editable }: { device: Device; editable: boolean }) => {
  const update = useOperationMutation(devicesUpdate, { invalidates: stale, done: () => `${device.name} may do less` });
  const [taking, setTaking] = useState<string | null>(null);
  if (device.scopes.length === 0) return <p className="text-14 text-text-2">Nothing.</p>;
  return (
    <>
      <ul className="divide-y divide-line rounded-card border border-line">
        {device.scopes.map((scope) => (
          <li key={scope} className="flex min-h-11 items-center justify-between gap-3 py-1.5 pr-2 pl-4">
            <span className="min-w-0">
              <span className="block text-14">{deviceScopeWords(scope)}</span>
              <code className="block text-12 text-text-3">{scope}</code>
            </span>
            {editable && device.scopes.length > 1 && (
              <Button
                size="small"
                tone="ghost"
                aria-label={`Take away: ${deviceScopeWords(scope)}`}
                onClick={() => setTaking(scope)}
              >
                Take away
              </Button>
            )}
          </li>
        ))}
      </ul>
      <ConfirmDialog
        open={taking !== null}
        onOpenChange={(open) => !open && setTaking(null)}
        title={`Take this from ${device.name}`}
        verb="Take away"
        busy={update.isPending}
        onConfirm={() => {
          update.mutate(
            { id: device.id, scopes: device.scopes.filter((scope) => scope !== taking) },
            { onSettled: () => setTaking(null) },
          );
        }}
      >
        {taking && `“${deviceScopeWords(taking)}” ends at once. To give it back, pair the device again.`}
      </ConfirmDialog>
    </>
  );
};

const NameForm = ({ device }: { device: Device }) => {
  const [name, setName] = useState(device.name);
  const restore = useOperationMutation(devicesUpdate, { quiet: true });
  const update = useOperationMutation(devicesUpdate, {
    quiet: true,
    invalidates: stale,
    done: () => 'Saved',
    undo: () => restore.mutateAsync({ id: device.id, name: device.name }),
  });
  const errors = formErrors(update.error, ['name']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate({ id: device.id, name: name.trim() });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <FormField label="Name" error={errors.of('name')}>
        <Input dir="auto" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </FormField>
      <FormError>{errors.rest}</FormError>
      <div>
        <Button
          tone="primary"
          type="submit"
          disabled={name.trim() === '' || name.trim() === device.name}
          busy={update.isPending}
        >
          Rename
        </Button>
      </div>
    </form>
  );
};

const End = ({ device }: { device: Device }) => {
  const [asking, setAsking] = useState(false);
  const mayPair = useCan('devices.pair');
  const navigate = useNavigate();
  const revoke = useOperationMutation(devicesRevoke, {
    invalidates: stale,
    optimistic: ({ id }) => [patchItem<Device>('devices.list', id, () => null)],
    done: () => `${device.name} is shut out`,
    onSuccess: () => void navigate({ to: '/devices' }),
  });
  return (
    <Section title="End" lead="For a device that was lost, sold or given away.">
      <div className="flex flex-wrap items-center justify-between gap-3 rounded-card border border-line px-4 py-3">
        <span className="min-w-0 flex-1 basis-60 text-13 text-text-2">
          Its tokens end within a second, and so do its open connections, wherever it is.
        </span>
        <Button tone="danger" size="small" onClick={() => setAsking(true)}>
          Revoke
        </Button>
      </div>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Revoke ${device.name}`}
        verb="Revoke device"
        busy={revoke.isPending}
        onConfirm={() => revoke.mutate({ id: device.id })}
      >
        It is signed out at once and receives nothing any more. There is no undo: to come back it is paired again
        {mayPair && (
          <>
            , by{' '}
            <button type="button" className="quiet-link" onClick={openPair}>
              a new code
            </button>
          </>
        )}
        .
      </ConfirmDialog>
    </Section>
  );
};
