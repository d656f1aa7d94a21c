import { invitationsCreate, type OutputOf, rolesList, teamsList } from '@atrium/protocol';
import { Check, Copy } from 'lucide-react';
import { type FormEvent, useRef, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { useCopy } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { useFocusInvalid } from '../../ui/focus-invalid.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { roleName } from './grantable.ts';
import { inviteOpen } from './invite-store.ts';
import { RoleSelect } from './role-select.tsx';

type Made = OutputOf<typeof invitationsCreate>;

/** "Invite", above any page. */
export const InviteDialog = () => {
  const open = useExternalStore(inviteOpen);
  const may = useCan('users.invite');
  const [made, setMade] = useState<Made | null>(null);
  const setOpen = (next: boolean) => {
    inviteOpen.set(next);
    if (!next) setMade(null);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={setOpen}
      title={made ? 'Send this link' : 'Invite somebody'}
      description={
        made
          ? 'It is shown this once. Whoever needs it again gets a new invitation.'
          : 'They join with the role you choose and see what it opens to them.'
      }
      footer={
        made && (
          <>
            <Button onClick={() => setMade(null)}>Invite another</Button>
            <Button tone="primary" onClick={() => setOpen(false)}>
              Done
            </Button>
          </>
        )
      }
    >
      {made ? (
        <MadeInvitation made={made} />
      ) : may ? (
        <InviteForm onMade={setMade} />
      ) : (
        <p className="text-14 text-text-2">
          Your role may not invite people. It needs the permission <code className="text-13">users.invite</code>.
        </p>
      )}
    </Dialog>
  );
};

const expiries = [
  { value: '24', label: '1 day' },
  { value: '168', label: '7 days' },
  { value: '720', label: '30 days' },
  { value: '8760', label: '1 year' },
];
const uses = [
  { value: '1', label: 'One person' },
  { value: '5', label: '5 people' },
  { value: '25', label: '25 people' },
  { value: '', label: 'Anybody with the link' },
];
const noTeam = 'none';
// A select has no empty value, so "unlimited" has a name of its own.
const unlimited = 'unlimited';

const InviteForm = ({ onMade }: { onMade: (made: Made) => void }) => {
  const { role: own } = useMe();
  const [way, setWay] = useState<'email' | 'link'>('email');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<string | undefined>();
  const [team, setTeam] = useState(noTeam);
  const [maxUses, setMaxUses] = useState('1');
  const [hours, setHours] = useState('168');
  const roles = useOperation(rolesList, { limit: 200 });
  const teams = useOperation(teamsList, { limit: 200 });
  const chosen = role ?? roles.data?.items.find(({ system }) => system === 'member')?.id ?? own?.id;
  const create = useOperationMutation(invitationsCreate, {
    quiet: true,
    invalidates: ['invitations.list'],
    onSuccess: (made) => onMade(made),
  });
  const form = useRef<HTMLFormElement>(null);
  useFocusInvalid(form, create.error);
  const errors = formErrors(create.error, ['email', 'role', 'team_id', 'max_uses']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!chosen) return;
    create.mutate({
      role: chosen,
      expires_in_hours: Number(hours),
      ...(way === 'email' ? { email: email.trim() } : { max_uses: maxUses === unlimited ? null : Number(maxUses) }),
      ...(team === noTeam ? {} : { team_id: team }),
    });
  };
  return (
    <form ref={form} onSubmit={submit} className="flex flex-col gap-5">
      <div>
        <Segmented
          label="Way of inviting"
          value={way}
          onChange={setWay}
          options={[
            { value: 'email', label: 'By e-mail address' },
            { value: 'link', label: 'By link' },
          ]}
        />
      </div>
      {way === 'email' ? (
        <FormField label="E-mail" error={errors.of('email')} hint="Only this address can accept, once.">
          <Input
            type="email"
            name="invite-email"
            autoComplete="off"
            inputMode="email"
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        </FormField>
      ) : (
        <FormField
          label="Good for"
          error={errors.of('max_uses')}
          hint="Whoever has the link can join until it is used up."
        >
          <Select
            value={maxUses}
            onChange={setMaxUses}
            options={uses.map((option) => ({ ...option, value: option.value || unlimited }))}
          />
        </FormField>
      )}
      <div className="grid gap-5 sm:grid-cols-2">
        <FormField label="Role" error={errors.of('role')}>
          <RoleSelect value={chosen} onChange={setRole} roles={roles.data?.items ?? []} />
        </FormField>
        <FormField label="Expires after">
          <Select value={hours} onChange={setHours} options={expiries} />
        </FormField>
      </div>
      {(teams.data?.items.length ?? 0) > 0 && (
        <FormField label="Team" required={false} error={errors.of('team_id')}>
          <Select
            value={team}
            onChange={setTeam}
            options={[
              { value: noTeam, label: 'No team' },
              ...teams.data!.items.map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        </FormField>
      )}
      <FormError>{errors.rest}</FormError>
      <div>
        <Button tone="primary" type="submit" busy={create.isPending} disabled={!chosen}>
          {way === 'email' ? 'Create invitation' : 'Create link'}
        </Button>
      </div>
    </form>
  );
};

const MadeInvitation = ({ made: { invitation, invite_url, invite_code } }: { made: Made }) => {
  const { copied, copy } = useCopy();
  return (
    <div className="flex flex-col gap-4">
      <section
        aria-label="Invitation link"
        className="overflow-hidden rounded-card border border-accent-line bg-accent-soft"
      >
        <code className="block px-4 py-3 text-14 break-all text-text select-all">{invite_url}</code>
        <div className="flex flex-wrap items-center gap-2 border-t border-accent-line px-4 py-2.5">
          <Button
            size="small"
            autoFocus
            icon={copied ? <Check className="size-4 text-success-text" /> : <Copy className="size-4" />}
            onClick={() => copy(invite_url)}
          >
            {copied ? 'Copied' : 'Copy link'}
          </Button>
          <Button size="small" onClick={() => copy(invite_code)}>
            Copy code alone
          </Button>
        </div>
      </section>
      <p className="text-13 text-text-2">
        {invitation.email ? (
          <>
            For <span className="font-medium text-text">{invitation.email}</span> only.
          </>
        ) : invitation.max_uses === null ? (
          'For anybody who has it.'
        ) : (
          `For ${invitation.max_uses === 1 ? 'one person' : `${invitation.max_uses} people`}.`
        )}{' '}
        Joins as {roleName(invitation.role)}
        {invitation.team && <> in the team {invitation.team.name}</>}. Expires{' '}
        <RelativeTime time={invitation.expires_at} />.
      </p>
    </div>
  );
};
