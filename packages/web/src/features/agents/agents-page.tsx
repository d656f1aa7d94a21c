import { type AgentView, agentsGet, agentsList, agentsUpdate } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { patchItem, prefetchOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { useNow } from '../../ui/now.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { toast } from '../../ui/toast.tsx';
import { openConnect } from '../onboarding/connect-store.ts';
import { agentKind, agentState, itemScopeWords } from './agent-words.ts';
import { AgentsTabs } from './agents-tabs.tsx';

export const AgentsPage = () => {
  const [q, setQ] = useState('');
  const list = useOperationList(agentsList, q ? { q } : {}, { keepPrevious: true });
  const mayManage = useCan('agents.manage');
  const navigate = useNavigate();
  useShortcut('c', 'Connect an agent', openConnect, { enabled: mayManage });
  const nothing = !list.isPending && !list.error && list.items.length === 0 && q === '';
  return (
    <>
      <PageHeader
        title="Agents"
        tabs={<AgentsTabs />}
        action={
          mayManage && (
            <Button tone="primary" size="small" onClick={openConnect}>
              Connect an agent
            </Button>
          )
        }
        filters={!nothing && <SearchField className="max-md:w-full" label="Find an agent" value={q} onChange={setQ} />}
      />
      <OperationTable
        id="agents"
        label="Agents"
        list={list}
        columns={columns}
        rowKey={(agent) => agent.id}
        onOpen={(agent) => void navigate({ to: '/agents/$id', params: { id: agent.id } })}
        card={agentCard}
        empty={
          q ? (
            <EmptyState plain title={`No agent is called “${q}”`} />
          ) : (
            <EmptyState
              title="Agents are the machines that work for you"
              action={
                mayManage && (
                  <Button tone="primary" onClick={openConnect}>
                    Connect the first agent
                  </Button>
                )
              }
              docs={{ href: '/api/docs', label: 'How an agent asks' }}
            >
              Each has its own key, so every question says who asks and what it may do.
              {!mayManage && ' An Owner or Admin can connect one.'}
            </EmptyState>
          )
        }
      />
    </>
  );
};

const AgentState = ({ agent }: { agent: AgentView }) => {
  const { word, tone } = agentState(agent, useNow());
  return (
    <Badge dot tone={tone}>
      {word}
    </Badge>
  );
};

const AgentName = ({ agent }: { agent: AgentView }) => (
  <span
    className="flex min-w-0 items-center gap-2.5"
    onPointerEnter={() => prefetchOperation(agentsGet, { id: agent.id })}
  >
    <PrincipalMark type={agent.kind} id={agent.id} name={agent.name} size={22} />
    <span dir="auto" className="truncate font-medium text-text">
      {agent.name}
    </span>
    {agent.kind !== 'agent' && <span className="shrink-0 text-12 text-text-3">{agentKind(agent)}</span>}
  </span>
);

const columns: Column<AgentView>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(200px, 2.2fr)',
    cell: (agent) => <AgentName agent={agent} />,
    value: (agent) => agent.name,
  },
  {
    id: 'state',
    header: 'State',
    width: 'minmax(112px, 0.8fr)',
    cell: (agent) => <AgentState agent={agent} />,
    value: (agent) => (agent.deactivated_at ? '2' : agent.last_seen_at ? '0' : '1'),
  },
  {
    id: 'owner',
    header: 'Owner',
    width: 'minmax(120px, 1fr)',
    cell: (agent) => <span className="text-text-2">{agent.owner.name}</span>,
    value: (agent) => agent.owner.name,
  },
  {
    id: 'client',
    header: 'Client',
    width: 'minmax(120px, 1fr)',
    cell: (agent) => <span className="text-text-2">{agent.last_client ?? ''}</span>,
    value: (agent) => agent.last_client,
  },
  {
    id: 'sees',
    header: 'Sees',
    width: 'minmax(150px, 1.1fr)',
    initiallyHidden: true,
    cell: (agent) => <span className="text-text-2">{itemScopeWords(agent.item_scope)}</span>,
    value: (agent) => itemScopeWords(agent.item_scope),
  },
  {
    id: 'key',
    header: 'Key',
    width: '110px',
    initiallyHidden: true,
    cell: (agent) => <code className="text-12 text-text-2">{agent.key_prefix ?? 'none'}</code>,
    value: (agent) => agent.key_prefix,
  },
  {
    id: 'fingerprint',
    header: 'Fingerprint',
    width: '184px',
    initiallyHidden: true,
    cell: (agent) => <code className="text-12 text-text-2">{agent.fingerprint ?? 'none'}</code>,
    value: (agent) => agent.fingerprint,
  },
  {
    id: 'calls',
    header: 'Calls today',
    width: '112px',
    align: 'right',
    cell: (agent) => agent.calls_today.toLocaleString('en'),
    value: (agent) => agent.calls_today,
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: 'minmax(140px, 0.9fr)',
    cell: (agent) =>
      agent.last_seen_at ? (
        <RelativeTime time={agent.last_seen_at} className="text-text-2" />
      ) : (
        <span className="text-text-3">never</span>
      ),
    value: (agent) => agent.last_seen_at && Date.parse(agent.last_seen_at),
  },
];

const agentCard = (agent: AgentView) => ({
  leading: <PrincipalMark type={agent.kind} id={agent.id} name={agent.name} size={32} />,
  title: agent.name,
  detail: [agent.owner.name, agent.last_client].filter(Boolean).join(' · '),
  trailing: (
    <>
      <AgentState agent={agent} />
      <span className="block">
        {agent.last_seen_at ? <RelativeTime short time={agent.last_seen_at} /> : 'never seen'}
      </span>
    </>
  ),
});

/** Shuts an agent out at once, or lets it in again; each can be undone by the other. */
export const useSetActive = () => {
  const update = useOperationMutation(agentsUpdate, {
    invalidates: ['agents.list', 'agents.get', 'orgs.usage'],
    optimistic: ({ id, active }) => [
      patchItem<AgentView>('agents.list', id, (agent) => ({
        ...agent,
        deactivated_at: active ? null : new Date().toISOString(),
      })),
    ],
    onSuccess: (agent, { active }) =>
      toast({
        title: active ? `${agent.name} may call again` : `${agent.name} is deactivated; its calls are refused`,
        tone: 'success',
        undo: () => update.mutate({ id: agent.id, active: !active }),
      }),
  });
  return update;
};
