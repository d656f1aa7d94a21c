import {
  type AgentView,
  agentsList,
  type VoucherView,
  vouchersCreate,
  vouchersGraph,
  vouchersList,
  vouchersRevoke,
} from '@atrium/protocol';
import { Link } from '@tanstack/react-router';
import { ChevronRight, UserRound } from 'lucide-react';
import { useMemo, useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { sayError } from '../../data/client.ts';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FingerprintArt } from '../../ui/fingerprint-art.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Section, Sections } from '../../ui/section.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { AgentsTabs } from './agents-tabs.tsx';
import { type TrustNode, trustTrees } from './trust-tree.ts';

/** Codes by which newcomers come in, and who came in through whom. */
export const TrustPage = () => (
  <div className="min-h-0 flex-1 overflow-y-auto">
    <PageHeader title="Agents" tabs={<AgentsTabs />} />
    <Sections>
      <Vouchers />
      <Graph />
    </Sections>
  </div>
);

const voucherReads = ['vouchers.list'] as const;

const Vouchers = () => {
  const manages = useCan('agents.manage');
  const own = useOperationList(vouchersList, { limit: 100 });
  const all = useOperationList(vouchersList, { everyone: true, limit: 100 }, { enabled: manages });
  const create = useOperationMutation(vouchersCreate, { quiet: true, invalidates: voucherReads });
  const others = all.items.filter((voucher) => !own.items.some((mine) => mine.id === voucher.id));
  return (
    <Section
      title="Vouchers"
      lead="Whoever holds a code registers one agent with a key of its own. It joins as a member, and may do at most what you may. A code works once and for 24 hours; five may be open at once."
    >
      <div className="flex flex-col gap-4">
        {own.error && <FormError>{sayError(own.error)}</FormError>}
        {own.isPending ? (
          <SkeletonRows rows={2} />
        ) : (
          own.items.length > 0 && (
            <ul aria-label="Your open vouchers" className="flex flex-col gap-4">
              {own.items.map((voucher) => (
                <VoucherRow key={voucher.id} voucher={voucher} />
              ))}
            </ul>
          )
        )}
        <FormError>{create.error && sayError(create.error)}</FormError>
        <Button className="self-start" busy={create.isPending} onClick={() => create.mutate({})}>
          Vouch for a newcomer
        </Button>
        {others.length > 0 && (
          <div>
            <h3 className="text-13 font-medium">Open vouchers of others</h3>
            <ul className="mt-1">
              {others.map((voucher) => (
                <VoucherRow key={voucher.id} voucher={voucher} />
              ))}
            </ul>
          </div>
        )}
      </div>
    </Section>
  );
};

const kindWords = { user: 'A person', agent: 'An agent', device: 'A device', service: 'A service' } as const;

const VoucherRow = ({ voucher }: { voucher: VoucherView }) => {
  const revoke = useOperationMutation(vouchersRevoke, {
    invalidates: voucherReads,
    optimistic: () => [patchItem<VoucherView>('vouchers.list', voucher.id, () => null)],
    done: () => 'The code is taken back',
  });
  const take = (
    <Button size="small" onClick={() => revoke.mutate({ id: voucher.id })}>
      Take back
    </Button>
  );
  const ends = (
    <span className="text-12 text-text-3">
      Ends <RelativeTime time={voucher.expires_at} />
    </span>
  );
  return (
    <li className={voucher.code ? 'flex flex-col gap-1.5' : 'flex items-center gap-3 border-b border-line py-2'}>
      {voucher.code ? (
        <>
          <CopyLine text={voucher.code} label="Copy code" />
          <span className="flex items-center justify-between gap-3">
            {ends}
            {take}
          </span>
        </>
      ) : (
        <>
          <span className="min-w-0 flex-1">
            <span className="block truncate text-14">
              {voucher.issued_by.fingerprint ? (
                <code className="text-13">{voucher.issued_by.fingerprint}</code>
              ) : (
                kindWords[voucher.issued_by.kind]
              )}
            </span>
            {ends}
          </span>
          {take}
        </>
      )}
    </li>
  );
};

const Graph = () => {
  const list = useOperationList(vouchersGraph, { limit: 200 });
  const agents = useOperationList(agentsList, { limit: 200 });
  const trees = useMemo(() => trustTrees(list.items), [list.items]);
  const named = useMemo(
    () => new Map(agents.items.flatMap((agent) => (agent.fingerprint ? [[agent.fingerprint, agent] as const] : []))),
    [agents.items],
  );
  return (
    <Section
      title="Trust graph"
      lead="Who let whom in, on the whole server. If one of them is no longer to be trusted, everybody below came in through it."
    >
      {list.error ? (
        <LoadError error={list.error} retry={list.refetch} />
      ) : list.isPending ? (
        <SkeletonRows rows={5} />
      ) : trees.length === 0 ? (
        <EmptyState plain title="Nobody came in by a voucher yet">
          An agent that registers with a code stands here below whoever gave it.
        </EmptyState>
      ) : (
        <>
          <ul aria-label="Trust graph">
            {trees.map((node) => (
              <Branch key={node.fingerprint ?? 'people'} node={node} named={named} />
            ))}
          </ul>
          {list.hasMore && (
            <Button size="small" className="mt-3" busy={list.loadingMore} onClick={list.loadMore}>
              Show more
            </Button>
          )}
        </>
      )}
    </Section>
  );
};

const Branch = ({ node, named }: { node: TrustNode; named: ReadonlyMap<string, AgentView> }) => {
  const [open, setOpen] = useState(true);
  const { fingerprint, edge, children } = node;
  const agent = fingerprint === null ? undefined : named.get(fingerprint);
  const name = fingerprint === null ? 'People, and agents without a key' : (agent?.name ?? fingerprint);
  return (
    <li>
      <div className="flex min-h-12 items-center gap-2.5 rounded-control py-1">
        {children.length > 0 ? (
          <button
            type="button"
            aria-expanded={open}
            aria-label={`${open ? 'Fold' : 'Unfold'} ${name}`}
            onClick={() => setOpen(!open)}
            className="flex size-6 shrink-0 items-center justify-center rounded-control text-text-3 hover:bg-hover hover:text-text touch:size-9"
          >
            <ChevronRight aria-hidden className={`size-4 transition-transform ${open ? 'rotate-90' : ''}`} />
          </button>
        ) : (
          <span aria-hidden className="w-6 shrink-0 touch:w-9" />
        )}
        {fingerprint === null ? (
          <span className="flex size-8 shrink-0 items-center justify-center rounded-full bg-active text-text-2">
            <UserRound aria-hidden className="size-4" />
          </span>
        ) : (
          <FingerprintArt fingerprint={fingerprint} size={32} />
        )}
        <span className="min-w-0 flex-1">
          <span className="flex items-center gap-2">
            {agent ? (
              <Link
                to="/agents/$id"
                params={{ id: agent.id }}
                dir="auto"
                className="truncate text-14 font-medium text-text hover:underline"
              >
                {name}
              </Link>
            ) : (
              <span
                dir="auto"
                className={fingerprint === null ? 'truncate text-14 font-medium' : 'truncate font-mono text-13'}
              >
                {name}
              </span>
            )}
            {edge?.active === false && <Badge tone="warning">Switched off</Badge>}
          </span>
          <span className="block truncate text-12 text-text-3">
            {agent && fingerprint !== null && <code className="max-sm:hidden">{fingerprint} · </code>}
            {edge ? (
              <>
                came in <RelativeTime time={edge.redeemed_at} />, depth {edge.depth}
                {edge.descendants > 0 && `, ${edge.descendants} below`}
              </>
            ) : (
              `vouched for ${children.length}`
            )}
          </span>
        </span>
      </div>
      {open && children.length > 0 && (
        <ul className="ml-3 border-l border-line pl-3 sm:pl-4">
          {children.map((child) => (
            <Branch key={child.fingerprint} node={child} named={named} />
          ))}
        </ul>
      )}
    </li>
  );
};
