import { type BoardSummary, boardsCreate, boardsUpdate } from '@atrium/protocol';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useId, useState } from 'react';
import { formErrors } from '../../data/form-errors.ts';
import { useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { useExternalStore } from '../../ui/external-store.ts';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { RadioGroup, Switch } from '../../ui/toggles.tsx';
import { boardReads, makingBoard } from './board-stores.ts';

/** Makes a board: its name is all it takes. */
export const NewBoardDialog = () => {
  const open = useExternalStore(makingBoard);
  return <NewBoard key={String(open)} open={open} />;
};

const NewBoard = ({ open }: { open: boolean }) => {
  const navigate = useNavigate();
  const mayShare = useCan('routes.write');
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const [begin, setBegin] = useState('apps');
  const create = useOperationMutation(boardsCreate, {
    quiet: true,
    invalidates: boardReads,
    onSuccess: ({ id, groups }) => {
      makingBoard.set(false);
      void navigate({ to: '/services/$id', params: { id }, search: groups.length === 0 ? { arrange: true } : {} });
    },
  });
  const errors = formErrors(create.error, ['name']);
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ name: name.trim(), shared, from_apps: begin === 'apps' });
  };
  return (
    <Dialog
      open={open}
      onOpenChange={makingBoard.set}
      title="New board"
      description="Services and links in groups of your own, in the order you like."
      width="small"
      footer={
        <>
          <Button onClick={() => makingBoard.set(false)}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={create.isPending} disabled={name.trim() === ''}>
            Make board
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        <FormField label="Name" error={errors.of('name')}>
          <Input
            dir="auto"
            name="board-name"
            required
            autoFocus
            maxLength={60}
            autoComplete="off"
            placeholder="Every morning"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormField label="Begin with" group>
          <RadioGroup
            label="Begin with"
            value={begin}
            onChange={setBegin}
            options={[
              { value: 'apps', label: 'Every service', hint: 'By their groups; take off what you need not' },
              { value: 'nothing', label: 'Nothing', hint: 'Add what you need' },
            ]}
          />
        </FormField>
        {mayShare && (
          <Switch
            checked={shared}
            onChange={setShared}
            label="Share with everybody here"
            hint="Each sees of it what they may open"
          />
        )}
        <FormError>{errors.rest}</FormError>
      </form>
    </Dialog>
  );
};

export const RenameDialog = ({ board, onClose }: { board: Pick<BoardSummary, 'id' | 'name'>; onClose: () => void }) => {
  const [name, setName] = useState(board.name);
  const form = useId();
  const update = useOperationMutation(boardsUpdate, { quiet: true, invalidates: boardReads, onSuccess: onClose });
  const errors = formErrors(update.error, ['name']);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Rename board"
      width="small"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} busy={update.isPending} disabled={name.trim() === ''}>
            Rename
          </Button>
        </>
      }
    >
      <form
        id={form}
        onSubmit={(event) => {
          event.preventDefault();
          update.mutate({ id: board.id, name: name.trim() });
        }}
      >
        <FormField label="Name" error={errors.of('name') ?? errors.rest}>
          <Input
            dir="auto"
            name="board-name"
            required
            autoFocus
            maxLength={60}
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
      </form>
    </Dialog>
  );
};
