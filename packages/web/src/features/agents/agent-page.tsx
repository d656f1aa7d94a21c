import { type AgentView, agentsDelete, agentsGet, agentsUpdate, rolesList, type Scope } from '@atrium/protocol';
import { getRouteApi, Link, useNavigate, useRouter } from '@tanstack/react-router';
import { KeyRound } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { Facts } from '../../ui/facts.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { Notice } from '../../ui/notice.tsx';
import { useNow } from '../../ui/now.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { MaskedSecret } from '../../ui/secret-reveal.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { RoleSelect } from '../members/role-select.tsx';
import { AgentConnectCard } from '../onboarding/agent-light.tsx';
import { agentKind, agentState, itemScopeWords, scopeWords } from './agent-words.ts';
import { useSetActive } from './agents-page.tsx';
import { IdentitySection } from './identity-section.tsx';
import { ItemScopeEditor } from './item-scope-editor.tsx';
import { RotateKeyDialog } from './rotate-key-dialog.tsx';
import { ScopePicker } from './scope-picker.tsx';

const route = getRouteApi('/frame/agents/$id');

export const AgentPage = () => {
  const { id } = route.useParams();
  const query = useOperation(agentsGet, { id });
  const navigate = useNavigate();
  const back = { label: 'agents', onBack: () => void navigate({ to: '/agents' }) };
  if (query.data) return <Agent key={id} agent={query.data} back={back} />;
  const gone = query.error instanceof ProblemError && query.error.code === 'not_found';
  return (
    <>
      <PageHeader title="Agent" back={back} />
      {gone ? (
        <EmptyState plain title="This agent is gone">
          It was deleted, or it belongs to another organisation. Its items keep its name.
        </EmptyState>
      ) : query.error ? (
        <LoadError error={query.error} retry={query.refetch} />
      ) : (
        <SkeletonDetail />
      )}
    </>
  );
};

const Agent = ({ agent, back }: { agent: AgentView; back: { label: string; onBack: () => void } }) => {
  const mayManage = useCan('agents.manage');
  const mayAudit = useCan('audit.read');
  const { word, tone } = agentState(agent, useNow());
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <PageHeader
        title={agent.name}
        back={back}
        aside={
          <Badge dot tone={tone}>
            {word}
          </Badge>
        }
      />
      <div className="flex items-center gap-4 px-4 pt-6 md:px-6">
        <PrincipalMark type={agent.kind} id={agent.id} name={agent.name} size={40} />
        <div className="min-w-0">
          {agent.description && (
            <p dir="auto" className="max-w-[72ch] text-left text-14 break-words">
              {agent.description}
            </p>
          )}
          <p className="truncate text-13 text-text-2">
            {agentKind(agent)} of {agent.owner.name}, made <RelativeTime time={agent.created_at} />
          </p>
        </div>
      </div>
      <Sections>
        <Section
          title="Activity"
          lead={
            mayAudit && (
              <Link to="/audit" search={{ actor: agent.id }} className="quiet-link">
                Everything it did, in the audit trail
              </Link>
            )
          }
        >
          <Facts
            facts={[
              { label: 'Last seen', value: agent.last_seen_at ? <RelativeTime time={agent.last_seen_at} /> : 'Never' },
              { label: 'Calls today', value: agent.calls_today.toLocaleString('en') },
              { label: 'Calls ever', value: agent.calls_total.toLocaleString('en') },
              { label: 'Client', value: agent.last_client ?? 'Unknown' },
              {
                label: 'Last tool',
                value: agent.last_tool ? <code className="text-13">{agent.last_tool}</code> : 'None',
              },
              {
                label: 'First call',
                value: agent.first_seen_at ? <RelativeTime time={agent.first_seen_at} /> : 'Not yet',
              },
            ]}
          />
        </Section>
        <Section title="Connection" lead="Paste one line into its client. Put its key where the line says YOUR_KEY.">
          <AgentConnectCard agent={agent} />
        </Section>
        <IdentitySection agent={agent} mayManage={mayManage} />
        <KeySection agent={agent} mayManage={mayManage} />
        <Section
          title="Access"
          lead="Its role, its scopes and what it sees, all three at once: it may do only what all of them allow."
        >
          {mayManage ? <AccessForm key={accessKey(agent)} agent={agent} /> : <AccessWords agent={agent} />}
        </Section>
        {mayManage && (
          <>
            <Section title="Naming" lead="Shown beside everything it asks.">
              <NameForm key={agent.name + agent.description} agent={agent} />
            </Section>
            <Danger agent={agent} />
          </>
        )}
      </Sections>
    </div>
  );
};

const accessKey = (agent: AgentView): string => JSON.stringify([agent.role.id, agent.scopes, agent.item_scope]);

const KeySection = ({ agent, mayManage }: { agent: AgentView; mayManage: boolean }) => {
  const [rotating, setRotating] = useState(false);
  return (
    <Section title="API key" lead="Only its first characters are kept. A lost key is replaced, never shown again.">
      <div className="flex flex-wrap items-center justify-between gap-3 rounded-card border border-line px-4 py-3">
        <span className="flex min-w-0 items-center gap-2.5">
          <KeyRound aria-hidden className="size-4 shrink-0 text-text-3" />
          {agent.key_prefix ? (
            <MaskedSecret prefix={agent.key_prefix} />
          ) : (
            <span className="text-13 text-text-2">No key is active. Rotate to give it one.</span>
          )}
        </span>
        {mayManage && (
          <Button size="small" onClick={() => setRotating(true)}>
            Rotate key
          </Button>
        )}
      </div>
      <FormField label="OAuth client id" className="mt-4">
        <CopyLine text={agent.client_id} label="Copy client id" />
      </FormField>
      <RotateKeyDialog agent={agent} open={rotating} onOpenChange={setRotating} />
    </Section>
  );
};

const AccessWords = ({ agent }: { agent: AgentView }) => (
  <div className="flex flex-col gap-3">
    <ul className="flex flex-col gap-1 text-14 text-text">
      {agent.scopes.map((scope) => (
        <li key={scope}>{scopeWords(scope)}</li>
      ))}
      <li>{itemScopeWords(agent.item_scope)}</li>
      <li>Role {agent.role.name}</li>
    </ul>
    <Notice>
      Changing this needs the permission <code>agents.manage</code>.
    </Notice>
  </div>
);

const sameSet = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((entry) => other.includes(entry));

const AccessForm = ({ agent }: { agent: AgentView }) => {
  const [scopes, setScopes] = useState(agent.scopes as Scope[]);
  const [itemScope, setItemScope] = useState(agent.item_scope);
  const [role, setRole] = useState(agent.role.id);
  const roles = useOperation(rolesList, { limit: 200 });
  const before = { id: agent.id, scopes: agent.scopes as Scope[], item_scope: agent.item_scope, role: agent.role.id };
  const update = useOperationMutation(agentsUpdate, {
    quiet: true,
    invalidates: ['agents.get', 'agents.list'],
    done: (saved) => `Access of ${saved.name} changed`,
    undo: () => restore.mutateAsync(before),
  });
  const restore = useOperationMutation(agentsUpdate, { quiet: true });
  const errors = formErrors(update.error, ['item_scope.channel_ids', 'role', 'scopes']);
  const dirty =
    !sameSet(scopes, agent.scopes) ||
    role !== agent.role.id ||
    itemScope.kind !== agent.item_scope.kind ||
    (itemScope.kind === 'channels' &&
      agent.item_scope.kind === 'channels' &&
      !sameSet(itemScope.channel_ids, agent.item_scope.channel_ids));
  const empty = itemScope.kind === 'channels' && itemScope.channel_ids.length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    update.mutate({ ...before, scopes, item_scope: itemScope, role });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-6">
      <FormField label="Items it sees" group>
        <ItemScopeEditor value={itemScope} onChange={setItemScope} error={errors.of('item_scope.channel_ids')} />
      </FormField>
      <FormField label="What its key may do" group error={errors.of('scopes')}>
        <ScopePicker value={scopes} onChange={setScopes} />
      </FormField>
      <FormField label="Role" error={errors.of('role')} hint="The ceiling: scopes only narrow what the role allows.">
        <RoleSelect
          value={role}
          onChange={setRole}
          roles={roles.data?.items ?? [{ ...agent.role, description: '', permissions: [], members: 0 }]}
        />
      </FormField>
      <FormError>{errors.rest}</FormError>
      <SaveLine
        dirty={dirty && !empty}
        busy={update.isPending}
        verb="Save access"
        onRevert={() => {
          setScopes(agent.scopes as Scope[]);
          setItemScope(agent.item_scope);
          setRole(agent.role.id);
        }}
      />
    </form>
  );
};

const NameForm = ({ agent }: { agent: AgentView }) => {
  const [name, setName] = useState(agent.name);
  const [description, setDescription] = useState(agent.description);
  const restore = useOperationMutation(agentsUpdate, { quiet: true });
  const update = useOperationMutation(agentsUpdate, {
    quiet: true,
    invalidates: ['agents.get', 'agents.list'],
    done: () => 'Saved',
    undo: () => restore.mutateAsync({ id: agent.id, name: agent.name, description: agent.description }),
  });
  const errors = formErrors(update.error, ['name', 'description']);
  const taken = update.error instanceof ProblemError && update.error.code === 'name_taken';
  const dirty = name.trim() !== agent.name || description !== agent.description;
  return (
    <form
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        update.mutate({ id: agent.id, name: name.trim(), description });
      }}
    >
      <FormField label="Name" error={errors.of('name') ?? (taken ? 'Another agent has this name.' : undefined)}>
        <Input dir="auto" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
      </FormField>
      <FormField label="Description" required={false} error={errors.of('description')}>
        <Textarea
          dir="auto"
          rows={2}
          maxLength={500}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
      </FormField>
      <FormError>{taken ? undefined : errors.rest}</FormError>
      <SaveLine
        dirty={dirty && name.trim() !== ''}
        busy={update.isPending}
        verb="Save"
        onRevert={() => {
          setName(agent.name);
          setDescription(agent.description);
        }}
      />
    </form>
  );
};

const SaveLine = ({
  dirty,
  busy,
  verb,
  onRevert,
}: {
  dirty: boolean;
  busy: boolean;
  verb: string;
  onRevert: () => void;
}) => (
  <div className="flex gap-2">
    <Button tone="primary" type="submit" disabled={!dirty} busy={busy}>
      {verb}
    </Button>
    {dirty && (
      <Button tone="ghost" onClick={onRevert}>
        Revert
      </Button>
    )}
  </div>
);

const Danger = ({ agent }: { agent: AgentView }) => {
  const [deleting, setDeleting] = useState(false);
  const router = useRouter();
  const setActive = useSetActive();
  const remove = useOperationMutation(agentsDelete, {
    invalidates: ['agents.list', 'orgs.usage'],
    done: () => `${agent.name} is deleted`,
    onSuccess: () => void router.navigate({ to: '/agents' }),
  });
  const active = agent.deactivated_at === null;
  return (
    <Section title="End" lead="Deactivating can be taken back. Deleting cannot.">
      <ul className="divide-y divide-line rounded-card border border-line">
        <li className="flex flex-wrap items-center justify-between gap-3 px-4 py-3">
          <span className="min-w-0 flex-1 basis-60">
            <span className="block text-14 font-medium">{active ? 'Deactivate' : 'Activate'}</span>
            <span className="block text-13 text-text-2">
              {active
                ? 'Its calls are refused from now on. Key, items and settings stay.'
                : 'Its key works again at once.'}
            </span>
          </span>
          <Button
            size="small"
            busy={setActive.isPending}
            onClick={() => setActive.mutate({ id: agent.id, active: !active })}
          >
            {active ? 'Deactivate' : 'Activate'}
          </Button>
        </li>
        <li className="flex flex-wrap items-center justify-between gap-3 px-4 py-3">
          <span className="min-w-0 flex-1 basis-60">
            <span className="block text-14 font-medium">Delete</span>
            <span className="block text-13 text-text-2">
              Its keys end and its settings are lost. Its items stay under its name.
            </span>
          </span>
          <Button size="small" tone="danger" onClick={() => setDeleting(true)}>
            Delete agent
          </Button>
        </li>
      </ul>
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Delete ${agent.name}`}
        verb="Delete agent"
        typeName={agent.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: agent.id })}
      >
        Its keys stop at once and cannot be brought back. Items that it made stay and keep its name.
      </ConfirmDialog>
    </Section>
  );
};
