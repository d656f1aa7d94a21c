import { type ConnectedApp, connectedAppsList, connectedAppsWithdraw, scopeTitle } from '@atrium/protocol';
import { ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { AgentMark, PrincipalMark } from '../../ui/identity-mark.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { SettingsBody } from './settings-header.tsx';

export const ConnectedAppsPage = () => (
  <SettingsBody title="Connected apps">
    <div className="flex max-w-[880px] flex-col gap-4 px-4 pt-6 pb-10 md:px-6">
      <p className="max-w-[72ch] text-14 text-pretty text-text-2">
        Applications that you allowed to act for you. Withdrawing ends their access at once; the others go on.
      </p>
      <Apps />
    </div>
  </SettingsBody>
);

const Apps = () => {
  const list = useOperationList(connectedAppsList, {});
  const [leaving, setLeaving] = useState<ConnectedApp | null>(null);
  const withdraw = useOperationMutation(connectedAppsWithdraw, {
    invalidates: ['connected_apps.list'],
    optimistic: ({ id }) => [patchItem<ConnectedApp>('connected_apps.list', id, () => null)],
    done: () => 'Its access is ended',
  });
  if (list.isPending) return <SkeletonRows rows={3} tall />;
  if (list.error) return <LoadError error={list.error} retry={list.refetch} />;
  if (list.items.length === 0)
    return (
      <EmptyState
        title="No application acts for you"
        line={{ prompt: '$', text: `claude mcp add --transport http atrium ${location.origin}/mcp` }}
        docs={{ href: '/api/docs', label: 'How an application connects' }}
      >
        When an application asks to connect and you agree, it stands here with what you allowed.
      </EmptyState>
    );
  return (
    <>
      <ul className="divide-y divide-line rounded-card border border-line">
        {list.items.map((app) => (
          <AppRow key={app.id} app={app} onWithdraw={() => setLeaving(app)} />
        ))}
      </ul>
      {list.hasMore && (
        <div>
          <Button size="small" tone="ghost" busy={list.loadingMore} onClick={list.loadMore}>
            Show more
          </Button>
        </div>
      )}
      <ConfirmDialog
        key={leaving?.id}
        open={leaving !== null}
        onOpenChange={(open) => !open && setLeaving(null)}
        title={`Withdraw ${leaving?.client.name ?? ''}`}
        verb="Withdraw access"
        onConfirm={() => {
          if (leaving) withdraw.mutate({ id: leaving.id });
          setLeaving(null);
        }}
      >
        {leaving && whatEnds(leaving)} It can ask you again.
      </ConfirmDialog>
    </>
  );
};

const whatEnds = ({ client, org, agents }: ConnectedApp): string => {
  const signedOut = `${client.name} is signed out wherever it acts for you in ${org.name}`;
  if (agents.length === 0) return `${signedOut}.`;
  const names = new Intl.ListFormat('en').format(agents.map(({ name }) => name));
  return `${signedOut}, and ${names} no longer ${agents.length === 1 ? 'acts' : 'act'} for you through it.`;
};

const AppRow = ({ app, onWithdraw }: { app: ConnectedApp; onWithdraw: () => void }) => (
  <li className="flex gap-4 px-4 py-4 max-sm:flex-wrap">
    <AgentMark id={app.client.client_id} name={app.client.name} size={36} />
    <div className="min-w-0 flex-1">
      <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <span dir="auto" className="text-14 font-medium break-words">
          {app.client.name}
        </span>
        {app.client.verified ? (
          <span className="inline-flex items-center gap-1 text-12 text-text-2">
            <ShieldCheck aria-hidden className="size-3.5 text-success-text" />
            Registered by an operator
          </span>
        ) : (
          <Badge tone="warning">{app.client.host ? `Unverified, ${app.client.host}` : 'Unverified'}</Badge>
        )}
      </p>
      {app.agents.length > 0 && (
        <p className="mt-1 text-13 text-text-2">
          Through it,{' '}
          {app.agents.map((agent, index) => (
            <span key={agent.id}>
              {index > 0 && (index === app.agents.length - 1 ? ' and ' : ', ')}the {agent.type}{' '}
              <span className="font-medium text-text">
                <PrincipalMark
                  type={agent.type}
                  id={agent.id ?? agent.name}
                  name={agent.name}
                  size={16}
                  className="mr-1 inline-block align-[-3px]"
                />
                <bdi>{agent.name}</bdi>
              </span>
            </span>
          ))}{' '}
          {app.agents.length === 1 ? 'acts' : 'act'} for you
        </p>
      )}
      <p className="mt-0.5 text-13 text-text-2">
        Acts in {app.org.name}, used <RelativeTime time={app.last_used_at} />, allowed{' '}
        <RelativeTime time={app.created_at} />, until <RelativeTime time={app.expires_at} />
        {app.authorizations > 1 && `, on ${app.authorizations} machines`}
      </p>
      <ul className="mt-2.5 flex flex-wrap gap-1.5" aria-label={`What ${app.client.name} may do`}>
        {app.scopes.map((scope) => (
          <li key={scope}>
            <Badge
              tone={scopeTitle(scope).privileged ? 'warning' : 'neutral'}
              className="h-auto! py-0.5 whitespace-normal!"
            >
              {scopeTitle(scope).title}
            </Badge>
          </li>
        ))}
      </ul>
    </div>
    <Button
      size="small"
      className="self-start max-sm:w-full"
      aria-label={`Withdraw the access of ${app.client.name}`}
      onClick={onWithdraw}
    >
      Withdraw
    </Button>
  </li>
);
