import { type FormEvent, Fragment, type ReactNode, useId, useState } from 'react';
import { OperationTable } from '../../app/operation-table.tsx';
import type { useOperationList } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError } from '../../ui/form-field.tsx';
import type { RecordCard } from '../../ui/record-table.tsx';
import { useShortcut } from '../../ui/shortcuts.tsx';
import type { Column } from '../../ui/table.tsx';
import { ServerHeader } from './server-header.tsx';

/* What operators register by hand: a list, and one dialog in which a record is made, changed and deleted. */

interface RegistryPageProps<Row> {
  id: string;
  title: string;
  /** What one record is called: "issuer". */
  noun: string;
  /** On the button that makes one. */
  verb: string;
  q: string;
  onSearch: (q: string) => void;
  list: ReturnType<typeof useOperationList> & { items: Row[] };
  columns: Column<Row>[];
  card: (row: Row) => RecordCard;
  /** Above the rows. */
  intro?: ReactNode;
  empty: { title: string; verb: string; children: ReactNode; docs?: { href: string; label: string } };
  /** The dialog about a record, or about a new one by null. */
  dialog: (record: Row | null, open: boolean, onClose: () => void) => ReactNode;
}

export const RegistryPage = <Row extends { id: string }>(props: RegistryPageProps<Row>) => {
  const { id, title, noun, verb, q, onSearch, list, columns, card, intro, empty, dialog } = props;
  const [edited, setEdited] = useState<Row | 'new' | null>(null);
  const begin = () => setEdited('new');
  useShortcut('c', verb, begin);
  return (
    <>
      <ServerHeader
        title={title}
        search={{ label: `Find ${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`, value: q, onChange: onSearch }}
        action={
          <Button tone="primary" size="small" onClick={begin}>
            {verb}
          </Button>
        }
      />
      {intro}
      <OperationTable
        id={id}
        label={title}
        list={list}
        columns={columns}
        rowKey={(row) => row.id}
        onOpen={setEdited}
        card={card}
        empty={
          q ? (
            <EmptyState plain title={`No ${noun} fits “${q}”`} />
          ) : (
            <EmptyState
              title={empty.title}
              action={
                <Button tone="primary" onClick={begin}>
                  {empty.verb}
                </Button>
              }
              {...(empty.docs ? { docs: empty.docs } : {})}
            >
              {empty.children}
            </EmptyState>
          )
        }
      />
      <Fragment key={edited === null ? 'none' : edited === 'new' ? 'new' : edited.id}>
        {dialog(edited === 'new' ? null : edited, edited !== null, () => setEdited(null))}
      </Fragment>
    </>
  );
};

interface RegistryDialogProps {
  open: boolean;
  onClose: () => void;
  /** Name of the record; absent for a new one. */
  name: string | undefined;
  making: { title: string; description: string; verb: string };
  ready: boolean;
  busy: boolean;
  onSubmit: () => void;
  /** What was refused and belongs to no field. */
  error: ReactNode;
  deleting: {
    title: string;
    verb: string;
    warning: ReactNode;
    typeName?: string;
    busy: boolean;
    onConfirm: () => void;
  };
  children: ReactNode;
}

export const RegistryDialog = (props: RegistryDialogProps) => {
  const { open, onClose, name, making, ready, busy, onSubmit, error, deleting, children } = props;
  const [asking, setAsking] = useState(false);
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={name ?? making.title}
      description={name === undefined ? making.description : undefined}
      footer={
        <>
          {name !== undefined && (
            <Button tone="ghost" className="mr-auto text-danger-text!" onClick={() => setAsking(true)}>
              Delete
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={busy} disabled={!ready}>
            {name === undefined ? making.verb : 'Save'}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        {children}
        <FormError>{error}</FormError>
      </form>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title={deleting.title}
        verb={deleting.verb}
        busy={deleting.busy}
        onConfirm={deleting.onConfirm}
        {...(deleting.typeName === undefined ? {} : { typeName: deleting.typeName })}
      >
        {deleting.warning}
      </ConfirmDialog>
    </Dialog>
  );
};
