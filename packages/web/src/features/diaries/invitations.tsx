import {
  diariesAcceptInvitation,
  diariesDeclineInvitation,
  diariesListInvitations,
  type ShareView,
} from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { patchItem, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { diaryReads } from './diary-changes.ts';

const verbs = { reader: 'read', writer: 'read and write' } as const;

const leaves = ({ share_id }: { share_id: string }) => [
  patchItem<ShareView>('diaries.list_invitations', share_id, () => null),
];

/** What others offer this person; nothing where nobody does. */
export const Invitations = () => {
  const list = useOperationList(diariesListInvitations, { limit: 100 });
  const navigate = useNavigate();
  const accept = useOperationMutation(diariesAcceptInvitation, {
    optimistic: leaves,
    invalidates: diaryReads,
    done: (share) => `${share.diary_name} is among your diaries`,
    onSuccess: (share) => void navigate({ to: '/diaries/$id', params: { id: share.diary_id } }),
  });
  const decline = useOperationMutation(diariesDeclineInvitation, {
    optimistic: leaves,
    invalidates: diaryReads,
    done: (share) => `You declined ${share.diary_name}`,
  });
  if (list.items.length === 0) return null;
  return (
    <section aria-label="Invitations" className="max-h-[40%] shrink-0 overflow-y-auto border-b border-line bg-sunken">
      <ul className="divide-y divide-line">
        {list.items.map((share) => (
          <li key={share.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3 md:px-6">
            <span className="flex min-w-0 flex-1 basis-64 items-center gap-3">
              <PrincipalMark
                type={share.invited_by.type}
                id={share.invited_by.id ?? share.invited_by.name}
                name={share.invited_by.name}
                size={28}
              />
              <span className="min-w-0 text-14">
                <span className="block text-pretty break-words">
                  <span className="font-medium">{share.invited_by.name}</span> invites you to {verbs[share.role]}{' '}
                  <span dir="auto" className="font-medium">
                    {share.diary_name}
                  </span>
                </span>
                <span className="block text-12 text-text-3">
                  Ends <RelativeTime time={share.invitation_expires_at} />
                </span>
              </span>
            </span>
            <span className="flex gap-2">
              <Button size="small" onClick={() => decline.mutate({ share_id: share.id })}>
                Decline
              </Button>
              <Button size="small" tone="primary" onClick={() => accept.mutate({ share_id: share.id })}>
                Accept
              </Button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
};
