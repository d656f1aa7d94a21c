import { type ResourceView, resourcesCreate, resourcesDelete, resourcesList, resourcesUpdate } from '@atrium/protocol';
import { useState } from 'react';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import type { Column } from '../../ui/table.tsx';
import { duration } from '../../ui/time-format.ts';
import { Switch } from '../../ui/toggles.tsx';
import { RegistryDialog, RegistryPage } from './registry.tsx';

export const ResourcesPage = () => {
  const [q, setQ] = useState('');
  return (
    <RegistryPage<ResourceView>
      id="resources"
      title="Resources"
      noun="resource"
      verb="New resource"
      q={q}
      onSearch={setQ}
      list={useOperationList(resourcesList, q ? { q } : {}, { keepPrevious: true })}
      columns={columns}
      card={resourceCard}
      intro={q === '' && <BuiltIn />}
      empty={{
        title: 'A resource is an address that tokens are good at',
        verb: 'Register a resource',
        docs: { href: '/api/docs', label: 'How an API checks a token' },
        children:
          'The ones of this server are built in. Register an API of your own here, and clients get tokens whose audience it is.',
      }}
      dialog={(resource, open, onClose) => <ResourceDialog resource={resource} open={open} onClose={onClose} />}
    />
  );
};

const BuiltIn = () => {
  const builtIn = useOperation(resourcesList, { limit: 1 }).data?.built_in ?? [];
  return (
    builtIn.length > 0 && (
      <ul
        aria-label="Built in"
        className="flex shrink-0 gap-x-6 gap-y-1 border-b border-line px-4 py-2.5 text-13 max-md:flex-col md:flex-wrap md:px-6"
      >
        {builtIn.map((resource) => (
          <li key={resource.audience} className="flex min-w-0 items-center gap-2">
            <Badge>Built in</Badge>
            <code className="truncate text-12 text-text-2">{resource.audience}</code>
          </li>
        ))}
      </ul>
    )
  );
};

const ResourceState = ({ resource }: { resource: ResourceView }) => (
  <Badge dot tone={resource.enabled ? 'success' : 'neutral'}>
    {resource.enabled ? 'Enabled' : 'Off'}
  </Badge>
);

const columns: Column<ResourceView>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(160px, 1fr)',
    cell: (resource) => (
      <span dir="auto" className="truncate font-medium text-text">
        {resource.name}
      </span>
    ),
    value: (resource) => resource.name,
  },
  {
    id: 'audience',
    header: 'Audience',
    width: 'minmax(220px, 1.8fr)',
    cell: (resource) => <code className="truncate text-12 text-text-2">{resource.audience}</code>,
    value: (resource) => resource.audience,
  },
  {
    id: 'state',
    header: 'State',
    width: '96px',
    cell: (resource) => <ResourceState resource={resource} />,
    value: (resource) => Number(resource.enabled),
  },
  {
    id: 'scopes',
    header: 'Scopes',
    width: 'minmax(120px, 1fr)',
    wide: true,
    cell: (resource) => <span className="truncate text-text-2">{resource.scopes.join(' ')}</span>,
    value: (resource) => resource.scopes.join(' '),
  },
  {
    id: 'format',
    header: 'Tokens',
    width: '90px',
    cell: (resource) => <span className="text-text-2">{resource.format === 'jwt' ? 'JWT' : 'opaque'}</span>,
    value: (resource) => resource.format,
  },
  {
    id: 'ttl',
    header: 'Live for',
    width: '140px',
    align: 'right',
    cell: (resource) => <span className="text-text-2">{duration(resource.ttl_s * 1000)}</span>,
    value: (resource) => resource.ttl_s,
  },
  {
    id: 'changed',
    header: 'Changed',
    width: 'minmax(140px, 0.7fr)',
    initiallyHidden: true,
    cell: (resource) => <RelativeTime time={resource.updated_at} className="text-text-2" />,
    value: (resource) => Date.parse(resource.updated_at),
  },
];

const resourceCard = (resource: ResourceView) => ({
  title: resource.name,
  detail: resource.audience,
  trailing: <ResourceState resource={resource} />,
});

const lifetimes = [
  { value: '300', label: '5 minutes' },
  { value: '900', label: '15 minutes' },
  { value: '3600', label: '1 hour' },
  { value: '28800', label: '8 hours' },
  { value: '86400', label: '1 day' },
];

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

const ResourceDialog = ({
  resource,
  open,
  onClose,
}: {
  resource: ResourceView | null;
  open: boolean;
  onClose: () => void;
}) => {
  const [audience, setAudience] = useState(resource?.audience ?? '');
  const [name, setName] = useState(resource?.name ?? '');
  const [scopes, setScopes] = useState(resource?.scopes.join(' ') ?? '');
  const [format, setFormat] = useState<'jwt' | 'opaque'>(resource?.format ?? 'jwt');
  const [ttl, setTtl] = useState(String(resource?.ttl_s ?? 3600));
  const [enabled, setEnabled] = useState(resource?.enabled ?? true);
  const options = { quiet: true, invalidates: ['resources.list'], onSuccess: onClose };
  const create = useOperationMutation(resourcesCreate, { ...options, done: (made) => `${made.name} is registered` });
  const update = useOperationMutation(resourcesUpdate, { ...options, done: () => 'Saved' });
  const remove = useOperationMutation(resourcesDelete, {
    invalidates: ['resources.list'],
    done: () => `${resource?.name} is deleted`,
    onSuccess: onClose,
  });
  const error = create.error ?? update.error;
  const errors = formErrors(error, ['audience', 'name', 'scopes', 'ttl_s']);
  const taken = error instanceof ProblemError && error.code === 'name_taken';
  const submit = () => {
    const settings = { name: name.trim(), scopes: words(scopes), format, ttl_s: Number(ttl) };
    if (resource) update.mutate({ id: resource.id, version: resource.version, ...settings, enabled });
    else create.mutate({ audience: audience.trim(), ...settings });
  };
  return (
    <RegistryDialog
      open={open}
      onClose={onClose}
      name={resource?.name}
      making={{
        title: 'New resource',
        description: 'An API that takes tokens of this server.',
        verb: 'Register resource',
      }}
      ready={name.trim() !== '' && audience.trim() !== ''}
      busy={create.isPending || update.isPending}
      onSubmit={submit}
      error={taken ? undefined : errors.rest}
      deleting={{
        title: `Delete ${resource?.name ?? ''}`,
        verb: 'Delete resource',
        warning: 'No token for this audience is issued any more. Those that live stay good until they expire.',
        busy: remove.isPending,
        onConfirm: () => resource && remove.mutate({ id: resource.id }),
      }}
    >
      <FormField
        label="Audience"
        error={errors.of('audience') ?? (taken ? 'This audience is registered already.' : undefined)}
        hint="Its address, exactly as clients will name it. It cannot change later."
      >
        <Input
          type="url"
          name="audience"
          required
          readOnly={resource !== null}
          spellCheck={false}
          autoComplete="off"
          className="font-mono text-13"
          placeholder="https://api.example.com/orders"
          value={audience}
          onChange={(event) => setAudience(event.target.value)}
        />
      </FormField>
      <FormField label="Name" error={errors.of('name')} hint="People read it on the consent page.">
        <Input
          dir="auto"
          required
          maxLength={100}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </FormField>
      <FormField
        label="Scopes"
        required={false}
        error={errors.of('scopes')}
        hint="Names with spaces between. Without any, a token names its subject alone."
      >
        <Textarea
          rows={1}
          spellCheck={false}
          className="font-mono text-13"
          placeholder="orders:read orders:write"
          value={scopes}
          onChange={(event) => setScopes(event.target.value)}
        />
      </FormField>
      <div className="grid gap-5 sm:grid-cols-2">
        <FormField label="Form of its tokens">
          <Select
            value={format}
            onChange={(value) => setFormat(value as 'jwt' | 'opaque')}
            options={[
              { value: 'jwt', label: 'Signed (JWT)', hint: 'Checked without a call to this server' },
              { value: 'opaque', label: 'Opaque', hint: 'Checked by introspection' },
            ]}
          />
        </FormField>
        <FormField label="Live for" error={errors.of('ttl_s')}>
          <Select
            value={ttl}
            onChange={setTtl}
            options={
              lifetimes.some(({ value }) => value === ttl)
                ? lifetimes
                : [...lifetimes, { value: ttl, label: duration(Number(ttl) * 1000) }]
            }
          />
        </FormField>
      </div>
      {resource && (
        <Switch
          label="Enabled"
          hint="Off: no token for it is issued; those that live go on."
          checked={enabled}
          onChange={setEnabled}
        />
      )}
    </RegistryDialog>
  );
};
