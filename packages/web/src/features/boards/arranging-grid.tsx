import type { BoardGroup, BoardItem } from '@atrium/protocol';
import { ArrowDown, ArrowUp, GripVertical, Maximize2, Minimize2, Plus, Trash2, X } from 'lucide-react';
import { type DragEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { Kbd } from '../../ui/kbd.tsx';
import { isGridKey, tileBy } from '../gateway/service-grid.ts';
import {
  changeItem,
  isStep,
  itemName,
  moveGroup,
  moveTo,
  placeAt,
  removeItem,
  type Spot,
  spotOf,
  stepTo,
  toInput,
} from './arranging.ts';
import { ItemDialog } from './item-dialog.tsx';
import { TileBody, type TileFacts, tileGrid, tileShape, tileSpan } from './tile-body.tsx';
import type { useArranging } from './use-arranging.ts';

type Props = ReturnType<typeof useArranging> & { facts: TileFacts; onAdd: (groupId: string) => void };

/** What a tile shows when it becomes wide. */
const allWidgets = ['health', 'requests', 'container'] as const;

/** The board while it is being arranged: tiles are drawn to their places, or moved there by keys. */
export const Arranging = ({ groups, change, write, facts, onAdd }: Props) => {
  const [said, setSaid] = useState('');
  const [dragged, setDragged] = useState<string | null>(null);
  const [target, setTarget] = useState<Spot | null>(null);
  const [opened, setOpened] = useState<string | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const refocus = useRef<string | null>(null);
  const tiles = (): HTMLElement[] => [...(root.current?.querySelectorAll<HTMLElement>('[data-tile]') ?? [])];
  // A tile that went to another group is a new element there; the hand that moved it goes on with it.
  useEffect(() => {
    if (refocus.current === null) return;
    const wanted = refocus.current;
    refocus.current = null;
    root.current?.querySelector<HTMLElement>(`[data-tile="${wanted}"]`)?.focus();
  });

  const put = (itemId: string, spot: Spot) => {
    const moved = moveTo(groups, itemId, spot);
    const at = spotOf(moved, itemId);
    const before = spotOf(groups, itemId);
    if (at === null || (before?.group === at.group && before.index === at.index)) return;
    const group = moved[at.group]!;
    setSaid(
      `${itemName(group.items[at.index]!)}: ${at.index + 1} of ${group.items.length} in ${group.name || 'a group without a name'}`,
    );
    change(moved);
  };
  const takeOff = (item: BoardItem) => {
    setSaid(`${itemName(item)} is taken off`);
    change(removeItem(groups, item.id));
  };
  const resize = (item: BoardItem) =>
    change(
      changeItem(groups, item.id, (one) => {
        if (one.size === 'wide') return { ...one, size: 'small' };
        return one.kind === 'app' && one.widgets.length === 0
          ? { ...one, size: 'wide', widgets: [...allWidgets] }
          : { ...one, size: 'wide' };
      }),
    );

  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLElement) || event.ctrlKey || event.metaKey) return;
    const id = event.target.dataset['tile'];
    if (id === undefined) return;
    const item = groups.flatMap(({ items }) => items).find((one) => one.id === id);
    if (event.altKey) {
      if (!isStep(event.key)) return;
      const to = stepTo(groups, id, event.key);
      if (to !== null) {
        refocus.current = id;
        put(id, to);
      }
    } else if (isGridKey(event.key)) {
      const all = tiles();
      const next = tileBy(
        all.map((tile) => tile.getBoundingClientRect()),
        all.indexOf(event.target),
        event.key,
      );
      if (next !== null) all[next]!.focus();
    } else if (event.key === 'Delete' && item) {
      const all = tiles();
      const at = all.indexOf(event.target);
      refocus.current = (all[at + 1] ?? all[at - 1])?.dataset['tile'] ?? null;
      takeOff(item);
    } else if (event.key === 'w' && item) resize(item);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const over = (event: DragEvent, spot: Spot) => {
    if (dragged === null) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = 'move';
    if (target?.group !== spot.group || target.index !== spot.index) setTarget(spot);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (dragged !== null && target !== null) put(dragged, target);
    setDragged(null);
    setTarget(null);
  };
  const openedItem = groups.flatMap(({ items }) => items).find(({ id }) => id === opened);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the tiles within take the focus; this moves it, and them.
    <div ref={root} onKeyDown={onKeyDown} className="flex flex-col gap-7 px-4 py-5 md:px-6 md:py-6">
      <p className="flex flex-wrap items-center gap-x-4 gap-y-1 text-13 text-text-3">
        <span className="touch:hidden">Draw a tile to its place.</span>
        <span className="hidden touch:inline">Touch a tile to place or change it.</span>
        <span className="inline-flex items-center gap-1.5 touch:hidden">
          <Kbd keys="alt" /> and an arrow moves it
        </span>
        <span className="inline-flex items-center gap-1.5 touch:hidden">
          <Kbd keys="w" /> makes it wide
        </span>
        <span className="inline-flex items-center gap-1.5 touch:hidden">
          <Kbd keys="Delete" /> takes it off
        </span>
      </p>
      <p role="status" className="sr-only">
        {said}
      </p>
      {groups.map((group, at) => (
        // A place to drop; keys move tiles here as well.
        <section
          key={group.id}
          aria-label={group.name || 'Group without a name'}
          className={cx(
            'min-w-0 rounded-card border border-dashed p-3 transition-colors',
            dragged !== null && target?.group === at ? 'border-accent-line bg-accent-soft' : 'border-line-strong',
          )}
          onDragOver={(event) => over(event, { group: at, index: group.items.length })}
          onDrop={drop}
        >
          <GroupHead
            group={group}
            first={at === 0}
            last={at === groups.length - 1}
            onName={(name) => change(groups.map((one) => (one.id === group.id ? { ...one, name } : one)))}
            onMove={(by) => change(moveGroup(groups, group.id, by))}
            onRemove={() => change(groups.filter(({ id }) => id !== group.id))}
          />
          <ul className={tileGrid}>
            {group.items.map((item, index) => (
              <EditedTile
                key={item.id}
                item={item}
                facts={facts}
                where={`${index + 1} of ${group.items.length} in ${group.name || 'a group without a name'}`}
                held={dragged === item.id}
                mark={
                  dragged !== null && target?.group === at && target.index === index
                    ? 'before'
                    : dragged !== null &&
                        target?.group === at &&
                        index === group.items.length - 1 &&
                        target.index === group.items.length
                      ? 'after'
                      : null
                }
                onHold={() => setDragged(item.id)}
                onLetGo={() => {
                  setDragged(null);
                  setTarget(null);
                }}
                onOver={(event) => {
                  const { left, width } = event.currentTarget.getBoundingClientRect();
                  over(event, { group: at, index: index + (event.clientX > left + width / 2 ? 1 : 0) });
                }}
                onDrop={drop}
                onOpen={() => setOpened(item.id)}
                onSize={() => resize(item)}
                onRemove={() => takeOff(item)}
              />
            ))}
            <li>
              <button
                type="button"
                onClick={() => onAdd(group.id)}
                className="-outline-offset-2 flex h-full w-full items-center justify-center gap-2 rounded-card border border-dashed border-line-strong text-13 font-medium text-text-2 transition-colors hover:border-control hover:text-text"
              >
                <Plus aria-hidden className="size-4" /> Add
                <span className="sr-only"> to {group.name || 'this group'}</span>
              </button>
            </li>
          </ul>
        </section>
      ))}
      <Button
        className="self-start"
        icon={<Plus className="size-4" />}
        onClick={() => void write([...toInput(groups), { name: 'New group' }])}
      >
        Add group
      </Button>
      {openedItem && (
        <ItemDialog
          item={openedItem}
          groups={groups}
          onChange={(changed, spot) => {
            change(
              placeAt(
                changeItem(groups, openedItem.id, () => changed),
                openedItem.id,
                spot,
              ),
            );
            setOpened(null);
          }}
          onRemove={() => {
            setOpened(null);
            takeOff(openedItem);
          }}
          onClose={() => setOpened(null)}
        />
      )}
    </div>
  );
};

const GroupHead = ({
  group,
  first,
  last,
  onName,
  onMove,
  onRemove,
}: {
  group: BoardGroup;
  first: boolean;
  last: boolean;
  onName: (name: string) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: () => void;
}) => {
  const [name, setName] = useState(group.name);
  const [known, setKnown] = useState(group.name);
  // A name that somebody else gave it meanwhile takes the place of a draft that was left.
  if (group.name !== known) {
    setKnown(group.name);
    setName(group.name);
  }
  const keep = () => name.trim() !== group.name && onName(name.trim());
  return (
    <div className="mb-2.5 flex items-center gap-1">
      <input
        aria-label="Name of the group"
        dir="auto"
        maxLength={60}
        placeholder="Group without a name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.currentTarget.blur();
          if (event.key === 'Escape') setName(group.name);
        }}
        className="h-8 min-w-0 flex-1 rounded-control bg-transparent px-1.5 text-13 font-medium text-text placeholder:text-text-3 hover:bg-hover focus-visible:bg-raised"
      />
      <IconButton label="Move group up" size="small" disabled={first} onClick={() => onMove(-1)}>
        <ArrowUp />
      </IconButton>
      <IconButton label="Move group down" size="small" disabled={last} onClick={() => onMove(1)}>
        <ArrowDown />
      </IconButton>
      <IconButton
        label={
          group.items.length > 0 ? `Take off this group and its ${group.items.length} tiles` : 'Take off this group'
        }
        size="small"
        onClick={onRemove}
      >
        <Trash2 />
      </IconButton>
    </div>
  );
};

const EditedTile = ({
  item,
  facts,
  where,
  held,
  mark,
  onHold,
  onLetGo,
  onOver,
  onDrop,
  onOpen,
  onSize,
  onRemove,
}: {
  item: BoardItem;
  facts: TileFacts;
  where: string;
  held: boolean;
  mark: 'before' | 'after' | null;
  onHold: () => void;
  onLetGo: () => void;
  onOver: (event: DragEvent<HTMLLIElement>) => void;
  onDrop: (event: DragEvent) => void;
  onOpen: () => void;
  onSize: () => void;
  onRemove: () => void;
}) => (
  <li
    draggable
    className={cx('group relative min-w-0 cursor-grab active:cursor-grabbing', tileSpan(item), held && 'opacity-45')}
    onDragStart={(event) => {
      event.dataTransfer.effectAllowed = 'move';
      event.dataTransfer.setData('text/plain', itemName(item));
      onHold();
    }}
    onDragEnd={onLetGo}
    onDragOver={onOver}
    onDrop={onDrop}
  >
    {mark && (
      <span
        aria-hidden
        className={cx(
          'absolute inset-y-1 w-0.5 rounded-full bg-accent',
          mark === 'before' ? '-left-[7px]' : '-right-[7px]',
        )}
      />
    )}
    <button
      type="button"
      data-tile={item.id}
      onClick={onOpen}
      className={cx(tileShape, '-outline-offset-2 cursor-grab hover:border-control active:cursor-grabbing')}
    >
      <TileBody item={item} facts={facts} />
      <span className="sr-only">, {where}</span>
    </button>
    <span className="absolute top-1 right-1 flex rounded-control bg-raised opacity-0 shadow-[0_0_0_1px_var(--line-strong)] transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 touch:hidden">
      <GripVertical aria-hidden className="my-auto ml-1 size-3.5 text-text-3" />
      <IconButton
        label={item.size === 'wide' ? `Make ${itemName(item)} small` : `Make ${itemName(item)} wide`}
        size="small"
        tooltip={false}
        onClick={onSize}
      >
        {item.size === 'wide' ? <Minimize2 className="size-3.5!" /> : <Maximize2 className="size-3.5!" />}
      </IconButton>
      <IconButton label={`Take off ${itemName(item)}`} size="small" tooltip={false} onClick={onRemove}>
        <X className="size-3.5!" />
      </IconButton>
    </span>
  </li>
);
