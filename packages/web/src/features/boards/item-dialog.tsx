import type { BoardGroup, BoardItem } from '@atrium/protocol';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Select } from '../../ui/select.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { Checkbox } from '../../ui/toggles.tsx';
import { itemName, type Spot, spotOf } from './arranging.ts';
import { asLink, emptyLink, LinkFields, linkProblem } from './link-fields.tsx';

const widgetWords = [
  { id: 'requests', label: 'Requests', hint: 'Today in a number, the last seven days as bars' },
  { id: 'health', label: 'Health', hint: 'How it is and how fast it answers' },
  { id: 'container', label: 'Container', hint: 'Processor and memory of what it runs in' },
] as const;

/** What a tile is, how large, and where it stands. */
export const ItemDialog = ({
  item,
  groups,
  onChange,
  onRemove,
  onClose,
}: {
  item: BoardItem;
  groups: readonly BoardGroup[];
  onChange: (item: BoardItem, spot: Spot) => void;
  onRemove: () => void;
  onClose: () => void;
}) => {
  const form = useId();
  const [size, setSize] = useState(item.size);
  const before = spotOf(groups, item.id) ?? { group: 0, index: 0 };
  const [spot, setSpot] = useState(before);
  // Where it stands already it is one of those that are counted.
  const places = groups[spot.group]!.items.length + (spot.group === before.group ? 0 : 1);
  const [widgets, setWidgets] = useState(item.kind === 'app' ? item.widgets : []);
  const [link, setLink] = useState(item.kind === 'link' ? item : emptyLink);
  const problem = item.kind === 'link' ? linkProblem(link) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (problem !== null) return;
    onChange(item.kind === 'link' ? { ...item, ...asLink(link), size } : { ...item, size, widgets }, spot);
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={itemName(item)}
      width="small"
      footer={
        <>
          <Button tone="ghost" className="mr-auto text-danger-text!" onClick={onRemove}>
            Take off
          </Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button tone="primary" type="submit" form={form} disabled={problem !== null}>
            Apply
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-5">
        {item.kind === 'link' && <LinkFields value={link} onChange={setLink} />}
        <FormField label="Size" group>
          <div>
            <Segmented
              label="Size"
              value={size}
              onChange={setSize}
              options={[
                { value: 'small', label: 'Small' },
                { value: 'wide', label: 'Wide' },
              ]}
            />
          </div>
        </FormField>
        {item.kind === 'app' && size === 'wide' && (
          <FormField label="Shows" group>
            <div className="flex flex-col gap-1.5">
              {widgetWords.map(({ id, label, hint }) => (
                <Checkbox
                  key={id}
                  label={label}
                  hint={hint}
                  checked={widgets.includes(id)}
                  onChange={(on) => setWidgets(on ? [...widgets, id] : widgets.filter((one) => one !== id))}
                />
              ))}
            </div>
          </FormField>
        )}
        <div className="grid grid-cols-2 gap-4">
          <FormField label="Group">
            <Select
              value={String(spot.group)}
              onChange={(next) => {
                const group = Number(next);
                setSpot(group === before.group ? before : { group, index: groups[group]!.items.length });
              }}
              options={groups.map(({ name }, index) => ({ value: String(index), label: name || 'Without a name' }))}
            />
          </FormField>
          <FormField label="Place">
            <Select
              value={String(spot.index)}
              onChange={(next) => setSpot({ ...spot, index: Number(next) })}
              options={Array.from({ length: places }, (_, index) => ({
                value: String(index),
                label: `${index + 1} of ${places}`,
              }))}
            />
          </FormField>
        </div>
      </form>
    </Dialog>
  );
};
