import type { ItemView } from '@atrium/protocol';
import { AlarmClock, Archive, Check, CheckCheck, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Button, IconButton } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import { ApprovalSentence } from './approval-sentence.tsx';
import { actOnAll } from './item-acts.ts';
import { askSnooze } from './snooze-dialog.tsx';

/** What can be done to all selected rows at once. */
export const BulkBar = ({ items, onDone }: { items: readonly ItemView[]; onDone: () => void }) => {
  const [reviewing, setReviewing] = useState(false);
  const open = items.filter((item) => item.status === 'open');
  const approvals = open.filter((item) => item.kind === 'approval' && item.require === null);
  const run = (act: () => void) => () => {
    act();
    onDone();
  };
  const ack = run(
    () =>
      void actOnAll(items, {
        op: 'ack',
        said: `Acknowledged ${items.length}`,
        change: (item) => ({ ...item, viewed_at: item.viewed_at ?? new Date().toISOString() }),
      }),
  );
  const dismissAll = run(
    () =>
      void actOnAll(open, {
        op: 'dismiss',
        said: `Dismissed ${open.length}`,
        change: (item) => ({ ...item, status: 'dismissed' }),
        opposite: 'restore',
      }),
  );
  const archiveAll = run(
    () =>
      void actOnAll(items, {
        op: 'archive',
        said: `Archived ${items.length}`,
        change: (item) => ({ ...item, archived_at: new Date().toISOString() }),
        opposite: 'unarchive',
      }),
  );
  const snoozeAll = run(() => askSnooze(open));
  const group = 'Selection';
  useShortcut('a', 'Acknowledge selected', ack, { group });
  useShortcut('d', 'Dismiss selected', dismissAll, { group, enabled: open.length > 0 });
  useShortcut('e', 'Archive selected', archiveAll, { group });
  useShortcut('s', 'Snooze selected', snoozeAll, { group, enabled: open.length > 0 });
  return (
    <div
      role="toolbar"
      aria-label="Selected items"
      className="flex min-h-12 shrink-0 items-center gap-1 overflow-x-auto border-t border-line bg-raised px-3 py-1.5"
    >
      <span className="tabular mr-1 px-1 text-13 font-medium whitespace-nowrap text-text">{items.length} selected</span>
      {approvals.length > 1 && approvals.length === items.length && (
        <Button size="small" tone="primary" onClick={() => setReviewing(true)}>
          Review and approve {approvals.length}
        </Button>
      )}
      <Act label="Acknowledge" keys="a" icon={<Check />} onClick={ack} />
      <Act label="Snooze" keys="s" icon={<AlarmClock />} onClick={snoozeAll} disabled={open.length === 0} />
      <Act label="Dismiss" keys="d" icon={<CheckCheck />} onClick={dismissAll} disabled={open.length === 0} />
      <Act label="Archive" keys="e" icon={<Archive />} onClick={archiveAll} />
      <IconButton label="Clear selection" keys="escape" size="small" className="ml-auto" onClick={onDone}>
        <X />
      </IconButton>
      <Review
        items={approvals}
        open={reviewing}
        onOpenChange={setReviewing}
        onApprove={() => {
          setReviewing(false);
          void actOnAll(approvals, {
            op: 'approve',
            said: `Approved ${approvals.length}`,
            change: (item) => ({ ...item, status: 'answered', reply: { kind: 'accept' } }),
          });
          onDone();
        }}
      />
    </div>
  );
};

const Act = ({
  label,
  icon,
  ...rest
}: {
  label: string;
  keys: string;
  icon: ReactNode;
  onClick: () => void;
  disabled?: boolean;
}) => (
  <IconButton label={label} size="small" {...rest}>
    {icon}
  </IconButton>
);

/** Nothing is approved unread: each call as its sentence before the one button. */
const Review = ({
  items,
  open,
  onOpenChange,
  onApprove,
}: {
  items: readonly ItemView[];
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onApprove: () => void;
}) => (
  <Dialog
    open={open}
    onOpenChange={onOpenChange}
    title={`Approve ${items.length} tool calls`}
    description="Each runs as it stands here. An approval cannot be taken back once its agent has read it."
    width="large"
    footer={
      <>
        <Button onClick={() => onOpenChange(false)}>Cancel</Button>
        <Button tone="primary" onClick={onApprove}>
          Approve {items.length}
        </Button>
      </>
    }
  >
    <ol className="divide-y divide-line">
      {items.map((item) => (
        <li key={item.id} className="py-3 first:pt-0">
          <p className="mb-1.5 text-13 text-text-3">{item.title}</p>
          {item.approval && <ApprovalSentence approval={item.approval} by={item.created_by} compact />}
        </li>
      ))}
    </ol>
  </Dialog>
);
