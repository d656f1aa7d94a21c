import {
  type ClientView,
  clientsDelete,
  clientsDisable,
  clientsEnable,
  clientsGet,
  clientsUpdate,
  type InputOf,
} from '@atrium/protocol';
import { getRouteApi, Link, useNavigate, useRouter } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { invalidate, useOperation, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { AgentMark } from '../../ui/identity-mark.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { Credential } from './client-credential.tsx';
import { ClientScopes, linesOf } from './client-form.tsx';
import { ClientNotices } from './client-notices.tsx';
import { ClientState } from './clients-page.tsx';
import { grantWord, methodWord } from './server-words.ts';

const route = getRouteApi('/frame/server/clients/$id');

export const ClientPage = () => {
  const { id } = route.useParams();
  const query = useOperation(clientsGet, { id });
  const navigate = useNavigate();
  const back = { label: 'clients', onBack: () => void navigate({ to: '/server/clients' }) };
  if (query.data) return <Client key={id} client={query.data} back={back} />;
  const gone = query.error instanceof ProblemError && query.error.code === 'not_found';
  return (
    <>
      <PageHeader title="Client" back={back} />
      {gone ? (
        <EmptyState plain title="This client is gone">
          It was deleted with everything it held. A client that registered itself also goes when nobody uses it.
        </EmptyState>
      ) : query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : (
        <SkeletonDetail />
      )}
    </>
  );
};

const Client = ({ client, back }: { client: ClientView; back: { label: string; onBack: () => void } }) => (
  <div className="min-h-0 flex-1 overflow-y-auto">
    <PageHeader title={client.name} back={back} aside={<ClientState client={client} />} />
    <div className="flex items-center gap-4 px-4 pt-6 md:px-6">
      <AgentMark id={client.client_id} name={client.name} size={40} />
      <div className="min-w-0">
        <p className="text-14">
          {client.origin === 'operator' ? (
            <>Registered by {client.created_by?.name ?? 'an operator'}</>
          ) : (
            <Badge tone="warning">Registered itself: people see it as unverified</Badge>
          )}
        </p>
        <p className="truncate text-13 text-text-2">
          <RelativeTime time={client.created_at} />, version {client.version}, changed{' '}
          <RelativeTime time={client.updated_at} />
        </p>
      </div>
    </div>
    <Sections>
      <Section
        title="Use"
        lead={
          <span className="flex flex-wrap gap-x-3">
            <Link to="/server/tokens" search={{ client: client.client_id }} className="quiet-link">
              Its tokens
            </Link>
            <Link to="/server/grants" search={{ client: client.client_id }} className="quiet-link">
              Who allowed it
            </Link>
          </span>
        }
      >
        <Facts
          facts={[
            { label: 'Live tokens', value: client.live_tokens.toLocaleString('en') },
            { label: 'Grants', value: client.live_grants.toLocaleString('en') },
            { label: 'Last used', value: client.last_used_at ? <RelativeTime time={client.last_used_at} /> : 'Never' },
            { label: 'Proves itself', value: methodWord(client.auth_method) },
            {
              label: 'First allowed',
              value: client.consented_at ? <RelativeTime time={client.consented_at} /> : 'By nobody yet',
            },
            { label: 'Acts for itself in', value: client.org?.name ?? 'Nowhere' },
          ]}
        />
        <ul className="mt-3 flex flex-wrap gap-1.5" aria-label="Grant types">
          {client.grant_types.map((grant) => (
            <li key={grant}>
              <Badge>{grantWord(grant)}</Badge>
            </li>
          ))}
        </ul>
      </Section>
      <Section title="Connection" lead="What its configuration needs.">
        <div className="flex flex-col gap-5">
          <FormField label="Client id" group>
            <CopyLine text={client.client_id} label="Copy client id" />
          </FormField>
          <FormField label="Discovery" group>
            <CopyLine text={`${location.origin}/.well-known/openid-configuration`} label="Copy address" />
          </FormField>
          <Credential client={client} />
        </div>
      </Section>
      <Section
        title="Settings"
        lead="Changes count at once, on every replica. Tokens that were issued keep the scopes they have."
      >
        <SettingsForm key={client.id} client={client} />
      </Section>
      <Section title="Notices" lead="Whom to ask about it, and how it hears that somebody signed out.">
        <ClientNotices key={client.id} client={client} />
      </Section>
      <End client={client} />
    </Sections>
  </div>
);

const same = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index]);

const SettingsForm = ({ client }: { client: ClientView }) => {
  /** What the edits are made on; a newer version must not slip in unseen. */
  const [base, setBase] = useState(client);
  const [name, setName] = useState(client.name);
  const [redirects, setRedirects] = useState(client.redirect_uris.join('\n'));
  const [resources, setResources] = useState(client.allowed_resources.join('\n'));
  const [actors, setActors] = useState(client.allowed_actors.join('\n'));
  const [scopes, setScopes] = useState(client.scopes);
  const [flags, setFlags] = useState({
    require_state: client.require_state,
    dpop_required: client.dpop_required,
    certificate_required: client.certificate_required,
    skip_consent: client.skip_consent,
  });
  const take = (from: ClientView) => {
    setBase(from);
    setName(from.name);
    setRedirects(from.redirect_uris.join('\n'));
    setResources(from.allowed_resources.join('\n'));
    setActors(from.allowed_actors.join('\n'));
    setScopes(from.scopes);
    setFlags({
      require_state: from.require_state,
      dpop_required: from.dpop_required,
      certificate_required: from.certificate_required,
      skip_consent: from.skip_consent,
    });
  };
  const update = useOperationMutation(clientsUpdate, {
    quiet: true,
    invalidates: ['clients.list', 'clients.get'],
    done: () => 'Saved',
    onSuccess: take,
  });
  const errors = formErrors(update.error, [
    'name',
    'redirect_uris',
    'allowed_resources',
    'allowed_actors',
    'scopes',
    'certificate_required',
  ]);
  const conflict = update.error instanceof ProblemError && update.error.code === 'generation_conflict';
  const changes: Partial<InputOf<typeof clientsUpdate>> = {
    ...(name.trim() === base.name ? {} : { name: name.trim() }),
    ...(same(linesOf(redirects), base.redirect_uris) ? {} : { redirect_uris: linesOf(redirects) }),
    ...(same(linesOf(resources), base.allowed_resources) ? {} : { allowed_resources: linesOf(resources) }),
    ...(same(linesOf(actors), base.allowed_actors) ? {} : { allowed_actors: linesOf(actors) }),
    ...(same([...scopes].sort(), [...base.scopes].sort()) ? {} : { scopes }),
    ...(flags.require_state === base.require_state ? {} : { require_state: flags.require_state }),
    ...(flags.dpop_required === base.dpop_required ? {} : { dpop_required: flags.dpop_required }),
    ...(flags.certificate_required === base.certificate_required
      ? {}
      : { certificate_required: flags.certificate_required }),
    ...(flags.skip_consent === base.skip_consent ? {} : { skip_consent: flags.skip_consent }),
  };
  const dirty = Object.keys(changes).length > 0;
  // Nothing is edited here: what others changed may show at once.
  if (!dirty && base.version !== client.version) take(client);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate({ id: client.id, version: base.version, ...changes });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-6">
      {(conflict || (dirty && base.version !== client.version)) && (
        <Notice
          tone="warning"
          action={
            <Button
              size="small"
              onClick={() => {
                update.reset();
                take(client);
                void invalidate('clients.get');
              }}
            >
              Take what is new
            </Button>
          }
        >
          This client has changed since you began. Your edits are still here; take what is new and make them again.
        </Notice>
      )}
      <FormField label="Name" error={errors.of('name')}>
        <Input dir="auto" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </FormField>
      {(client.grant_types.includes('authorization_code') || base.redirect_uris.length > 0) && (
        <FormField
          label="Addresses to return to"
          error={errors.of('redirect_uris')}
          hint="One a line. Compared character by character; on a loopback address any port fits."
        >
          <Textarea
            rows={2}
            spellCheck={false}
            className="font-mono text-13"
            value={redirects}
            onChange={(event) => setRedirects(event.target.value)}
          />
        </FormField>
      )}
      <FormField label="What it may ask for" group error={errors.of('scopes')}>
        <ClientScopes value={scopes} onChange={setScopes} />
      </FormField>
      <FormField
        label="Resources"
        required={false}
        error={errors.of('allowed_resources')}
        hint="Audiences it may get tokens for, one a line. Empty: every one that its scopes reach."
      >
        <Textarea
          rows={1}
          spellCheck={false}
          className="font-mono text-13"
          value={resources}
          onChange={(event) => setResources(event.target.value)}
        />
      </FormField>
      <FormField
        label="Actors"
        required={false}
        error={errors.of('allowed_actors')}
        hint="Ids of agents and clients that may act for somebody with tokens of this client, one a line."
      >
        <Textarea
          name="allowed-actors"
          rows={1}
          spellCheck={false}
          className="font-mono text-13"
          value={actors}
          onChange={(event) => setActors(event.target.value)}
        />
      </FormField>
      <div className="flex flex-col gap-3 rounded-card border border-line px-4 py-3.5">
        <Switch
          label="Require state"
          hint="Refuses authorization requests without a state parameter."
          checked={flags.require_state}
          onChange={(require_state) => setFlags({ ...flags, require_state })}
        />
        <Switch
          label="Bind tokens to a key (DPoP)"
          hint="A stolen token is worth nothing without the key of the client."
          checked={flags.dpop_required}
          onChange={(dpop_required) => setFlags({ ...flags, dpop_required })}
        />
        <Switch
          label="Bind tokens to a certificate"
          hint="For clients that connect with a certificate of their own; the proxy hands it on."
          checked={flags.certificate_required}
          onChange={(certificate_required) => setFlags({ ...flags, certificate_required })}
        />
        <FormError>{errors.of('certificate_required')}</FormError>
        {client.origin === 'operator' && (
          <Switch
            label="Software of your own"
            hint="Its people are not asked for consent."
            checked={flags.skip_consent}
            onChange={(skip_consent) => setFlags({ ...flags, skip_consent })}
          />
        )}
      </div>
      <FormError>{conflict ? undefined : errors.rest}</FormError>
      <div className="flex gap-2">
        <Button tone="primary" type="submit" disabled={!dirty || name.trim() === ''} busy={update.isPending}>
          Save
        </Button>
        {dirty && (
          <Button tone="ghost" onClick={() => take(client)}>
            Revert
          </Button>
        )}
      </div>
    </form>
  );
};

const End = ({ client }: { client: ClientView }) => {
  const [deleting, setDeleting] = useState(false);
  const [disabling, setDisabling] = useState(false);
  const router = useRouter();
  const invalidates = ['clients.list', 'clients.get', 'server.overview'];
  const enable = useOperationMutation(clientsEnable, { invalidates, done: () => `${client.name} may ask again` });
  const disable = useOperationMutation(clientsDisable, {
    invalidates,
    done: () => `${client.name} is disabled; its tokens are ended`,
    onSuccess: () => setDisabling(false),
  });
  const remove = useOperationMutation(clientsDelete, {
    invalidates: ['clients.list', 'server.overview'],
    done: () => `${client.name} is deleted`,
    onSuccess: () => void router.navigate({ to: '/server/clients' }),
  });
  return (
    <Section title="End" lead="Disabling can be taken back, what it held cannot.">
      <ul className="divide-y divide-line rounded-card border border-line">
        <li className="flex flex-wrap items-center justify-between gap-3 px-4 py-3">
          <span className="min-w-0 flex-1 basis-60">
            <span className="block text-14 font-medium">{client.enabled ? 'Disable' : 'Enable'}</span>
            <span className="block text-13 text-text-2">
              {client.enabled
                ? 'It is refused from now on, and its tokens and grants end.'
                : 'It may ask again. Ended tokens and grants stay ended.'}
            </span>
          </span>
          <Button
            size="small"
            busy={enable.isPending}
            onClick={() => (client.enabled ? setDisabling(true) : enable.mutate({ id: client.id }))}
          >
            {client.enabled ? 'Disable' : 'Enable'}
          </Button>
        </li>
        <li className="flex flex-wrap items-center justify-between gap-3 px-4 py-3">
          <span className="min-w-0 flex-1 basis-60">
            <span className="block text-14 font-medium">Delete</span>
            <span className="block text-13 text-text-2">Its id is gone for good, with tokens and grants.</span>
          </span>
          <Button size="small" tone="danger" onClick={() => setDeleting(true)}>
            Delete client
          </Button>
        </li>
      </ul>
      <ConfirmDialog
        open={disabling}
        onOpenChange={setDisabling}
        title={`Disable ${client.name}`}
        verb="Disable client"
        busy={disable.isPending}
        onConfirm={() => disable.mutate({ id: client.id })}
      >
        {client.live_tokens.toLocaleString('en')} live tokens and {client.live_grants.toLocaleString('en')} grants end
        at once. Enabling it again does not bring them back.
      </ConfirmDialog>
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Delete ${client.name}`}
        verb="Delete client"
        typeName={client.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: client.id })}
      >
        Its tokens and grants end at once. Software that uses its id is refused from then on.
      </ConfirmDialog>
    </Section>
  );
};
