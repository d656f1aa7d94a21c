import {
  type OutputOf,
  registrationTokensCreate,
  registrationTokensList,
  registrationTokensRevoke,
} from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { formErrors } from '../../data/form-errors.ts';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { Select } from '../../ui/select.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { ServerHeader } from './server-header.tsx';

type RegistrationToken = OutputOf<typeof registrationTokensList>['items'][number];

export const RegistrationPage = () => {
  const [making, setMaking] = useState(false);
  const list = useOperationList(registrationTokensList, {});
  const revoke = useOperationMutation(registrationTokensRevoke, {
    invalidates: ['registration_tokens.list'],
    optimistic: ({ id }) => [patchItem<RegistrationToken>('registration_tokens.list', id, () => null)],
    done: () => 'The token is ended; clients it registered stay',
  });
  useShortcut('c', 'Make a registration token', () => setMaking(true));
  const end = (token: RegistrationToken) => (
    <Button
      size="small"
      tone="ghost"
      aria-label={`End the token ${token.note}`}
      onClick={() => revoke.mutate({ id: token.id })}
    >
      End
    </Button>
  );
  const columns: Column<RegistrationToken>[] = [
    {
      id: 'note',
      header: 'For',
      width: 'minmax(200px, 2fr)',
      cell: (token) => (
        <span dir="auto" className="truncate font-medium text-text">
          {token.note || 'Without a note'}
        </span>
      ),
      value: (token) => token.note,
    },
    {
      id: 'state',
      header: 'State',
      width: '130px',
      cell: (token) => <TokenUse token={token} />,
      value: (token) => token.used_at,
    },
    {
      id: 'by',
      header: 'Made by',
      width: 'minmax(120px, 1fr)',
      wide: true,
      cell: (token) => <span className="truncate text-text-2">{token.created_by?.name ?? ''}</span>,
      value: (token) => token.created_by?.name ?? null,
    },
    {
      id: 'made',
      header: 'Made',
      width: 'minmax(110px, 0.8fr)',
      cell: (token) => <RelativeTime time={token.created_at} className="text-text-2" />,
      value: (token) => Date.parse(token.created_at),
    },
    {
      id: 'ends',
      header: 'Ends',
      width: 'minmax(110px, 0.8fr)',
      cell: (token) => <RelativeTime time={token.expires_at} className="text-text-2" />,
      value: (token) => Date.parse(token.expires_at),
    },
    { id: 'end', header: '', width: '72px', align: 'right', cell: end },
  ];
  return (
    <>
      <ServerHeader
        title="Registration tokens"
        action={
          <Button tone="primary" size="small" onClick={() => setMaking(true)}>
            New token
          </Button>
        }
      />
      <OperationTable
        id="registration-tokens"
        label="Registration tokens"
        list={list}
        columns={columns}
        rowKey={(token) => token.id}
        card={(token) => ({
          title: token.note || 'Without a note',
          detail: <TokenUse token={token} />,
          trailing: end(token),
        })}
        empty={
          <EmptyState
            title="A registration token lets software register itself"
            action={
              <Button tone="primary" onClick={() => setMaking(true)}>
                Make a token
              </Button>
            }
            docs={{ href: '/api/docs', label: 'Dynamic registration (RFC 7591)' }}
          >
            MCP clients on a loopback address need none. With a token, web applications and clients with a secret can
            register too; powerful scopes stay out of reach.
          </EmptyState>
        }
      />
      <MakeDialog key={String(making)} open={making} onClose={() => setMaking(false)} />
    </>
  );
};

const TokenUse = ({ token }: { token: RegistrationToken }) => (
  <Badge dot tone={token.used_at ? 'neutral' : 'success'}>
    {token.used_at ? 'Used' : 'Good'}
  </Badge>
);

const spans = [
  { value: '1', label: '1 hour' },
  { value: '24', label: '1 day' },
  { value: '168', label: '1 week' },
  { value: '720', label: '30 days' },
];

const MakeDialog = ({ open, onClose }: { open: boolean; onClose: () => void }) => {
  const [note, setNote] = useState('');
  const [span, setSpan] = useState('24');
  const form = useId();
  const create = useOperationMutation(registrationTokensCreate, {
    quiet: true,
    invalidates: ['registration_tokens.list'],
  });
  const errors = formErrors(create.error, ['note', 'expires_in_hours']);
  const made = create.data;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ note: note.trim(), expires_in_hours: Number(span) });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={made ? 'The token is ready' : 'New registration token'}
      footer={
        made ? (
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button tone="primary" type="submit" form={form} busy={create.isPending}>
              Make token
            </Button>
          </>
        )
      }
    >
      {made ? (
        <div className="flex flex-col gap-4">
          <SecretReveal secret={made.token} name="Registration token" variable="OAUTH_INITIAL_ACCESS_TOKEN" />
          <FormField label="Register a client with it" group>
            <CopyLine
              prompt="$"
              text={`curl ${location.origin}/oauth/register -H "Authorization: Bearer ${made.token}" -H "Content-Type: application/json" -d '{"client_name":"My app","redirect_uris":["https://app.example.com/callback"]}'`}
            />
          </FormField>
        </div>
      ) : (
        <form id={form} onSubmit={submit} className="flex flex-col gap-5">
          <FormField label="For" required={false} error={errors.of('note')} hint="Who gets it: “partner rollout”.">
            <Input
              dir="auto"
              name="note"
              autoFocus
              maxLength={200}
              autoComplete="off"
              value={note}
              onChange={(event) => setNote(event.target.value)}
            />
          </FormField>
          <FormField label="Good for" error={errors.of('expires_in_hours')}>
            <Select value={span} onChange={setSpan} options={spans} />
          </FormField>
          <FormError>{errors.rest}</FormError>
        </form>
      )}
    </Dialog>
  );
};
