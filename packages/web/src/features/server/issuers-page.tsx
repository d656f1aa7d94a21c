import {
  type TrustedIssuerView,
  trustedIssuersCreate,
  trustedIssuersDelete,
  trustedIssuersList,
  trustedIssuersUpdate,
} from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { RadioGroup, Switch } from '../../ui/toggles.tsx';
import { linesOf } from './client-form.tsx';
import { ServerHeader } from './server-header.tsx';

export const IssuersPage = () => {
  const [q, setQ] = useState('');
  const [edited, setEdited] = useState<TrustedIssuerView | 'new' | null>(null);
  const list = useOperationList(trustedIssuersList, q ? { q } : {}, { keepPrevious: true });
  useShortcut('c', 'Trust an issuer', () => setEdited('new'));
  return (
    <>
      <ServerHeader
        title="Trusted issuers"
        search={{ label: 'Find an issuer', value: q, onChange: setQ }}
        action={
          <Button tone="primary" size="small" onClick={() => setEdited('new')}>
            Trust an issuer
          </Button>
        }
      />
      <OperationTable
        id="issuers"
        label="Trusted issuers"
        list={list}
        columns={columns}
        rowKey={(issuer) => issuer.id}
        onOpen={setEdited}
        card={(issuer) => ({
          title: issuer.name,
          detail: issuer.issuer,
          trailing: <IssuerState issuer={issuer} />,
        })}
        empty={
          q ? (
            <EmptyState plain title={`No issuer fits “${q}”`} />
          ) : (
            <EmptyState
              title="An issuer elsewhere can vouch for people and workloads"
              action={
                <Button tone="primary" onClick={() => setEdited('new')}>
                  Trust the first issuer
                </Button>
              }
            >
              Whoever brings an assertion that it signed gets a token of this server, without a password of ours: CI
              jobs, cloud workloads, the identity provider of a partner.
            </EmptyState>
          )
        }
      />
      <IssuerDialog
        key={edited === null ? 'none' : edited === 'new' ? 'new' : edited.id}
        issuer={edited === 'new' ? null : edited}
        open={edited !== null}
        onClose={() => setEdited(null)}
      />
    </>
  );
};

const IssuerState = ({ issuer }: { issuer: TrustedIssuerView }) => (
  <Badge dot tone={issuer.enabled ? 'success' : 'neutral'}>
    {issuer.enabled ? 'Trusted' : 'Off'}
  </Badge>
);

const columns: Column<TrustedIssuerView>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(150px, 1fr)',
    cell: (issuer) => (
      <span dir="auto" className="truncate font-medium text-text">
        {issuer.name}
      </span>
    ),
    value: (issuer) => issuer.name,
  },
  {
    id: 'issuer',
    header: 'Issuer',
    width: 'minmax(220px, 1.6fr)',
    cell: (issuer) => <code className="truncate text-12 text-text-2">{issuer.issuer}</code>,
    value: (issuer) => issuer.issuer,
  },
  {
    id: 'state',
    header: 'State',
    width: '96px',
    cell: (issuer) => <IssuerState issuer={issuer} />,
    value: (issuer) => Number(issuer.enabled),
  },
  {
    id: 'mapping',
    header: 'Finds people by',
    width: 'minmax(130px, 1fr)',
    wide: true,
    cell: (issuer) => (
      <span className="truncate text-text-2">
        {issuer.subject_mapping === 'email' ? `address at ${issuer.email_domains.join(', ')}` : 'subject'}
        {issuer.jit && ', makes accounts'}
      </span>
    ),
    value: (issuer) => issuer.subject_mapping,
  },
  {
    id: 'org',
    header: 'Organisation',
    width: 'minmax(120px, 0.8fr)',
    cell: (issuer) => (
      <span dir="auto" className="truncate text-text-2">
        {issuer.org.name}
      </span>
    ),
    value: (issuer) => issuer.org.name,
  },
  {
    id: 'subjects',
    header: 'Subjects',
    width: '116px',
    align: 'right',
    cell: (issuer) => issuer.known_subjects.toLocaleString('en'),
    value: (issuer) => issuer.known_subjects,
  },
  {
    id: 'changed',
    header: 'Changed',
    width: 'minmax(140px, 0.7fr)',
    initiallyHidden: true,
    cell: (issuer) => <RelativeTime time={issuer.updated_at} className="text-text-2" />,
    value: (issuer) => Date.parse(issuer.updated_at),
  },
];

const IssuerDialog = ({
  issuer,
  open,
  onClose,
}: {
  issuer: TrustedIssuerView | null;
  open: boolean;
  onClose: () => void;
}) => {
  const [url, setUrl] = useState(issuer?.issuer ?? '');
  const [name, setName] = useState(issuer?.name ?? '');
  const [jwks, setJwks] = useState(issuer?.jwks_uri ?? '');
  const [mapping, setMapping] = useState<'sub' | 'email'>(issuer?.subject_mapping ?? 'sub');
  const [domains, setDomains] = useState(issuer?.email_domains.join('\n') ?? '');
  const [jit, setJit] = useState(issuer?.jit ?? false);
  const [enabled, setEnabled] = useState(issuer?.enabled ?? true);
  const [deleting, setDeleting] = useState(false);
  const form = useId();
  const options = { quiet: true, invalidates: ['trusted_issuers.list'], onSuccess: onClose };
  const create = useOperationMutation(trustedIssuersCreate, { ...options, done: (made) => `${made.name} is trusted` });
  const update = useOperationMutation(trustedIssuersUpdate, { ...options, done: () => 'Saved' });
  const remove = useOperationMutation(trustedIssuersDelete, {
    invalidates: ['trusted_issuers.list'],
    done: () => `${issuer?.name} is trusted no longer`,
    onSuccess: onClose,
  });
  const error = create.error ?? update.error;
  const errors = formErrors(error, ['issuer', 'name', 'jwks_uri', 'email_domains']);
  const taken = error instanceof ProblemError && error.code === 'name_taken';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const settings = {
      name: name.trim(),
      jwks_uri: jwks.trim(),
      subject_mapping: mapping,
      email_domains: mapping === 'email' ? linesOf(domains) : [],
      jit,
    };
    if (issuer) update.mutate({ id: issuer.id, version: issuer.version, ...settings, enabled });
    else create.mutate({ issuer: url.trim(), ...settings });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={issuer ? issuer.name : 'Trust an issuer'}
      description={issuer ? undefined : 'Assertions that it signs are taken for tokens of this server.'}
      footer={
        <>
          {issuer && (
            <Button tone="ghost" className="mr-auto text-danger-text!" onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={create.isPending || update.isPending}
            disabled={name.trim() === '' || url.trim() === '' || jwks.trim() === ''}
          >
            {issuer ? 'Save' : 'Trust issuer'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField
          label="Issuer"
          error={errors.of('issuer') ?? (taken ? 'This issuer is trusted already.' : undefined)}
          hint="As it stands in the iss claim. It cannot change later."
        >
          <Input
            type="url"
            name="issuer"
            required
            readOnly={issuer !== null}
            spellCheck={false}
            autoComplete="off"
            className="font-mono text-13"
            placeholder="https://token.actions.example.com"
            value={url}
            onChange={(event) => setUrl(event.target.value)}
          />
        </FormField>
        <FormField label="Name" error={errors.of('name')}>
          <Input
            dir="auto"
            required
            maxLength={100}
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormField label="Its keys" error={errors.of('jwks_uri')} hint="Address of its JWKS document.">
          <Input
            type="url"
            required
            spellCheck={false}
            autoComplete="off"
            className="font-mono text-13"
            placeholder="https://token.actions.example.com/.well-known/jwks"
            value={jwks}
            onChange={(event) => setJwks(event.target.value)}
          />
        </FormField>
        <FormField label="How its subjects are found" group>
          <RadioGroup
            label="How its subjects are found"
            value={mapping}
            onChange={(value) => setMapping(value as 'sub' | 'email')}
            options={[
              { value: 'sub', label: 'By subject', hint: 'Each subject is bound to one account' },
              { value: 'email', label: 'By verified address', hint: 'Only for domains that it may vouch for' },
            ]}
          />
        </FormField>
        {mapping === 'email' && (
          <FormField
            label="Domains"
            error={
              errors.of('email_domains') ??
              linesOf(domains)
                .map((_line, index) => errors.of(`email_domains.${index}`))
                .find(Boolean)
            }
            hint="One a line. Addresses elsewhere are refused."
          >
            <Textarea
              rows={2}
              spellCheck={false}
              className="font-mono text-13"
              placeholder="partner.example"
              value={domains}
              onChange={(event) => setDomains(event.target.value)}
            />
          </FormField>
        )}
        <Switch
          label="Make accounts"
          hint="A subject that is seen for the first time gets an account in your organisation."
          checked={jit}
          onChange={setJit}
        />
        {issuer && (
          <Switch label="Trusted" hint="Off: its assertions are refused." checked={enabled} onChange={setEnabled} />
        )}
        <FormError>{taken ? undefined : errors.rest}</FormError>
      </form>
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Trust ${issuer?.name ?? ''} no longer`}
        verb="Delete issuer"
        typeName={issuer && issuer.known_subjects > 0 ? issuer.name : undefined}
        busy={remove.isPending}
        onConfirm={() => issuer && remove.mutate({ id: issuer.id })}
      >
        Its assertions are refused from now on
        {issuer && issuer.known_subjects > 0
          ? `, and the ties of ${issuer.known_subjects} subjects to their accounts are lost.`
          : '.'}
      </ConfirmDialog>
    </Dialog>
  );
};
