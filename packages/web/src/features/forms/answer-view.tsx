import { type AnswerValues, type Form, type FormField, hasValue, topFields } from '@atrium/protocol';
import { Lock } from 'lucide-react';
import type { ReactNode } from 'react';
import { CodeBlock } from '../../ui/code-block.tsx';
import { exactTime, useTimeZone } from '../../ui/time-format.ts';
import { labelOf } from './form-values.ts';

/** A given answer, field by field as it was asked. */
export const AnswerView = ({ form, values }: { form: Form; values: AnswerValues }) => (
  <Rows fields={topFields(form)} values={values} sealed />
);

const Rows = ({ fields, values, sealed }: { fields: readonly FormField[]; values: AnswerValues; sealed?: boolean }) => {
  const zone = useTimeZone();
  const asked = fields.filter(hasValue);
  const isSealed = (field: FormField) => (field.type === 'text' || field.type === 'textarea') && field.sealed === true;
  const shown = asked.filter((field) => Object.hasOwn(values, field.id) || (sealed && isSealed(field)));
  if (shown.length === 0) return <p className="text-14 text-text-3">Nothing was filled in.</p>;
  return (
    <dl className="grid gap-x-6 gap-y-2.5 text-14 sm:grid-cols-[minmax(120px,max-content)_minmax(0,1fr)]">
      {shown.map((field) => (
        <div key={field.id} className="contents">
          <dt dir="auto" className="text-13 text-text-3 sm:pt-px">
            {labelOf(field)}
          </dt>
          <dd dir="auto" className="min-w-0 break-words whitespace-pre-wrap text-text">
            {Object.hasOwn(values, field.id) ? (
              shownValue(field, values[field.id], zone)
            ) : (
              <span className="inline-flex items-center gap-1.5 text-text-2">
                <Lock aria-hidden className="size-3.5 text-text-3" /> Sealed; only the asking agent reads it
              </span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
};

const shownValue = (field: FormField, value: unknown, zone: string): ReactNode => {
  switch (field.type) {
    case 'checkbox':
    case 'toggle':
      return value === true ? 'Yes' : 'No';
    case 'yesno':
      return value === true ? (field.yes_label ?? 'Yes') : (field.no_label ?? 'No');
    case 'select':
    case 'radio':
      return field.options.find((option) => option.value === value)?.label ?? String(value);
    case 'multiselect':
      return (
        (Array.isArray(value) ? value : [])
          .map((entry) => field.options.find((option) => option.value === entry)?.label ?? String(entry))
          .join(', ') || 'None'
      );
    case 'datetime':
      return exactTime(Date.parse(String(value)), zone);
    case 'diffapproval': {
      const { decision, comment } = value as { decision: string; comment?: string };
      const word = decision === 'approve' ? (field.approve_label ?? 'Approve') : (field.reject_label ?? 'Reject');
      return comment ? `${word}: ${comment}` : word;
    }
    case 'rating':
      return `${String(value)} of ${field.max ?? 5}`;
    case 'file':
      return (value as { name: string }).name;
    case 'json':
      return <CodeBlock code={JSON.stringify(value, null, 2)} />;
    case 'group':
      return (
        <ol className="flex flex-col gap-2">
          {(value as AnswerValues[]).map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: an answer does not change.
            <li key={index} className="rounded-control border border-line p-2.5">
              <Rows fields={field.fields} values={row} />
            </li>
          ))}
        </ol>
      );
    default:
      return String(value);
  }
};
