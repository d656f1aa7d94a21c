import { type ItemView, inboxDelegate, inboxListItems, inboxRelate } from '@atrium/protocol';
import {
  AlarmClock,
  AlarmClockOff,
  Archive,
  ArchiveRestore,
  Bell,
  BellOff,
  CheckCheck,
  Ellipsis,
  Eye,
  Hand,
  Link2,
  Pin,
  PinOff,
  Share,
  Trash2,
  Undo2,
  UserRound,
  UserRoundPlus,
} from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { call, sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { Combobox } from '../../ui/combobox.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { DropdownMenu, type MenuEntry } from '../../ui/dropdown-menu.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Avatar } from '../../ui/identity-mark.tsx';
import { Textarea } from '../../ui/input.tsx';
import { toast } from '../../ui/toast.tsx';
import {
  acknowledge,
  archive,
  assign,
  claim,
  dismiss,
  pin,
  release,
  remove,
  restore,
  unsnooze,
  watch,
  withdraw,
} from './item-acts.ts';
import { applyItem, invalidateBelow } from './items-cache.ts';
import { usePeople } from './people.ts';
import { askSnooze } from './snooze-dialog.tsx';

type Asking = 'assign' | 'delegate' | 'relate' | null;

/** Everything that can be done to one item. */
export const ItemMenu = ({ item, me, onGone }: { item: ItemView; me: string; onGone: () => void }) => {
  const canWrite = useCan('items.write');
  const canArchive = useCan('items.archive');
  const [asking, setAsking] = useState<Asking>(null);
  const entries = canWrite
    ? [...lifeEntries(item, me, setAsking), ...afterEntries(item, canArchive, setAsking, onGone)]
    : watchEntries(item);
  return (
    <>
      <DropdownMenu
        entries={entries}
        trigger={
          <IconButton label="More" size="small">
            <Ellipsis />
          </IconButton>
        }
      />
      <AssignDialog item={item} open={asking === 'assign'} onClose={() => setAsking(null)} />
      <DelegateDialog item={item} open={asking === 'delegate'} onClose={() => setAsking(null)} />
      <RelateDialog item={item} open={asking === 'relate'} onClose={() => setAsking(null)} />
    </>
  );
};

const entry = (label: string, icon: ReactNode, onSelect: () => void, keys?: string): MenuEntry => ({
  label,
  icon,
  onSelect,
  ...(keys ? { keys } : {}),
});

const watchEntries = (item: ItemView): MenuEntry[] => [
  entry(item.watching ? 'Stop following' : 'Follow', item.watching ? <BellOff /> : <Bell />, () => void watch(item)),
];

const lifeEntries = (item: ItemView, me: string, ask: (asking: Asking) => void): MenuEntry[] => {
  if (item.status !== 'open')
    return item.status === 'answered' || item.step_up ? [] : [entry('Reopen', <Undo2 />, () => restore(item))];
  const snoozed = item.snoozed_until !== null;
  const mine = item.claimed_by?.id === me;
  return [
    ...(item.viewed_at ? [] : [entry('Acknowledge', <Eye />, () => acknowledge(item), 'a')]),
    snoozed
      ? entry('Bring back now', <AlarmClockOff />, () => unsnooze(item))
      : entry('Snooze', <AlarmClock />, () => askSnooze([item]), 's'),
    mine ? entry('Release', <Hand />, () => release(item)) : entry('Claim: I am on it', <Hand />, () => claim(item)),
    entry('Assign', <UserRound />, () => ask('assign')),
    // A request to one person ends by their decision or by its time.
    ...(item.step_up
      ? []
      : [
          entry('Hand on to somebody', <UserRoundPlus />, () => ask('delegate')),
          ...(item.created_by.id === me ? [entry('Withdraw', <Undo2 />, () => withdraw(item))] : []),
          entry('Dismiss', <CheckCheck />, () => dismiss(item), 'd'),
        ]),
    { kind: 'separator' },
  ];
};

const afterEntries = (
  item: ItemView,
  canArchive: boolean,
  ask: (asking: Asking) => void,
  onGone: () => void,
): MenuEntry[] => [
  ...watchEntries(item),
  entry(item.pinned_at ? 'Unpin' : 'Pin to the top', item.pinned_at ? <PinOff /> : <Pin />, () => pin(item)),
  entry('Link another item', <Link2 />, () => ask('relate')),
  entry('Copy link', <Share />, () => void copyLink(item)),
  ...(canArchive
    ? [
        entry(
          item.archived_at ? 'Bring back from the archive' : 'Archive',
          item.archived_at ? <ArchiveRestore /> : <Archive />,
          () => archive(item),
          'e',
        ),
        ...(item.step_up && item.status === 'open'
          ? []
          : [
              { kind: 'separator' as const },
              {
                label: 'Delete for everybody',
                icon: <Trash2 />,
                tone: 'danger' as const,
                onSelect: () => {
                  remove(item);
                  onGone();
                },
              },
            ]),
      ]
    : []),
];

const copyLink = async (item: ItemView): Promise<void> => {
  const link = `${location.origin}/inbox/${item.id}`;
  try {
    await navigator.clipboard.writeText(link);
    toast({ title: 'Link copied', tone: 'success' });
  } catch {
    toast({ title: 'The browser did not allow copying', detail: link, tone: 'danger' });
  }
};

interface AskProps {
  item: ItemView;
  open: boolean;
  onClose: () => void;
}

const PersonField = ({ value, onChange }: { value: string | null; onChange: (id: string | null) => void }) => {
  const [q, setQ] = useState('');
  const people = usePeople(q);
  return (
    <Combobox
      label="Person"
      placeholder="Choose a person"
      searchPlaceholder="Search by name"
      onSearch={setQ}
      options={people.map((person) => ({
        value: person.id,
        label: person.name,
        icon: <Avatar id={person.id} name={person.name} size={20} />,
      }))}
      value={value ? [value] : []}
      onChange={([next]) => onChange(next ?? null)}
    />
  );
};

const AssignDialog = ({ item, open, onClose }: AskProps) => {
  const [person, setPerson] = useState<string | null>(item.assignee?.id ?? null);
  const people = usePeople();
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Assign"
      description="One person is responsible. Only people who see the item can be."
      width="small"
      footer={
        <>
          {item.assignee && (
            <Button
              onClick={() => {
                assign(item, null);
                onClose();
              }}
            >
              Assign to nobody
            </Button>
          )}
          <Button
            tone="primary"
            disabled={!person}
            onClick={() => {
              const name = people.find((other) => other.id === person)?.name ?? 'them';
              if (person) assign(item, { id: person, name });
              onClose();
            }}
          >
            Assign
          </Button>
        </>
      }
    >
      <FormField label="Person">
        <PersonField value={person} onChange={setPerson} />
      </FormField>
    </Dialog>
  );
};

const DelegateDialog = ({ item, open, onClose }: AskProps) => {
  const [to, setTo] = useState<string | null>(null);
  const [note, setNote] = useState('');
  const delegate = useOperationMutation(inboxDelegate, {
    quiet: true,
    done: () => 'Handed on',
    invalidates: ['inbox.counts'],
    onSuccess: (changed) => {
      applyItem(changed);
      invalidateBelow(item.id, ['inbox.history', 'inbox.list_comments']);
      onClose();
    },
  });
  const errors = formErrors(delegate.error, ['to', 'note']);
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Hand on to somebody"
      description="They take your part in this item, your place among the approvers included."
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="primary"
            disabled={!to}
            busy={delegate.isPending}
            onClick={() => to && delegate.mutate({ id: item.id, to, ...(note.trim() ? { note: note.trim() } : {}) })}
          >
            Hand on
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <FormField label="Person" error={errors.of('to')}>
          <PersonField value={to} onChange={setTo} />
        </FormField>
        <FormField label="Note" required={false} error={errors.of('note')}>
          <Textarea rows={2} maxLength={1000} value={note} onChange={(event) => setNote(event.target.value)} />
        </FormField>
        <FormError>{errors.rest}</FormError>
      </div>
    </Dialog>
  );
};

const RelateDialog = ({ item, open, onClose }: AskProps) => {
  const [q, setQ] = useState('');
  const [other, setOther] = useState<string | null>(null);
  const found = useOperation(
    inboxListItems,
    { ...(q.trim() ? { q: q.trim() } : {}), limit: 20 },
    { enabled: open, keepPrevious: true },
  );
  const items = (found.data?.items ?? []).filter((one) => one.id !== item.id && !item.related_to.includes(one.id));
  const relate = async () => {
    if (!other) return;
    try {
      applyItem(await call(inboxRelate, { id: item.id, other_id: other }));
      invalidateBelow(item.id, ['inbox.list_related', 'inbox.history']);
      onClose();
    } catch (error) {
      toast({ title: sayError(error), tone: 'danger' });
    }
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Link another item"
      description="Both items then show the link."
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" disabled={!other} onClick={() => void relate()}>
            Link
          </Button>
        </>
      }
    >
      <FormField label="Item">
        <Combobox
          label="Item"
          placeholder="Search items"
          searchPlaceholder="Words in the title"
          onSearch={setQ}
          options={items.map((one) => ({ value: one.id, label: one.title }))}
          value={other ? [other] : []}
          onChange={([next]) => setOther(next ?? null)}
        />
      </FormField>
    </Dialog>
  );
};
