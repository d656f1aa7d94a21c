import {
  type DiaryView,
  diariesListShares,
  diariesRevokeShare,
  diariesShare,
  diariesUpdateShare,
  peopleList,
  type ShareRole,
  type ShareView,
  teamsList,
} from '@atrium/protocol';
import { Users, X } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { patchItem, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { roleHints, roleWords } from './diary-words.ts';

type Kind = ShareView['subject']['kind'];

const kinds: readonly { value: Kind; label: string }[] = [
  { value: 'user', label: 'Person' },
  { value: 'agent', label: 'Agent' },
  { value: 'team', label: 'Team' },
];
const roles = (['reader', 'writer'] as const).map((value) => ({
  value,
  label: roleWords[value],
  hint: roleHints[value],
}));

const shareReads = ['diaries.list_shares'] as const;

/** With whom a diary is shared, and offering it to somebody more. */
export const ShareDialog = ({
  diary,
  open,
  onOpenChange,
}: {
  diary: DiaryView;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) => (
  <Dialog
    open={open}
    onOpenChange={onOpenChange}
    title={`Share ${diary.name}`}
    description="People and agents are invited and read once they accept. A team reads at once."
    footer={
      <Button tone="primary" onClick={() => onOpenChange(false)}>
        Done
      </Button>
    }
  >
    <div className="flex flex-col gap-6">
      <OfferForm diary={diary} />
      <Shares diary={diary} />
    </div>
  </Dialog>
);

const OfferForm = ({ diary }: { diary: DiaryView }) => {
  const [kind, setKind] = useState<Kind>('user');
  const [to, setTo] = useState<string>();
  const [role, setRole] = useState<ShareRole>('reader');
  const [q, setQ] = useState('');
  const people = useOperation(
    peopleList,
    { ...(q.trim() ? { q: q.trim().slice(0, 100) } : {}), limit: 100 },
    { enabled: kind !== 'team', keepPrevious: true },
  );
  const teams = useOperation(teamsList, { limit: 200 }, { enabled: kind === 'team' });
  const share = useOperationMutation(diariesShare, {
    quiet: true,
    invalidates: shareReads,
    done: (made) =>
      made.subject.kind === 'team' ? `${made.subject.name} reads it now` : `${made.subject.name} is invited`,
    onSuccess: () => setTo(undefined),
  });
  const errors = formErrors(share.error, ['user_id', 'agent_id', 'team_id', 'role']);
  const options =
    kind === 'team'
      ? (teams.data?.items ?? []).map((team) => ({ value: team.id, label: team.name }))
      : (people.data?.items ?? [])
          .filter((person) => person.kind === kind && person.id !== diary.owner.id)
          .map((person) => ({
            value: person.id,
            label: person.name,
            icon: <PrincipalMark type={person.kind} id={person.id} name={person.name} size={18} />,
          }));
  const field = `${kind}_id` as const;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (to) share.mutate({ diary_ref: diary.id, [field]: to, role });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <div>
        <Segmented
          label="With"
          value={kind}
          onChange={(next) => {
            setKind(next);
            setTo(undefined);
            share.reset();
          }}
          options={kinds}
        />
      </div>
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_160px]">
        <FormField label={kinds.find((one) => one.value === kind)!.label} error={errors.of(field)}>
          <Combobox
            key={kind}
            placeholder={kind === 'team' ? 'Choose a team' : kind === 'agent' ? 'Choose an agent' : 'Choose a person'}
            searchPlaceholder="Search by name"
            {...(kind === 'team' ? {} : { onSearch: setQ })}
            value={to ? [to] : []}
            onChange={([id]) => setTo(id)}
            options={options}
          />
        </FormField>
        <FormField label="As" error={errors.of('role')}>
          <Select value={role} onChange={(value) => setRole(value as ShareRole)} options={roles} />
        </FormField>
      </div>
      <FormError>{errors.rest}</FormError>
      <Button type="submit" className="self-start" disabled={!to} busy={share.isPending}>
        {kind === 'team' ? 'Give it to the team' : 'Invite'}
      </Button>
    </form>
  );
};

const Shares = ({ diary }: { diary: DiaryView }) => {
  const list = useOperationList(diariesListShares, { diary_ref: diary.id, limit: 100 });
  if (list.isPending) return <SkeletonRows rows={2} />;
  if (list.error) return <FormError>{sayError(list.error)}</FormError>;
  if (list.items.length === 0) return <p className="text-13 text-text-3">Shared with nobody yet.</p>;
  return (
    <section aria-label="Shared with">
      <h3 className="text-13 font-medium">Shared with</h3>
      <ul className="mt-1">
        {list.items.map((share) => (
          <ShareRow key={share.id} diary={diary} share={share} />
        ))}
      </ul>
      {list.hasMore && (
        <Button size="small" busy={list.loadingMore} onClick={list.loadMore}>
          Show more
        </Button>
      )}
    </section>
  );
};

const ShareRow = ({ diary, share }: { diary: DiaryView; share: ShareView }) => {
  const input = { diary_ref: diary.id, share_id: share.id };
  const update = useOperationMutation(diariesUpdateShare, {
    optimistic: ({ role }) => [
      patchItem<ShareView>('diaries.list_shares', share.id, (one) => ({ ...one, ...(role ? { role } : {}) })),
    ],
    invalidates: shareReads,
  });
  const revoke = useOperationMutation(diariesRevokeShare, {
    optimistic: () => [patchItem<ShareView>('diaries.list_shares', share.id, () => null)],
    invalidates: shareReads,
    done: () => `${share.subject.name} no longer reads it`,
  });
  const { kind, id, name } = share.subject;
  return (
    <li className="flex items-center gap-3 border-b border-line py-2 last:border-b-0">
      {kind === 'team' ? (
        <Users aria-hidden strokeWidth={1.75} className="mx-1 size-4 shrink-0 text-text-3" />
      ) : (
        <PrincipalMark type={kind} id={id} name={name} size={24} />
      )}
      <span className="min-w-0 flex-1">
        <span dir="auto" className="block truncate text-left text-14">
          {name}
        </span>
        <span className="block truncate text-12 text-text-3">
          {share.status === 'pending' ? (
            <>
              <Badge tone="info" className="mr-1.5">
                Invited
              </Badge>
              ends <RelativeTime time={share.invitation_expires_at} />
            </>
          ) : (
            <>
              since <RelativeTime time={share.responded_at ?? share.invited_at} />
            </>
          )}
        </span>
      </span>
      <Select
        label={`Role of ${name}`}
        className="w-28"
        value={share.role}
        onChange={(role) => update.mutate({ ...input, role: role as ShareRole })}
        options={roles}
      />
      <IconButton label={`Take it back from ${name}`} size="small" tooltip={false} onClick={() => revoke.mutate(input)}>
        <X />
      </IconButton>
    </li>
  );
};
