import { type AnswerValues, type FieldOf, formLimits } from '@atrium/protocol';
import { Plus, X } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { Button, IconButton } from '../../ui/button.tsx';
import { emptyRow, labelOf } from './form-values.ts';

interface GroupFieldProps {
  field: FieldOf<'group'>;
  value: unknown;
  onChange: (value: unknown) => void;
  /** The fields of one row. */
  renderRow: (row: AnswerValues, index: number, onChange: (id: string, value: unknown) => void) => ReactNode;
}

/** Rows of the same fields, as many as the form allows. */
export const GroupField = ({ field, value, onChange, renderRow }: GroupFieldProps) => {
  const rows = Array.isArray(value) ? (value as AnswerValues[]) : [];
  const list = useRef<HTMLOListElement>(null);
  // Rows have no identity of their own: the key follows the row object through changes of its neighbours.
  const keys = useRef({ next: 0, of: new WeakMap<object, number>() });
  const keyOf = (row: AnswerValues): number => {
    const known = keys.current.of.get(row);
    if (known !== undefined) return known;
    const key = keys.current.next++;
    keys.current.of.set(row, key);
    return key;
  };
  const least = Math.max(field.min_rows ?? 0, field.required === true ? 1 : 0);
  const most = field.max_rows ?? formLimits.rows;
  const change = (index: number, id: string, next: unknown) => {
    const before = rows[index]!;
    const row = { ...before, [id]: next };
    keys.current.of.set(row, keyOf(before));
    onChange(rows.with(index, row));
  };
  const add = () => {
    onChange([...rows, emptyRow(field.fields)]);
    requestAnimationFrame(() =>
      list.current?.lastElementChild?.querySelector<HTMLElement>('input,textarea,button[role]')?.focus(),
    );
  };
  const name = labelOf(field);
  return (
    <div className="flex flex-col gap-2">
      {rows.length > 0 && (
        <ol ref={list} className="flex flex-col gap-2">
          {rows.map((row, index) => (
            <li
              key={keyOf(row)}
              className="relative flex flex-col gap-4 rounded-card border border-line bg-bg p-3.5 pr-11"
            >
              {renderRow(row, index, (id, next) => change(index, id, next))}
              {rows.length > least && (
                <span className="absolute top-2 right-2">
                  <IconButton
                    label={`Remove row ${index + 1} of ${name}`}
                    tooltip={false}
                    size="small"
                    onClick={() => onChange(rows.filter((_, other) => other !== index))}
                  >
                    <X />
                  </IconButton>
                </span>
              )}
            </li>
          ))}
        </ol>
      )}
      {rows.length < most && (
        <Button size="small" className="self-start" icon={<Plus aria-hidden className="size-4" />} onClick={add}>
          Add {rows.length === 0 ? 'the first row' : 'a row'}
        </Button>
      )}
    </div>
  );
};
