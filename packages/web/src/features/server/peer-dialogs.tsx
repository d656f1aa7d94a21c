import {
  federationAddRule,
  federationInvite,
  federationJoin,
  federationRemovePeer,
  federationRemoveRule,
  federationRules,
  federationTrust,
  type PeerView,
} from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { Select } from '../../ui/select.tsx';
import { errorOf, PeerState, peersStale } from './peer-parts.tsx';

export const InviteDialog = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const form = useId();
  const [note, setNote] = useState('');
  const [minutes, setMinutes] = useState('60');
  const invite = useOperationMutation(federationInvite, { quiet: true, invalidates: peersStale });
  const errors = formErrors(invite.error, ['note', 'expires_in_minutes']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate({ note, expires_in_minutes: Number(minutes) });
  };
  const made = invite.data;
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Invite a server"
      footer={
        made === undefined ? (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button tone="primary" type="submit" form={form} busy={invite.isPending}>
              Make invitation
            </Button>
          </>
        ) : (
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        )
      }
    >
      {made === undefined ? (
        <form id={form} onSubmit={submit} className="flex flex-col gap-5">
          <p className="text-14 text-text-2">
            Give it to the operator of the other server. Whoever has it can become a peer, once.
          </p>
          <FormField label="For whom" hint="Only you see it." error={errors.of('note')}>
            <Input value={note} maxLength={200} onChange={(event) => setNote(event.target.value)} />
          </FormField>
          <FormField label="Good for" error={errors.of('expires_in_minutes')}>
            <Select
              value={minutes}
              onChange={setMinutes}
              options={[
                { value: '60', label: 'An hour' },
                { value: '1440', label: 'A day' },
                { value: '10080', label: 'A week' },
              ]}
            />
          </FormField>
          <FormError>{errors.rest}</FormError>
        </form>
      ) : (
        <div className="flex flex-col gap-4">
          <SecretReveal secret={made.invitation} name="Invitation" variable="ATRIUM_PEER_INVITATION" />
          <p className="text-14 text-text-2">
            There: Server, Peers, Join a server. It ends <RelativeTime time={made.expires_at} />.
          </p>
        </div>
      )}
    </Dialog>
  );
};

export const JoinDialog = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const form = useId();
  const [invitation, setInvitation] = useState('');
  const join = useOperationMutation(federationJoin, {
    quiet: true,
    invalidates: peersStale,
    done: (peer) => `${peer.name} is a peer now`,
    onSuccess: onClose,
  });
  const errors = formErrors(join.error, ['invitation']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    join.mutate({ invitation });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Join a server"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={join.isPending}
            disabled={!invitation.trim().startsWith('atrium-peer:')}
          >
            Join server
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField
          label="Invitation"
          hint="The line that its operator gave you; it begins with atrium-peer:"
          error={errors.of('invitation')}
        >
          <Textarea
            rows={5}
            spellCheck={false}
            autoComplete="off"
            className="font-mono text-12 break-all"
            value={invitation}
            onChange={(event) => setInvitation(event.target.value)}
          />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

/** A key is compared by people, four signs at a time. */
const groups = (hex: string): string => (hex.match(/.{4}/g) ?? []).join(' ');

export const PeerDialog = ({ peer, onClose }: { peer: PeerView; onClose: () => void }) => {
  const [removing, setRemoving] = useState(false);
  const remove = useOperationMutation(federationRemovePeer, {
    quiet: true,
    invalidates: [...peersStale, 'apps.list', 'routes.list'],
    done: () => `${peer.name} is no peer any more`,
    onSuccess: onClose,
  });
  const trust = useOperationMutation(federationTrust, {
    quiet: true,
    invalidates: peersStale,
    done: () => 'Its new certificate key is accepted',
    onSuccess: onClose,
  });
  const problem = errorOf(peer);
  const errors = formErrors(remove.error ?? trust.error, []);
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={peer.name}
      footer={
        <>
          <Button tone="ghost" className="mr-auto text-danger-text!" onClick={() => setRemoving(true)}>
            Remove
          </Button>
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <div className="flex flex-col gap-5">
        {problem !== null && (
          <Notice tone="warning">
            <span className="flex flex-col items-start gap-2">
              {problem}.
              {peer.offered_pin !== null && (
                <>
                  <code className="text-12 break-all">{peer.offered_pin}</code>
                  <span>Accept it when its operator sees the same on the page of its certificates.</span>
                  <Button
                    size="small"
                    busy={trust.isPending}
                    onClick={() => trust.mutate({ id: peer.id, pin: peer.offered_pin! })}
                  >
                    Accept this key
                  </Button>
                </>
              )}
            </span>
          </Notice>
        )}
        <Facts
          facts={[
            { label: 'State', value: <PeerState peer={peer} /> },
            {
              label: 'Last seen',
              value: peer.last_seen_at === null ? 'never' : <RelativeTime time={peer.last_seen_at} />,
            },
            {
              label: 'Catalogue',
              value: peer.last_sync_at === null ? 'not yet' : <RelativeTime time={peer.last_sync_at} />,
            },
            { label: 'Who calls', value: peer.dials ? 'This server' : 'The peer' },
            { label: 'Joined by', value: peer.joined_by === 'invitation' ? 'Invitation' : 'Cluster secret' },
            {
              label: 'Its apps',
              value: peer.remote_routes ? `${peer.apps}, to be opened here` : `${peer.apps}, to look at`,
            },
          ]}
        />
        <div className="flex flex-col gap-1">
          <span className="text-12 text-text-3">Fingerprint of its key</span>
          <code className="text-12 break-words text-text-2">{groups(peer.fingerprint)}</code>
        </div>
        <Rules peer={peer} />
        <FormError>{errors.rest}</FormError>
      </div>
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title={`Remove ${peer.name}`}
        verb="Remove peer"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: peer.id })}
      >
        The link ends, apps of it here go, and nobody from there opens yours. To come back it needs another invitation.
      </ConfirmDialog>
    </Dialog>
  );
};

type Match = 'email' | 'group';

const Rules = ({ peer }: { peer: PeerView }) => {
  const form = useId();
  const [match, setMatch] = useState<Match>('email');
  const [value, setValue] = useState('');
  const { items } = useOperationList(federationRules, { peer_id: peer.id });
  const add = useOperationMutation(federationAddRule, {
    quiet: true,
    invalidates: ['federation.rules'],
    onSuccess: () => setValue(''),
  });
  const remove = useOperationMutation(federationRemoveRule, { invalidates: ['federation.rules'] });
  const errors = formErrors(add.error, ['value']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate({ peer_id: peer.id, match, value });
  };
  return (
    <section className="flex flex-col gap-3" aria-labelledby={`${form}-title`}>
      <div>
        <h3 id={`${form}-title`} className="text-14 font-medium text-text">
          Who may open your published apps
        </h3>
        <p className="text-13 text-text-2">
          {items.length === 0
            ? 'Nobody from there, except apps that are open to everybody.'
            : 'The peer vouches for addresses and groups; you decide which of them count.'}
        </p>
      </div>
      {items.length > 0 && (
        <ul className="overflow-hidden rounded-card border border-line">
          {items.map((rule) => (
            <li key={rule.id} className="flex min-h-11 items-center gap-3 border-b border-line px-3 last:border-b-0">
              <span className="min-w-0 flex-1 truncate text-13 text-text">{rule.value}</span>
              <span className="text-12 text-text-3">{rule.match === 'email' ? 'person' : 'group'}</span>
              <Button
                size="small"
                tone="ghost"
                aria-label={`Shut out ${rule.value}`}
                onClick={() => remove.mutate({ id: rule.id })}
              >
                Shut out
              </Button>
            </li>
          ))}
        </ul>
      )}
      <form onSubmit={submit} className="flex flex-wrap items-end gap-2">
        <FormField label="Let in">
          <Select
            className="w-32"
            value={match}
            onChange={(next) => setMatch(next as Match)}
            options={[
              { value: 'email', label: 'A person' },
              { value: 'group', label: 'A group' },
            ]}
          />
        </FormField>
        <div className="min-w-40 flex-1">
          <FormField label={match === 'email' ? 'E-mail address' : 'Team there'} error={errors.of('value')}>
            <Input
              value={value}
              spellCheck={false}
              autoComplete="off"
              placeholder={match === 'email' ? 'ada@example.org' : 'gardeners'}
              onChange={(event) => setValue(event.target.value)}
            />
          </FormField>
        </div>
        <Button type="submit" busy={add.isPending} disabled={value.trim() === ''}>
          Let in
        </Button>
      </form>
      <FormError>{errors.rest}</FormError>
    </section>
  );
};
