import {
  type ChannelView,
  type channelModes,
  channelsAddMember,
  channelsCreate,
  channelsCreatePublishToken,
  channelsDelete,
  channelsList,
  channelsListMembers,
  channelsRemoveMember,
  channelsRevokePublishToken,
  channelsUpdate,
  channelsUpdateRules,
  type itemLevels,
  teamsList,
} from '@atrium/protocol';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { BellOff, Hash, Lock, Plus, ShieldAlert, Trash2, UserPlus, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { call, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { invalidate, patchItem, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { useCan, useMe } from '../../data/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { ConfirmDialog, Dialog, Sheet } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { Input, Textarea } from '../../ui/input.tsx';
import { useDetailPane } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { Select } from '../../ui/select.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { SplitPane } from '../../ui/split-pane.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { toast } from '../../ui/toast.tsx';
import { Switch } from '../../ui/toggles.tsx';
import { levelWords } from './item-words.ts';
import { usePeople } from './people.ts';

const modeWords = { open: 'Open', private: 'Private', direct: 'Direct' } as const;
const modeHints = {
  open: 'Every member of the organisation sees its items.',
  private: 'Only its members see its items; to others it does not exist.',
  direct: 'Reserved for direct messages.',
} as const;

/** Named streams of items: who sees them, and how loud they are for this person. */
export const ChannelsPage = () => {
  const { channel: openId } = useSearch({ from: '/frame/channels' });
  const list = useOperationList(channelsList, { limit: 200 });
  const navigate = useNavigate();
  const beside = useDetailPane();
  const canCreate = useCan('channels.create');
  const [creating, setCreating] = useState(false);
  const open = list.items.find((channel) => channel.id === openId);
  const show = (id: string | undefined) => void navigate({ to: '/channels', search: { channel: id } });
  const add = canCreate && (
    <Button
      tone="primary"
      size="small"
      icon={<Plus aria-hidden className="size-4" />}
      onClick={() => setCreating(true)}
    >
      New channel
    </Button>
  );
  const rows = (
    <section aria-label="Channels" className="flex h-full min-h-0 flex-col">
      <PageHeader title="Channels" aside={list.items.length || undefined} action={add} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {list.isPending ? (
          <SkeletonRows tall />
        ) : list.error ? (
          <div className="p-5">
            <FormError>{sayError(list.error)}</FormError>
          </div>
        ) : list.items.length === 0 ? (
          <EmptyState title="A channel gathers items of one kind" action={add}>
            Agents name it when they ask; people choose how loud it is for them.
          </EmptyState>
        ) : (
          <ul>
            {list.items.map((channel) => (
              <li key={channel.id}>
                <ChannelRow channel={channel} open={channel.id === openId} onOpen={() => show(channel.id)} />
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
  const detail = open && <ChannelDetail key={open.id} channel={open} onGone={() => show(undefined)} />;
  return (
    <>
      {beside ? (
        <SplitPane
          id="channels"
          initial={480}
          list={rows}
          detail={
            detail ?? (
              <div className="grid h-full place-items-center text-14 text-text-3">
                Choose a channel to see its people and settings.
              </div>
            )
          }
        />
      ) : (
        <>
          {rows}
          <Sheet
            open={open !== undefined}
            onOpenChange={(next) => !next && show(undefined)}
            title={`#${open?.name ?? ''}`}
          >
            {detail}
          </Sheet>
        </>
      )}
      <CreateDialog open={creating} onOpenChange={setCreating} onCreated={(id) => show(id)} />
    </>
  );
};

const ChannelRow = ({ channel, open, onOpen }: { channel: ChannelView; open: boolean; onOpen: () => void }) => {
  const Icon = channel.mode === 'private' ? Lock : Hash;
  return (
    <button
      type="button"
      aria-current={open || undefined}
      onClick={onOpen}
      className={cx(
        '-outline-offset-2 flex h-16 w-full items-center gap-3 border-b border-line px-4 text-left transition-colors md:px-6',
        open ? 'bg-active' : 'hover:bg-hover',
      )}
    >
      <Icon aria-hidden strokeWidth={1.75} className="size-4 shrink-0 text-text-3" />
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-2">
          <span className="truncate text-14 font-medium">{channel.name}</span>
          {channel.critical && <ShieldAlert aria-label="Critical" className="size-3.5 shrink-0 text-danger-text" />}
          {channel.rules.muted && <BellOff aria-label="Muted" className="size-3.5 shrink-0 text-text-3" />}
        </span>
        <span className="block truncate text-12 text-text-3">
          {channel.team ? `${channel.team.name} team · ` : ''}
          {channel.description || modeHints[channel.mode]}
        </span>
      </span>
      <span className="tabular shrink-0 text-right text-12 text-text-3">
        {channel.open_items > 0 ? (
          <span className="text-13 font-medium text-text">{channel.open_items} open</span>
        ) : (
          'quiet'
        )}
        <span className="block">
          {channel.members} {channel.members === 1 ? 'person' : 'people'}
        </span>
      </span>
    </button>
  );
};

const ChannelDetail = ({ channel, onGone }: { channel: ChannelView; onGone: () => void }) => (
  <div className="h-full min-h-0 overflow-y-auto">
    <div className="mx-auto flex max-w-[680px] flex-col gap-9 py-2 lg:px-8 lg:py-8">
      <header className="hidden lg:block">
        <div className="flex items-center gap-2.5">
          <h2 className="text-20 font-semibold">#{channel.name}</h2>
          <Badge>{modeWords[channel.mode]}</Badge>
          {channel.critical && <Badge tone="danger">Critical</Badge>}
        </div>
        {channel.description && <p className="mt-1 max-w-[72ch] text-14 text-text-2">{channel.description}</p>}
      </header>
      <p className="-mt-5 text-13 text-text-3 max-lg:mt-0">
        {modeHints[channel.mode]}{' '}
        <Link to="/inbox" search={{ box: 'all', channel: [channel.id] }} className="quiet-link">
          Show its items
        </Link>
      </p>
      <OwnRules channel={channel} />
      {channel.mode === 'private' && <Members channel={channel} />}
      {channel.can_manage && <Publish channel={channel} />}
      {channel.can_manage && <Settings channel={channel} onGone={onGone} />}
    </div>
  </div>
);

const Section = ({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) => (
  <section aria-label={title} className="flex flex-col gap-3">
    <div>
      <h3 className="text-14 font-semibold">{title}</h3>
      {lead && <p className="mt-0.5 text-13 text-text-3">{lead}</p>}
    </div>
    {children}
  </section>
);

/** How loud this channel is for me. */
const OwnRules = ({ channel }: { channel: ChannelView }) => {
  const { rules } = channel;
  const update = useOperationMutation(channelsUpdateRules, {
    optimistic: ({ id: _id, ...change }) => [
      patchItem<ChannelView>('channels.list', channel.id, (other) => ({
        ...other,
        rules: { ...other.rules, ...change },
      })),
    ],
    invalidates: ['channels.list'],
  });
  const set = (change: Partial<ChannelView['rules']>) => update.mutate({ id: channel.id, ...change });
  return (
    <Section
      title="For you"
      lead={
        channel.critical
          ? 'This channel is critical: its pushes come through mutes and quiet hours.'
          : 'What reaches your phone and mail. The inbox shows everything.'
      }
    >
      <div className="flex flex-col gap-2.5">
        <Switch label="Muted" hint="No push at all." checked={rules.muted} onChange={(muted) => set({ muted })} />
        <div className="flex flex-wrap items-center justify-between gap-2">
          <span className="text-14">Push from this level on</span>
          <Segmented
            label="Push from this level on"
            value={rules.min_level}
            onChange={(min_level) => set({ min_level })}
            // In the order in which levels weigh.
            options={(
              ['info', 'success', 'warning', 'error'] as const satisfies readonly (typeof itemLevels)[number][]
            ).map((level) => ({ value: level, label: levelWords[level] }))}
          />
        </div>
        <div className="flex flex-wrap items-center justify-between gap-2">
          <span className="text-14">Sound</span>
          <Segmented
            label="Sound"
            value={rules.sound}
            onChange={(sound) => set({ sound })}
            options={[
              { value: 'default', label: 'Default' },
              { value: 'alert', label: 'Alert' },
              { value: 'none', label: 'None' },
            ]}
          />
        </div>
        <Switch label="E-mail" checked={rules.email_enabled} onChange={(email_enabled) => set({ email_enabled })} />
        {rules.email_enabled && (
          <Switch
            label="Once a day instead of each"
            checked={rules.email_digest}
            onChange={(email_digest) => set({ email_digest })}
          />
        )}
      </div>
    </Section>
  );
};

const Members = ({ channel }: { channel: ChannelView }) => {
  const members = useOperation(channelsListMembers, { id: channel.id, limit: 200 });
  const me = useMe().principal.id;
  const [adding, setAdding] = useState(false);
  const [q, setQ] = useState('');
  const people = usePeople(q);
  const known = members.data?.items ?? [];
  const refresh = () => invalidate('channels.list_members', 'channels.list');
  const add = async (user_id: string | undefined) => {
    if (!user_id) return;
    try {
      await call(channelsAddMember, { id: channel.id, user_id });
      setAdding(false);
      await refresh();
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    }
  };
  const drop = async (member: { user_id: string; name: string }) => {
    try {
      await call(channelsRemoveMember, { id: channel.id, user: member.user_id });
      await refresh();
      toast({
        title: member.user_id === me ? `You left #${channel.name}` : `${member.name} no longer sees #${channel.name}`,
        ...(channel.can_manage ? { undo: () => void add(member.user_id) } : {}),
      });
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    }
  };
  return (
    <Section title="Members" lead="They alone see what happens here.">
      {channel.can_manage &&
        (adding ? (
          <Combobox
            label="Person to add"
            placeholder="Choose a person"
            searchPlaceholder="Search by name"
            onSearch={setQ}
            value={[]}
            options={people
              .filter((person) => !known.some((member) => member.user_id === person.id))
              .map((person) => ({ value: person.id, label: person.name }))}
            onChange={([id]) => void add(id)}
          />
        ) : (
          <Button
            size="small"
            className="self-start"
            icon={<UserPlus aria-hidden className="size-4" />}
            onClick={() => setAdding(true)}
          >
            Add a person
          </Button>
        ))}
      <ul className="-mx-2">
        {known.map((member) => (
          <li
            key={member.user_id}
            className="flex h-10 items-center gap-2.5 rounded-control px-2 text-14 hover:bg-hover"
          >
            <Avatar id={member.user_id} name={member.name} size={24} />
            <span className="min-w-0 flex-1 truncate">
              {member.name}
              {member.user_id === me && <span className="text-text-3"> (you)</span>}
            </span>
            {(channel.can_manage || member.user_id === me) && (
              <IconButton
                label={member.user_id === me ? `Leave #${channel.name}` : `Remove ${member.name}`}
                size="small"
                tooltip={false}
                onClick={() => void drop(member)}
              >
                <X />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
};

/** The one-line address, shown once. */
const Publish = ({ channel }: { channel: ChannelView }) => {
  const [made, setMade] = useState<{ topic_token: string; url: string } | null>(null);
  const [ending, setEnding] = useState(false);
  const create = useOperationMutation(channelsCreatePublishToken, { onSuccess: setMade });
  const revoke = useOperationMutation(channelsRevokePublishToken, {
    done: () => 'The publish address ended',
    onSuccess: () => {
      setMade(null);
      setEnding(false);
    },
  });
  return (
    <Section title="Publish by curl" lead="Whoever has the address can put notices here, without an account.">
      {made ? (
        <>
          <SecretReveal secret={made.url} name={`Publish address of #${channel.name}`} variable="ATRIUM_PUBLISH_URL" />
          <CopyLine prompt="$" text={`curl -d "Backup finished" -H "Title: Backup" ${made.url}`} />
        </>
      ) : (
        <div className="flex flex-wrap gap-2">
          <Button size="small" busy={create.isPending} onClick={() => create.mutate({ id: channel.id })}>
            Make an address
          </Button>
          <Button size="small" tone="ghost" onClick={() => setEnding(true)}>
            End the address
          </Button>
          <p className="w-full text-12 text-text-3">A new address ends the one before.</p>
        </div>
      )}
      <ConfirmDialog
        open={ending}
        onOpenChange={setEnding}
        title="End the publish address?"
        verb="End address"
        busy={revoke.isPending}
        onConfirm={() => revoke.mutate({ id: channel.id })}
      >
        Every script that uses it stops working at once.
      </ConfirmDialog>
    </Section>
  );
};

const noTeam = 'none';

const Settings = ({ channel, onGone }: { channel: ChannelView; onGone: () => void }) => {
  const [name, setName] = useState(channel.name);
  const [description, setDescription] = useState(channel.description);
  const canDelete = useCan('channels.delete');
  const [deleting, setDeleting] = useState(false);
  const teams = useOperation(teamsList, { limit: 200 }).data?.items ?? [];
  const update = useOperationMutation(channelsUpdate, {
    quiet: true,
    invalidates: ['channels.list'],
    done: () => 'Saved',
  });
  const remove = useOperationMutation(channelsDelete, {
    invalidates: ['channels.list', 'inbox.list_items', 'inbox.counts'],
    done: () => `Deleted #${channel.name}`,
    onSuccess: onGone,
  });
  const errors = formErrors(update.error, ['name', 'description', 'mode', 'team_id']);
  const changed = name !== channel.name || description !== channel.description;
  return (
    <Section title="Settings">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate({ id: channel.id, name, description });
        }}
      >
        <FormField label="Name" error={errors.of('name')}>
          <Input value={name} maxLength={64} leading={<Hash />} onChange={(event) => setName(event.target.value)} />
        </FormField>
        <FormField label="Description" required={false} error={errors.of('description')}>
          <Textarea
            rows={2}
            value={description}
            maxLength={500}
            onChange={(event) => setDescription(event.target.value)}
          />
        </FormField>
        <FormField label="Who sees it" group hint={modeHints[channel.mode]} error={errors.of('mode')}>
          <Segmented
            label="Who sees it"
            value={channel.mode}
            onChange={(mode) => update.mutate({ id: channel.id, mode })}
            options={[
              { value: 'open', label: 'Everybody' },
              { value: 'private', label: 'Members only' },
            ]}
          />
        </FormField>
        {teams.length > 0 && channel.mode === 'open' && (
          <FormField
            label="Team"
            hint="With a team, only that team, Owners and Admins see it."
            error={errors.of('team_id')}
          >
            <Select
              value={channel.team?.id ?? noTeam}
              onChange={(team) => update.mutate({ id: channel.id, team_id: team === noTeam ? null : team })}
              options={[
                { value: noTeam, label: 'No team' },
                ...teams.map((team) => ({ value: team.id, label: team.name })),
              ]}
            />
          </FormField>
        )}
        <Switch
          label="Critical"
          hint="Nobody can mute it, and it comes through quiet hours."
          checked={channel.critical}
          onChange={(critical) => update.mutate({ id: channel.id, critical })}
        />
        <FormError>{errors.rest}</FormError>
        <div className="flex flex-wrap gap-2">
          <Button type="submit" tone="primary" disabled={!changed} busy={update.isPending}>
            Save
          </Button>
          {canDelete && (
            <Button tone="ghost" icon={<Trash2 aria-hidden className="size-4" />} onClick={() => setDeleting(true)}>
              Delete channel
            </Button>
          )}
        </div>
      </form>
      <ConfirmDialog
        open={deleting}
        onOpenChange={setDeleting}
        title={`Delete #${channel.name}?`}
        verb={`Delete #${channel.name}`}
        typeName={channel.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate({ id: channel.id })}
      >
        Its {channel.open_items} open items are archived and stay with those who saw them. Agents that name it get an
        error from then on.
      </ConfirmDialog>
    </Section>
  );
};

const CreateDialog = ({
  open,
  onOpenChange,
  onCreated,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (id: string) => void;
}) => {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [mode, setMode] = useState<Exclude<(typeof channelModes)[number], 'direct'>>('open');
  const [critical, setCritical] = useState(false);
  const [members, setMembers] = useState<string[]>([]);
  const people = usePeople();
  const me = useMe().principal.id;
  const create = useOperationMutation(channelsCreate, {
    quiet: true,
    invalidates: ['channels.list'],
    onSuccess: (channel) => {
      onOpenChange(false);
      setName('');
      setDescription('');
      setMembers([]);
      onCreated(channel.id);
    },
  });
  const errors = formErrors(create.error, ['name', 'description', 'members']);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New channel"
      footer={
        <>
          <Button onClick={() => onOpenChange(false)}>Cancel</Button>
          <Button tone="primary" type="submit" form="new-channel" busy={create.isPending}>
            Create channel
          </Button>
        </>
      }
    >
      <form
        id="new-channel"
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate({ name: name.trim().replace(/^#/, ''), description, mode, critical, members });
        }}
      >
        <FormField label="Name" error={errors.of('name')} hint="Agents write it, so: lower case, digits, dots, dashes.">
          <Input
            autoFocus
            leading={<Hash />}
            value={name}
            maxLength={64}
            required
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormField label="Description" required={false} error={errors.of('description')}>
          <Input value={description} maxLength={500} onChange={(event) => setDescription(event.target.value)} />
        </FormField>
        <FormField label="Who sees it" group hint={modeHints[mode]}>
          <Segmented
            label="Who sees it"
            value={mode}
            onChange={setMode}
            options={[
              { value: 'open', label: 'Everybody' },
              { value: 'private', label: 'Members only' },
            ]}
          />
        </FormField>
        {mode === 'private' && (
          <FormField label="Members" required={false} hint="You are one of them." error={errors.of('members')}>
            <Combobox
              multiple
              label="Members"
              options={people
                .filter((person) => person.id !== me)
                .map((person) => ({ value: person.id, label: person.name }))}
              value={members}
              onChange={setMembers}
            />
          </FormField>
        )}
        <Switch
          label="Critical"
          hint="Nobody can mute it, and it comes through quiet hours."
          checked={critical}
          onChange={setCritical}
        />
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
