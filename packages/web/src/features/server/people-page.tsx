import {
  type ServerUserView,
  tokensRevokeByUser,
  usersCreate,
  usersDisable,
  usersEnable,
  usersGet,
  usersList,
  usersSetOperator,
} from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useId, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { ProblemError, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FilterChips, ToggleChip } from '../../ui/filter-chips.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { Input } from '../../ui/input.tsx';
import { RecordSheet } from '../../ui/record-sheet.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { PartyName, WaysOn } from './access-parts.tsx';
import { ServerHeader } from './server-header.tsx';

export const PeoplePage = () => {
  const [q, setQ] = useState('');
  const [state, setState] = useState<string[]>([]);
  const [operators, setOperators] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const [making, setMaking] = useState(false);
  useShortcut('c', 'Make an account', () => setMaking(true));
  const list = useOperationList(
    usersList,
    {
      ...(q ? { q } : {}),
      ...(state[0] ? { state: state[0] as 'active' } : {}),
      ...(operators ? { operators } : {}),
    },
    { keepPrevious: true },
  );
  return (
    <>
      <ServerHeader
        title="People"
        search={{ label: 'Find a person', value: q, onChange: setQ }}
        action={
          <Button tone="primary" size="small" onClick={() => setMaking(true)}>
            New account
          </Button>
        }
        filters={
          <div className="flex items-center gap-1.5">
            <FilterChips
              filters={[
                {
                  id: 'state',
                  label: 'State',
                  value: state,
                  options: [
                    { value: 'active', label: 'Active' },
                    { value: 'disabled', label: 'Disabled' },
                    { value: 'erased', label: 'Erased' },
                  ],
                },
              ]}
              onChange={(_id, value) => setState(value)}
            />
            <ToggleChip label="Operators" on={operators} onChange={setOperators} />
          </div>
        }
      />
      <OperationTable
        id="server-people"
        label="People"
        list={list}
        columns={columns}
        rowKey={(user) => user.id}
        onOpen={(user) => setOpened(user.id)}
        card={userCard}
        empty={<EmptyState plain title={q ? `Nobody matches “${q}”` : 'Nobody fits'} />}
      />
      <UserSheet
        id={opened}
        known={list.items.find((user) => user.id === opened) ?? null}
        onClose={() => setOpened(null)}
      />
      <MakeDialog key={String(making)} open={making} onClose={() => setMaking(false)} />
    </>
  );
};

const MakeDialog = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const form = useId();
  const create = useOperationMutation(usersCreate, {
    quiet: true,
    invalidates: ['users.list'],
    done: (user) => `${user.name} gets a letter with a link`,
    onSuccess: onClose,
  });
  const errors = formErrors(create.error, ['name', 'email']);
  const taken = create.error instanceof ProblemError && create.error.code === 'name_taken';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), email: email.trim() });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="New account"
      description="The person is mailed a link to choose a password. Nobody else ever knows it."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={create.isPending}>
            Make account
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4">
        <FormField label="Name" error={errors.of('name')}>
          <Input name="name" required value={name} onChange={(event) => setName(event.target.value)} />
        </FormField>
        <FormField label="E-mail" error={taken ? create.error?.message : errors.of('email')}>
          <Input name="email" type="email" required value={email} onChange={(event) => setEmail(event.target.value)} />
        </FormField>
        {!taken && <FormError>{errors.rest}</FormError>}
      </form>
    </Dialog>
  );
};

const UserState = ({ user }: { user: ServerUserView }) =>
  user.state === 'active' ? (
    <Badge dot tone={user.live_sessions > 0 ? 'success' : 'neutral'}>
      {user.live_sessions > 0 ? 'Signed in' : 'Active'}
    </Badge>
  ) : (
    <Badge dot tone="danger">
      {user.state === 'disabled' ? 'Disabled' : 'Erased'}
    </Badge>
  );

const columns: Column<ServerUserView>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(210px, 1.5fr)',
    cell: (user) => (
      <PartyName party={{ type: 'user', id: user.id, name: user.name }} size={24} first>
        {user.is_operator && <Badge tone="accent">Operator</Badge>}
      </PartyName>
    ),
    value: (user) => user.name,
  },
  {
    id: 'email',
    header: 'E-mail',
    width: 'minmax(180px, 1.4fr)',
    cell: (user) => (
      <span className="truncate text-text-2">
        {user.email ?? ''}
        {user.email && !user.email_verified && <span className="text-text-3"> (unverified)</span>}
      </span>
    ),
    value: (user) => user.email,
  },
  {
    id: 'state',
    header: 'State',
    width: '110px',
    cell: (user) => <UserState user={user} />,
    value: (user) => user.state,
  },
  {
    id: 'orgs',
    header: 'Organisations',
    width: 'minmax(140px, 1fr)',
    wide: true,
    cell: (user) => <span className="truncate text-text-2">{orgNames(user)}</span>,
    value: (user) => orgNames(user),
  },
  {
    id: 'sessions',
    header: 'Sessions',
    width: '104px',
    align: 'right',
    cell: (user) => user.live_sessions.toLocaleString('en'),
    value: (user) => user.live_sessions,
  },
  {
    id: 'login',
    header: 'Last sign-in',
    width: 'minmax(140px, 0.8fr)',
    cell: (user) =>
      user.last_login_at ? (
        <RelativeTime time={user.last_login_at} className="text-text-2" />
      ) : (
        <span className="text-text-3">never</span>
      ),
    value: (user) => user.last_login_at && Date.parse(user.last_login_at),
  },
  {
    id: 'made',
    header: 'Since',
    width: 'minmax(110px, 0.7fr)',
    initiallyHidden: true,
    cell: (user) => <RelativeTime time={user.created_at} className="text-text-2" />,
    value: (user) => Date.parse(user.created_at),
  },
];

const orgNames = (user: ServerUserView): string => {
  const shared = user.orgs.filter((org) => !org.is_personal);
  return shared.length === 0 ? 'only their own' : shared.map((org) => org.name).join(', ');
};

const userCard = (user: ServerUserView) => ({
  leading: <Avatar id={user.id} name={user.name} size={36} />,
  title: user.name,
  detail: user.email ?? '',
  trailing: (
    <>
      {user.is_operator ? <Badge tone="accent">Operator</Badge> : <UserState user={user} />}
      <span className="block">{user.last_login_at ? <RelativeTime short time={user.last_login_at} /> : 'never'}</span>
    </>
  ),
});

const UserSheet = ({
  id,
  known,
  onClose,
}: {
  id: string | null;
  known: ServerUserView | null;
  onClose: () => void;
}) => {
  const query = useOperation(usersGet, { id: id ?? '' }, { enabled: id !== null });
  return (
    <RecordSheet
      record={id === null ? null : (query.data ?? known)}
      onClose={onClose}
      title={({ name }) => name}
      description={({ email }) => email}
    >
      {(user) => <UserDetail key={user.id} user={user} />}
    </RecordSheet>
  );
};

const beginnings = {
  setup: 'Set the server up',
  signup: 'Signed up',
  invite: 'Was invited',
  jit: 'Came by a trusted issuer',
} as const;
const UserDetail = ({ user }: { user: ServerUserView }) => {
  const me = useMe();
  const self = user.id === me.user?.id;
  return (
    <div className="flex flex-col gap-6">
      <Facts
        facts={[
          { label: 'State', value: <UserState user={user} /> },
          { label: 'Last sign-in', value: user.last_login_at ? <RelativeTime time={user.last_login_at} /> : 'Never' },
          { label: 'Sessions', value: user.live_sessions.toLocaleString('en') },
          { label: 'Since', value: <RelativeTime time={user.created_at} /> },
          { label: 'How', value: beginnings[user.created_by] },
          { label: 'Address', value: user.email_verified ? 'Verified' : 'Not verified' },
        ]}
      />
      <FormField label="Organisations" group>
        <ul className="divide-y divide-line rounded-card border border-line">
          {user.orgs.map((org) => (
            <li key={org.id} className="flex items-center justify-between gap-3 px-3 py-2 text-13">
              <span dir="auto" className="min-w-0 truncate">
                {org.name}
                {org.is_personal && <span className="text-text-3"> (their own)</span>}
              </span>
              <span className="text-text-2">{org.role}</span>
            </li>
          ))}
          {user.orgs.length === 0 && <li className="px-3 py-2 text-13 text-text-3">None</li>}
        </ul>
      </FormField>
      <WaysOn>
        <Link to="/server/sessions" search={{ user: user.id }} className="quiet-link">
          Sessions
        </Link>
        <Link to="/server/grants" search={{ subject: user.id }} className="quiet-link">
          Allowed clients
        </Link>
        <Link to="/server/tokens" search={{ subject: user.id }} className="quiet-link">
          Tokens
        </Link>
      </WaysOn>
      {user.state !== 'erased' && <OperatorRight user={user} self={self} />}
      {user.state !== 'erased' && !self && <Shut user={user} />}
    </div>
  );
};

const invalidates = ['users.list', 'users.get', 'user_sessions.list', 'server.overview'];

const OperatorRight = ({ user, self }: { user: ServerUserView; self: boolean }) => {
  const [asking, setAsking] = useState<boolean | null>(null);
  const change = useOperationMutation(usersSetOperator, {
    quiet: true,
    invalidates,
    done: (saved) =>
      saved.is_operator ? `${saved.name} runs the server with you` : `${saved.name} is an operator no more`,
  });
  return (
    <section aria-label="Operator" className="flex flex-col gap-3 border-t border-line pt-5">
      <Switch
        label="Operator"
        hint={
          self
            ? 'Another operator can take this right from you.'
            : 'May see and change everything on these pages, in every organisation.'
        }
        checked={user.is_operator}
        disabled={self || change.isPending}
        onChange={setAsking}
      />
      <FormError>{change.error && sayError(change.error)}</FormError>
      <ConfirmDialog
        open={asking !== null}
        onOpenChange={(open) => !open && setAsking(null)}
        title={asking ? `Make ${user.name} an operator` : `Take the right of ${user.name}`}
        verb={asking ? 'Make operator' : 'Take the right'}
        onConfirm={() => {
          if (asking !== null) change.mutate({ id: user.id, is_operator: asking });
          setAsking(null);
        }}
      >
        {asking
          ? 'Operators register clients, end tokens and shut people out, on the whole server.'
          : 'It counts at once, in open sessions too.'}
      </ConfirmDialog>
    </section>
  );
};

const Shut = ({ user }: { user: ServerUserView }) => {
  const [asking, setAsking] = useState(false);
  const enable = useOperationMutation(usersEnable, { invalidates, done: () => `${user.name} may sign in again` });
  const disable = useOperationMutation(usersDisable, {
    quiet: true,
    invalidates,
    done: () => `${user.name} is shut out; every session is ended`,
    undo: ({ id }) => enable.mutateAsync({ id }),
  });
  const endTokens = useOperationMutation(tokensRevokeByUser, {
    invalidates: ['tokens.list', 'grants.list', 'server.overview'],
    done: ({ tokens, grants }) => `${tokens} tokens and ${grants} grants are ended`,
  });
  const active = user.state === 'active';
  return (
    <section aria-label="End" className="flex flex-col gap-3 border-t border-line pt-5">
      <FormError>{disable.error && sayError(disable.error)}</FormError>
      <div className="flex flex-wrap gap-2">
        <Button
          busy={enable.isPending || disable.isPending}
          onClick={() => (active ? setAsking(true) : enable.mutate({ id: user.id }))}
        >
          {active ? 'Disable' : 'Enable'}
        </Button>
        <Button busy={endTokens.isPending} onClick={() => endTokens.mutate({ user_id: user.id })}>
          End all tokens
        </Button>
      </div>
      <p className="text-13 text-text-3">
        {active
          ? 'Disabling ends every session and key on the whole server and can be taken back. What the person answered stays.'
          : 'Sessions and tokens that ended stay ended.'}
      </p>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Disable ${user.name}`}
        verb="Disable"
        onConfirm={() => {
          disable.mutate({ id: user.id });
          setAsking(false);
        }}
      >
        {user.name} is signed out everywhere and cannot come in again until an operator enables the account.
      </ConfirmDialog>
    </section>
  );
};
