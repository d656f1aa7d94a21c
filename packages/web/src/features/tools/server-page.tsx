import {
  type ToolRow,
  type ToolServer,
  toolPolicies,
  toolServersConnect,
  toolServersDisconnect,
  toolServersGet,
  toolServersRefresh,
  toolServersRemove,
  toolServersUpdate,
  toolsApprove,
  toolsList,
  toolsUpdate,
} from '@atrium/protocol';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Ellipsis, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { Notice } from '../../ui/notice.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { EndOfList } from '../diaries/end-of-list.tsx';
import { ServerDialog } from './server-dialog.tsx';
import { ToolDialog } from './tool-dialog.tsx';
import { authWords, placeOf, policyHints, policyWords, serverStates, toolReads } from './tool-words.ts';

/** One MCP server: how it is, what waits for approval, what each tool may do. */
export const ServerPage = () => {
  const { id } = useParams({ from: '/frame/tools/servers/$id' });
  const navigate = useNavigate();
  const query = useOperation(toolServersGet, { id });
  const back = { label: 'tools', onBack: () => void navigate({ to: '/tools' }) };
  if (query.data) return <Opened server={query.data} back={back} />;
  return (
    <>
      <PageHeader title="MCP server" back={back} />
      {query.error ? <LoadError error={query.error} retry={query.refetch} /> : <SkeletonRows rows={8} />}
    </>
  );
};

const Opened = ({ server, back }: { server: ToolServer; back: { label: string; onBack: () => void } }) => {
  const manages = useCan('tools.manage');
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [opened, setOpened] = useState<string | null>(null);
  const tools = useOperationList(toolsList, { server_id: server.id, limit: 200 });
  const refresh = useOperationMutation(toolServersRefresh, { invalidates: toolReads });
  const toggle = useOperationMutation(toolServersUpdate, { invalidates: toolReads });
  const remove = useOperationMutation(toolServersRemove, {
    invalidates: toolReads,
    done: () => `${server.name} is removed`,
    onSuccess: () => void navigate({ to: '/tools' }),
  });
  const { label, tone } = serverStates[server.state];
  const held = tools.items.filter(({ state }) => state === 'new' || state === 'changed');
  const others = tools.items.filter(({ state }) => state === 'approved' || state === 'gone');
  return (
    <>
      <PageHeader
        title={server.name}
        back={back}
        aside={
          <Badge dot tone={tone}>
            {label}
          </Badge>
        }
        tools={
          manages && (
            <DropdownMenu
              trigger={
                <IconButton label="More about this server" size="small">
                  <Ellipsis />
                </IconButton>
              }
              entries={[
                { label: 'Edit server', onSelect: () => setEditing(true) },
                {
                  label: server.enabled ? 'Switch off' : 'Switch on',
                  onSelect: () => toggle.mutate({ id: server.id, enabled: !server.enabled }),
                },
                { kind: 'separator' },
                { label: 'Remove server', tone: 'danger', onSelect: () => setRemoving(true) },
              ]}
            />
          )
        }
        action={
          manages &&
          server.enabled && (
            <Button size="small" busy={refresh.isPending} onClick={() => refresh.mutate({ id: server.id })}>
              <RefreshCw aria-hidden className="size-3.5" />
              Ask again
            </Button>
          )
        }
      />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <About server={server} manages={manages} />
        {held.length > 0 && manages && <Held tools={held} onOpen={setOpened} />}
        {tools.isPending ? (
          <SkeletonRows rows={6} />
        ) : tools.error && tools.items.length === 0 ? (
          <LoadError error={tools.error} retry={tools.refetch} />
        ) : others.length === 0 ? (
          held.length === 0 && (
            <p className="px-4 py-8 text-13 text-text-3 md:px-6">
              {manages ? 'It has told of no tools yet.' : 'There is no tool of it that you may call.'}
            </p>
          )
        ) : (
          <section aria-label="Offered tools">
            <h2 className="border-b border-line px-4 pt-6 pb-2 text-13 font-medium md:px-6">Offered at /mcp</h2>
            <ul>
              {others.map((tool) => (
                <ToolLine
                  key={tool.id}
                  tool={tool}
                  server={server}
                  manages={manages}
                  onOpen={() => setOpened(tool.id)}
                />
              ))}
            </ul>
          </section>
        )}
        <EndOfList onReached={tools.loadMore} loading={tools.loadingMore} />
      </div>
      {editing && <ServerDialog server={server} onClose={() => setEditing(false)} />}
      {opened !== null && <ToolDialog id={opened} manages={manages} onClose={() => setOpened(null)} />}
      <ConfirmDialog
        open={removing}
        onOpenChange={setRemoving}
        title={`Remove ${server.name}`}
        verb="Remove server"
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: server.id })}
      >
        Its {server.tools.approved} tools are no longer offered, and their policies, approvals and sign-ins are
        forgotten. The rows of its calls stay.
      </ConfirmDialog>
    </>
  );
};

const About = ({ server, manages }: { server: ToolServer; manages: boolean }) => {
  const { sign_in, why } = useSearch({ from: '/frame/tools/servers/$id' });
  const facts = [
    { label: 'Offered as', value: `${server.slug}__…` },
    { label: server.transport === 'http' ? 'Address' : 'Program', value: placeOf(server) },
    { label: 'Sign-in', value: authWords[server.auth] },
    { label: 'Calls itself', value: [server.server_name, server.server_version].filter(Boolean).join(' ') || '–' },
    { label: 'Time limit', value: `${server.timeout_s} s` },
  ];
  return (
    <div className="flex flex-col gap-4 px-4 py-5 md:px-6">
      {server.description !== '' && (
        <p dir="auto" className="max-w-[72ch] text-14 whitespace-pre-line text-text-2">
          {server.description}
        </p>
      )}
      {sign_in === 'failed' && <Notice tone="danger">The sign-in did not work: {why ?? 'no reason was given'}.</Notice>}
      {(server.auth === 'oauth_person' || (server.auth === 'oauth_org' && manages)) && <SignIn server={server} />}
      {server.state === 'failing' && (
        <Notice tone="danger">
          <p className="font-medium text-text">It cannot be asked: {server.last_error}</p>
          {server.next_attempt_at !== null && (
            <p className="mt-0.5">
              It is tried again <RelativeTime time={server.next_attempt_at} />.
            </p>
          )}
          {server.stderr_tail && (
            <pre
              // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
              tabIndex={0}
              className="mt-2 max-h-40 overflow-auto font-mono text-12 whitespace-pre-wrap text-text-2"
            >
              {server.stderr_tail}
            </pre>
          )}
        </Notice>
      )}
      {server.state === 'ok' && server.last_error !== null && <Notice tone="warning">{server.last_error}</Notice>}
      <dl className="flex flex-wrap gap-x-8 gap-y-3">
        {facts.map(({ label, value }) => (
          <div key={label} className="min-w-0">
            <dt className="text-12 text-text-3">{label}</dt>
            <dd className="tabular mt-0.5 max-w-[44ch] truncate text-13 text-text" title={value}>
              {value}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
};

const SignIn = ({ server }: { server: ToolServer }) => {
  const connect = useOperationMutation(toolServersConnect, {
    invalidates: toolReads,
    onSuccess: ({ authorization_url }) => {
      if (authorization_url !== null) window.location.assign(authorization_url);
    },
  });
  const disconnect = useOperationMutation(toolServersDisconnect, {
    invalidates: toolReads,
    done: () => `The sign-in at ${server.name} is forgotten`,
  });
  const mine = server.auth === 'oauth_person';
  if (server.connected)
    return (
      <Notice
        tone="success"
        action={
          <Button size="small" busy={disconnect.isPending} onClick={() => disconnect.mutate({ id: server.id })}>
            Forget sign-in
          </Button>
        }
      >
        {mine
          ? 'You are signed in there. Your agents act there as you, and nobody else does.'
          : 'This organisation is signed in there. Everybody acts there with this one sign-in.'}
      </Notice>
    );
  return (
    <Notice
      tone="warning"
      action={
        <Button size="small" tone="primary" busy={connect.isPending} onClick={() => connect.mutate({ id: server.id })}>
          Sign in
        </Button>
      }
    >
      {mine
        ? 'Its tools act for a person. Sign in there, so that you and your agents can use them.'
        : 'Nobody has signed in there for this organisation, so its tools cannot be used.'}
    </Notice>
  );
};

const Held = ({ tools, onOpen }: { tools: readonly ToolRow[]; onOpen: (id: string) => void }) => {
  const [asking, setAsking] = useState(false);
  const fresh = tools.filter(({ state }) => state === 'new');
  const approve = useOperationMutation(toolsApprove, {
    invalidates: toolReads,
    done: ({ items }) => (items.length === 1 ? '1 tool is approved' : `${items.length} tools are approved`),
    onSuccess: () => setAsking(false),
  });
  return (
    <section aria-label="To approve" className="border-y border-line bg-warning-soft/40">
      <header className="flex flex-wrap items-center gap-3 px-4 py-3 md:px-6">
        <h2 className="text-13 font-medium">To approve</h2>
        <p className="text-13 text-text-2">A model reads these texts, so none of them is offered before you have.</p>
        {fresh.length > 1 && (
          <Button size="small" className="ml-auto" onClick={() => setAsking(true)}>
            Approve all {fresh.length} new
          </Button>
        )}
      </header>
      <ul>
        {tools.map((tool) => (
          <li
            key={tool.id}
            data-held={tool.id}
            className="relative flex items-center gap-4 border-t border-line px-4 py-2.5 hover:bg-hover md:px-6"
          >
            <span className="min-w-0 flex-1">
              <button
                type="button"
                onClick={() => onOpen(tool.id)}
                className="block max-w-full truncate rounded-[3px] text-left font-mono text-13 font-medium text-text before:absolute before:inset-0 before:content-['']"
              >
                {tool.name}
              </button>
              <span dir="auto" className="block truncate text-13 text-text-2">
                {tool.description}
              </span>
            </span>
            <Badge tone={tool.state === 'changed' ? 'danger' : 'neutral'}>
              {tool.state === 'changed' ? 'Changed' : 'New'}
            </Badge>
            <span aria-hidden className="text-13 text-accent-text max-sm:hidden">
              Review
            </span>
          </li>
        ))}
      </ul>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={`Approve ${fresh.length} new tools`}
        verb={`Approve ${fresh.length} tools`}
        busy={approve.isPending}
        onConfirm={() =>
          approve.mutate({
            definitions: fresh.map(({ id, found_fingerprint }) => ({ id, fingerprint: found_fingerprint! })),
          })
        }
      >
        Their names, descriptions and schemas are offered to models as they are now. Changed tools are not among them:
        look at each.
      </ConfirmDialog>
    </section>
  );
};

const ToolLine = ({
  tool,
  server,
  manages,
  onOpen,
}: {
  tool: ToolRow;
  server: ToolServer;
  manages: boolean;
  onOpen: () => void;
}) => {
  const update = useOperationMutation(toolsUpdate, { invalidates: toolReads });
  const shown = tool.policy ?? 'default';
  return (
    <li
      data-tool={tool.id}
      className="relative flex items-center gap-4 border-b border-line px-4 py-2 hover:bg-hover md:px-6"
    >
      <span className="min-w-0 flex-1">
        <span className="flex min-w-0 items-center gap-2">
          <button
            type="button"
            onClick={onOpen}
            className="truncate rounded-[3px] text-left font-mono text-13 font-medium text-text before:absolute before:inset-0 before:content-['']"
          >
            {tool.offered_as}
          </button>
          {tool.state === 'gone' && <Badge>Gone</Badge>}
          {!tool.listed && <Badge>Not listed</Badge>}
          {tool.read_only && <Badge tone="info">Reads only</Badge>}
        </span>
        <span dir="auto" className="block truncate text-13 text-text-2">
          {tool.description || 'It says nothing about itself.'}
        </span>
      </span>
      {manages ? (
        <span className="relative w-32 shrink-0">
          <Select
            label={`Policy of ${tool.name}`}
            value={shown}
            disabled={tool.state === 'gone'}
            onChange={(next) =>
              update.mutate({ id: tool.id, policy: next === 'default' ? null : (next as ToolRow['your_policy']) })
            }
            options={[
              { value: 'default', label: 'Default', hint: `${policyWords[server.default_policy]}, as the server says` },
              ...toolPolicies.map((value) => ({ value, label: policyWords[value], hint: policyHints[value] })),
            ]}
          />
        </span>
      ) : (
        <Badge tone={tool.your_policy === 'ask' ? 'warning' : 'neutral'}>{policyWords[tool.your_policy]}</Badge>
      )}
    </li>
  );
};
