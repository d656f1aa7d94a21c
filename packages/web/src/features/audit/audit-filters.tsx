import { peopleList } from '@atrium/protocol';
import { ChevronDown, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useOperation } from '../../data/operations.ts';
import { cx } from '../../ui/class-names.ts';
import { Combobox } from '../../ui/combobox.tsx';
import { DateTimePicker } from '../../ui/date-time-picker.tsx';
import { FilterChips } from '../../ui/filter-chips.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { PrincipalMark } from '../../ui/identity-mark.tsx';
import { Input } from '../../ui/input.tsx';
import { Popover } from '../../ui/popover.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { exactTime, useTimeZone } from '../../ui/time-format.ts';
import { type AuditFilter, spans } from './audit-filter.ts';
import { auditAreas } from './audit-words.ts';

interface FiltersProps {
  filter: AuditFilter;
  onChange: (change: AuditFilter) => void;
}

/** Area, actor, item, time and text in one line. */
export const AuditFilters = ({ filter, onChange }: FiltersProps) => {
  const area = auditAreas.find(({ value }) => value === filter.action);
  const any = Object.keys(filter).length > 0;
  return (
    <div className="flex items-center gap-1.5">
      <SearchField
        label="Search the audit trail"
        placeholder="Search"
        className="w-44"
        value={filter.q ?? ''}
        onChange={(q) => onChange({ q: q || undefined })}
      />
      <FilterChips
        clear={false}
        filters={[
          {
            id: 'action',
            label: 'Action',
            options:
              filter.action && !area ? [...auditAreas, { value: filter.action, label: filter.action }] : auditAreas,
            value: filter.action ? [filter.action] : [],
          },
        ]}
        onChange={(_id, [action]) => onChange({ action })}
      />
      <ActorFilter filter={filter} onChange={onChange} />
      <TimeFilter filter={filter} onChange={onChange} />
      <ItemFilter filter={filter} onChange={onChange} />
      {any && (
        <button
          type="button"
          onClick={() => onChange(nothing)}
          className="inline-flex h-7 shrink-0 items-center gap-1 rounded-full px-2.5 text-13 text-text-3 hover:text-text touch:h-9"
        >
          <X aria-hidden className="size-3.5" /> Clear all
        </button>
      )}
    </div>
  );
};

const nothing: AuditFilter = {
  action: undefined,
  actor: undefined,
  item: undefined,
  target: undefined,
  span: undefined,
  from: undefined,
  until: undefined,
  q: undefined,
};

const PopoverChip = ({
  label,
  on,
  title,
  children,
}: {
  label: ReactNode;
  on: boolean;
  title: string;
  children: (close: () => void) => ReactNode;
}) => {
  const [open, setOpen] = useState(false);
  return (
    <Popover
      label={title}
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button
          type="button"
          className={cx(
            'inline-flex h-7 shrink-0 items-center gap-1 rounded-full border px-2.5 text-13 whitespace-nowrap transition-colors touch:h-9 touch:px-3.5 [&_svg]:size-3.5',
            on
              ? 'border-accent-line bg-accent-soft font-medium text-text'
              : 'border-line-strong text-text-2 hover:border-control hover:text-text',
          )}
        >
          {label}
          <ChevronDown aria-hidden className="text-text-3" />
        </button>
      }
    >
      {children(() => setOpen(false))}
    </Popover>
  );
};

const ActorFilter = ({ filter, onChange }: FiltersProps) => {
  const [q, setQ] = useState('');
  const people = useOperation(peopleList, { limit: 50, ...(q ? { q } : {}) }, { keepPrevious: true });
  const items = people.data?.items ?? [];
  const name = items.find(({ id }) => id === filter.actor)?.name;
  return (
    <PopoverChip title="Actor" label={filter.actor ? `By ${name ?? 'one actor'}` : 'Actor'} on={!!filter.actor}>
      {(close) => (
        <FormField label="Who did it">
          <Combobox
            searchPlaceholder="Find a person or agent"
            placeholder="Anybody"
            value={filter.actor ? [filter.actor] : []}
            options={items.map((person) => ({
              value: person.id,
              label: person.name,
              icon: <PrincipalMark type={person.kind} id={person.id} name={person.name} size={18} />,
            }))}
            onSearch={setQ}
            onChange={([actor]) => {
              onChange({ actor });
              close();
            }}
          />
        </FormField>
      )}
    </PopoverChip>
  );
};

const TimeFilter = ({ filter, onChange }: FiltersProps) => {
  const zone = useTimeZone();
  const span = spans.find(({ value }) => value === filter.span);
  const on = !!(span || filter.from || filter.until);
  const day = (time: string) =>
    exactTime(Date.parse(time), zone)
      .split(',')
      .slice(0, 2)
      .join(',')
      .replace(/:\d\d .*$/, '');
  const label = span
    ? span.label
    : filter.from && filter.until
      ? `${day(filter.from)} to ${day(filter.until)}`
      : filter.from
        ? `Since ${day(filter.from)}`
        : filter.until
          ? `Until ${day(filter.until)}`
          : 'Time';
  return (
    <PopoverChip title="Time range" label={label} on={on}>
      {(close) => (
        <div className="flex flex-col gap-3">
          <div className="grid grid-cols-2 gap-1.5">
            {spans.map((choice) => (
              <button
                key={choice.value}
                type="button"
                aria-pressed={filter.span === choice.value}
                onClick={() => {
                  onChange({ span: choice.value, from: undefined, until: undefined });
                  close();
                }}
                className="h-8 rounded-control border border-line-strong text-13 text-text-2 transition-colors hover:border-control hover:text-text aria-pressed:border-accent-line aria-pressed:bg-accent-soft aria-pressed:text-text touch:h-11"
              >
                {choice.label}
              </button>
            ))}
          </div>
          <FormField label="From">
            <DateTimePicker
              value={filter.from ?? null}
              onChange={(from) => onChange({ from: from ?? undefined, span: undefined })}
            />
          </FormField>
          <FormField label="Until">
            <DateTimePicker
              value={filter.until ?? null}
              onChange={(until) => onChange({ until: until ?? undefined, span: undefined })}
            />
          </FormField>
        </div>
      )}
    </PopoverChip>
  );
};

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const ItemFilter = ({ filter, onChange }: FiltersProps) => {
  const [text, setText] = useState(filter.item ?? '');
  const id = text.trim().match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i)?.[0] ?? '';
  const wrong = text.trim() !== '' && !uuid.test(id);
  return (
    <PopoverChip title="Item" label={filter.item ? `Item ${filter.item.slice(-6)}` : 'Item'} on={!!filter.item}>
      {(close) => (
        <form
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (wrong) return;
            onChange({ item: id || undefined });
            close();
          }}
        >
          <FormField
            label="Item"
            hint="Its id, or the address of its page."
            error={wrong ? 'No item id is in this text.' : undefined}
          >
            <Input
              value={text}
              spellCheck={false}
              onChange={(event) => setText(event.target.value)}
              className="font-mono"
            />
          </FormField>
        </form>
      )}
    </PopoverChip>
  );
};
