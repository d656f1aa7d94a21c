import { type OutputOf, sessionsList, sessionsRevoke, sessionsRevokeOthers } from '@atrium/protocol';
import { Monitor, Smartphone } from 'lucide-react';
import { LoadError } from '../../app/load-error.tsx';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { deviceName, isHandheld } from './device-name.ts';

type Session = OutputOf<typeof sessionsList>['items'][number];

export const Sessions = () => {
  const list = useOperationList(sessionsList, {});
  const revoke = useOperationMutation(sessionsRevoke, {
    invalidates: ['sessions.list'],
    optimistic: ({ id }) => [patchItem<Session>('sessions.list', id, () => null)],
    done: () => 'The session is ended',
  });
  const revokeOthers = useOperationMutation(sessionsRevokeOthers, {
    invalidates: ['sessions.list'],
    done: ({ revoked }) => (revoked === 1 ? 'One session is ended' : `${revoked} sessions are ended`),
  });
  if (list.isPending) return <SkeletonRows rows={2} tall />;
  if (list.error) return <LoadError error={list.error} retry={list.refetch} />;
  // This device first, so that nobody ends it by mistake.
  const sessions = list.items.toSorted((one, other) => Number(other.current) - Number(one.current));
  return (
    <div className="flex flex-col gap-3">
      <ul className="divide-y divide-line rounded-card border border-line">
        {sessions.map((session) => (
          <SessionRow key={session.id} session={session} onRevoke={() => revoke.mutate({ id: session.id })} />
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        {sessions.length > 1 && (
          <Button size="small" busy={revokeOthers.isPending} onClick={() => revokeOthers.mutate({})}>
            End all other sessions
          </Button>
        )}
        {list.hasMore && (
          <Button size="small" tone="ghost" busy={list.loadingMore} onClick={list.loadMore}>
            Show more
          </Button>
        )}
      </div>
    </div>
  );
};

const SessionRow = ({ session, onRevoke }: { session: Session; onRevoke: () => void }) => {
  const Icon = isHandheld(session.user_agent) ? Smartphone : Monitor;
  const name = deviceName(session.user_agent);
  return (
    <li className="flex items-center gap-3 px-4 py-3">
      <Icon aria-hidden strokeWidth={1.75} className="size-5 shrink-0 text-text-3" />
      <span className="min-w-0 flex-1">
        <span className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-14 font-medium">
          {name}
          {session.current && (
            <Badge dot tone="success">
              This device
            </Badge>
          )}
        </span>
        <span className="block text-13 text-text-2">
          {session.current ? (
            'Active now'
          ) : (
            <>
              Active <RelativeTime time={session.last_used_at} />
            </>
          )}
          {session.ip && (
            <>
              {' · '}
              <span className="tabular">{session.ip}</span>
            </>
          )}
          {' · '}
          {session.org.name}
        </span>
      </span>
      {!session.current && (
        <Button size="small" tone="ghost" aria-label={`End the session of ${name}`} onClick={onRevoke}>
          End
        </Button>
      )}
    </li>
  );
};
