import {
  type TrustedIssuerView,
  trustedIssuersCreate,
  trustedIssuersDelete,
  trustedIssuersList,
  trustedIssuersUpdate,
} from '@atrium/protocol';
import { useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import type { Column } from '../../ui/table.tsx';
import { RadioGroup, Switch } from '../../ui/toggles.tsx';
import { linesOf } from './client-form.tsx';
import { RegistryDialog, RegistryPage } from './registry.tsx';

export const IssuersPage = () => {
  const [q, setQ] = useState('');
  return (
    <RegistryPage<TrustedIssuerView>
      id="issuers"
      title="Trusted issuers"
      noun="issuer"
      verb="Trust an issuer"
      q={q}
      onSearch={setQ}
      list={useOperationList(trustedIssuersList, q ? { q } : {}, { keepPrevious: true })}
      columns={columns}
      card={(issuer) => ({ title: issuer.name, detail: issuer.issuer, trailing: <IssuerState issuer={issuer} /> })}
      empty={{
        title: 'An issuer elsewhere can vouch for people and workloads',
        verb: 'Trust the first issuer',
        children:
          'Whoever brings an assertion that it signed gets a token of this server, without a password of ours: CI jobs, cloud workloads, the identity provider of a partner.',
      }}
      dialog={(issuer, open, onClose) => <IssuerDialog issuer={issuer} open={open} onClose={onClose} />}
    />
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
    width: 'minmax(130px, 0.8fr)',
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
    width: 'minmax(220px, 1.9fr)',
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
    width: '140px',
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
  const submit = () => {
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
    <RegistryDialog
      open={open}
      onClose={onClose}
      name={issuer?.name}
      making={{
        title: 'Trust an issuer',
        description: 'Assertions that it signs are taken for tokens of this server.',
        verb: 'Trust issuer',
      }}
      ready={name.trim() !== '' && url.trim() !== '' && jwks.trim() !== ''}
      busy={create.isPending || update.isPending}
      onSubmit={submit}
      error={taken ? undefined : errors.rest}
      deleting={{
        title: `Trust ${issuer?.name ?? ''} no longer`,
        verb: 'Delete issuer',
        busy: remove.isPending,
        onConfirm: () => issuer && remove.mutate({ id: issuer.id }),
        ...(issuer && issuer.known_subjects > 0 ? { typeName: issuer.name } : {}),
        warning: `Its assertions are refused from now on${
          issuer && issuer.known_subjects > 0
            ? `, and the ties of ${issuer.known_subjects} subjects to their accounts are lost.`
            : '.'
        }`,
      }}
    >
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
          error={errors.of('email_domains')}
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
    </RegistryDialog>
  );
};
