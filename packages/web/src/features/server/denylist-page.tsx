import { denylistAdd, denylistList, denylistRemove, type OutputOf } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import { ProblemError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { patchItem, useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { Select } from '../../ui/select.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { ServerHeader } from './server-header.tsx';

type Range = OutputOf<typeof denylistList>['items'][number];

export const DenylistPage = () => {
  const [q, setQ] = useState('');
  const [adding, setAdding] = useState(false);
  const list = useOperationList(denylistList, q ? { q } : {}, { keepPrevious: true });
  const own = useOperation(denylistList, { limit: 1 }).data?.your_address ?? null;
  const add = useOperationMutation(denylistAdd, { quiet: true, invalidates: ['denylist.list'] });
  const remove = useOperationMutation(denylistRemove, {
    invalidates: ['denylist.list', 'server.overview'],
    optimistic: ({ id }) => [patchItem<Range>('denylist.list', id, () => null)],
    done: () => 'The range is answered again, on every replica',
    undo: ({ id }) => {
      const gone = list.items.find((range) => range.id === id);
      return add.mutateAsync({ range: gone!.range, reason: gone!.reason });
    },
  });
  useShortcut('c', 'Deny an address', () => setAdding(true));
  const takeOff = (range: Range) => (
    <Button
      size="small"
      tone="ghost"
      aria-label={`Take off ${range.range}`}
      onClick={() => remove.mutate({ id: range.id })}
    >
      Take off
    </Button>
  );
  const columns: Column<Range>[] = [
    {
      id: 'range',
      header: 'Range',
      width: 'minmax(170px, 1fr)',
      cell: (range) => <code className="tabular text-13 text-text">{range.range}</code>,
      value: (range) => range.range,
    },
    {
      id: 'state',
      header: 'State',
      width: '100px',
      cell: (range) => <RangeState range={range} />,
      value: (range) => Number(range.live),
    },
    {
      id: 'reason',
      header: 'Reason',
      width: 'minmax(160px, 1.8fr)',
      cell: (range) => (
        <span dir="auto" className="truncate text-text-2">
          {range.reason}
        </span>
      ),
      value: (range) => range.reason,
    },
    {
      id: 'by',
      header: 'By',
      width: 'minmax(150px, 0.9fr)',
      wide: true,
      cell: (range) => <span className="truncate text-text-2">{range.created_by?.name ?? ''}</span>,
      value: (range) => range.created_by?.name ?? null,
    },
    {
      id: 'since',
      header: 'Since',
      width: 'minmax(110px, 0.7fr)',
      cell: (range) => <RelativeTime time={range.created_at} className="text-text-2" />,
      value: (range) => Date.parse(range.created_at),
    },
    {
      id: 'until',
      header: 'Until',
      width: 'minmax(110px, 0.7fr)',
      cell: (range) =>
        range.expires_at ? (
          <RelativeTime time={range.expires_at} className="text-text-2" />
        ) : (
          <span className="text-text-3">no end</span>
        ),
      value: (range) => range.expires_at && Date.parse(range.expires_at),
    },
    { id: 'off', header: '', width: '96px', align: 'right', cell: takeOff },
  ];
  return (
    <>
      <ServerHeader
        title="Denied addresses"
        search={{ label: 'Find a range', value: q, onChange: setQ }}
        action={
          <Button tone="primary" size="small" onClick={() => setAdding(true)}>
            Deny a range
          </Button>
        }
      />
      <OperationTable
        id="denylist"
        label="Denied addresses"
        list={list}
        columns={columns}
        rowKey={(range) => range.id}
        card={(range) => ({
          title: <code className="text-13">{range.range}</code>,
          detail: range.reason || <RangeState range={range} />,
          trailing: takeOff(range),
        })}
        empty={
          q ? (
            <EmptyState plain title={`No range fits “${q}”`} />
          ) : (
            <EmptyState
              title="Every address is answered"
              action={
                <Button tone="primary" onClick={() => setAdding(true)}>
                  Deny a range
                </Button>
              }
            >
              A denied range gets 403 before anything is counted, on every replica at once. It ends by itself when you
              say for how long.
            </EmptyState>
          )
        }
      />
      <AddDialog key={String(adding)} open={adding} onClose={() => setAdding(false)} own={own} />
    </>
  );
};

const RangeState = ({ range }: { range: Range }) => (
  <Badge dot tone={range.live ? 'danger' : 'neutral'}>
    {range.live ? 'Denied' : 'Over'}
  </Badge>
);

const spans = [
  { value: '1', label: '1 hour' },
  { value: '24', label: '1 day' },
  { value: '168', label: '1 week' },
  { value: '720', label: '30 days' },
  { value: 'never', label: 'Until taken off' },
];

const AddDialog = ({ open, onClose, own }: { open: boolean; onClose: () => void; own: string | null }) => {
  const [range, setRange] = useState('');
  const [reason, setReason] = useState('');
  const [span, setSpan] = useState('168');
  const form = useId();
  const add = useOperationMutation(denylistAdd, {
    quiet: true,
    invalidates: ['denylist.list', 'server.overview'],
    done: (made) => `${made.range} gets no answer any more`,
    onSuccess: onClose,
  });
  const errors = formErrors(add.error, ['range', 'reason']);
  const taken = add.error instanceof ProblemError && add.error.code === 'name_taken';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate({
      range: range.trim(),
      reason: reason.trim(),
      expires_in_hours: span === 'never' ? null : Number(span),
    });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title="Deny a range"
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={add.isPending} disabled={range.trim() === ''}>
            Deny
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField
          label="Address or range"
          error={errors.of('range') ?? (taken ? 'This range is on the list already.' : undefined)}
          hint={own ? `CIDR, IPv4 or IPv6. Yours is ${own}.` : 'CIDR, IPv4 or IPv6.'}
        >
          <Input
            name="range"
            required
            autoFocus
            spellCheck={false}
            autoComplete="off"
            className="font-mono"
            placeholder="203.0.113.0/24"
            value={range}
            onChange={(event) => setRange(event.target.value)}
          />
        </FormField>
        <FormField
          label="Reason"
          required={false}
          error={errors.of('reason')}
          hint="For the next operator who asks why."
        >
          <Input
            dir="auto"
            maxLength={500}
            autoComplete="off"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </FormField>
        <FormField label="For how long">
          <Select value={span} onChange={setSpan} options={spans} />
        </FormField>
        <FormError>{taken ? undefined : errors.rest}</FormError>
      </form>
    </Dialog>
  );
};
