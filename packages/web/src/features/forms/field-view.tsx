import { type AnswerValues, type FormField, visibleFields } from '@atrium/protocol';
import { Lock } from 'lucide-react';
import type { ReactNode } from 'react';
import { FormField as Labelled } from '../../ui/form-field.tsx';
import { Input, PasswordInput, Textarea } from '../../ui/input.tsx';
import { Markdown } from '../../ui/markdown.tsx';
import { Checkbox, Rating, Slider, Switch } from '../../ui/toggles.tsx';
import { CalendarField, NumberField } from './calendar-fields.tsx';
import { ChoiceField, IssueField, MultiChoiceField, YesNoField } from './choice-fields.tsx';
import { DiffField } from './diff-field.tsx';
import { FileField, type Upload } from './file-field.tsx';
import { labelOf } from './form-values.ts';
import { GroupField } from './group-field.tsx';
import { JsonField } from './json-field.tsx';

/** Stores a file and tells how far it is; the reference becomes the field's value. */
interface FieldContext {
  errors: ReadonlyMap<string, string>;
  /** Path of the values around this field; '' at the top. */
  path: string;
  onProblem: (path: string, problem: string | null) => void;
  upload: Upload | undefined;
}

interface FieldListProps extends FieldContext {
  fields: readonly FormField[];
  values: AnswerValues;
  onChange: (id: string, value: unknown) => void;
}

export const FieldList = ({ fields, values, onChange, ...context }: FieldListProps) =>
  fields.map((field) => (
    <FieldView
      key={field.id}
      field={field}
      value={values[field.id]}
      onChange={(value) => onChange(field.id, value)}
      {...context}
    />
  ));

interface FieldProps<F extends FormField = FormField> extends FieldContext {
  field: F;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** The validator says "must be at least 3", to be read after a name; on its own line the field is "this". */
const spoken = (message: string | undefined): string | undefined =>
  message && `${/^[a-z]/.test(message) ? 'This ' : ''}${message}${/[.!?]$/.test(message) ? '' : '.'}`;

const grouped = new Set(['radio', 'yesno', 'rating', 'diffapproval', 'group', 'multiselect', 'file']);

/** One field: label, control, help and error, wired to each other. */
const FieldView = (props: FieldProps) => {
  const { field, errors, path, value, onChange } = props;
  const at = path === '' ? field.id : `${path}.${field.id}`;
  const error = spoken(errors.get(at));
  if (field.type === 'markdown') {
    return (
      <div>
        {field.label && <p className="mb-1 text-13 font-medium">{field.label}</p>}
        <Markdown text={field.content} />
      </div>
    );
  }
  if (field.type === 'checkbox' || field.type === 'toggle') {
    const Toggle = field.type === 'checkbox' ? Checkbox : Switch;
    return (
      <div>
        <Toggle checked={value === true} onChange={onChange} label={labelOf(field)} hint={field.help} />
        {error && <p className="text-13 text-danger-text">{error}</p>}
      </div>
    );
  }
  return (
    <Labelled
      label={<span dir="auto">{labelOf(field)}</span>}
      group={grouped.has(field.type)}
      hint={field.help}
      error={error}
      required={field.required === true}
      aside={<Aside field={field} value={value} />}
    >
      <Control {...props} field={field} at={at} />
    </Labelled>
  );
};

type Asked = Exclude<FormField, { type: 'markdown' | 'checkbox' | 'toggle' }>;

const Control = ({ at, ...props }: FieldProps<Asked> & { at: string }): ReactNode => {
  const { field, value, onChange } = props;
  const text = typeof value === 'string' ? value : '';
  const typed = (next: string) => onChange(next === '' ? undefined : next);
  switch (field.type) {
    case 'text':
      return field.sealed ? (
        <PasswordInput
          value={text}
          placeholder={field.placeholder}
          autoComplete="off"
          onChange={(event) => typed(event.target.value)}
        />
      ) : (
        <Input
          dir="auto"
          value={text}
          placeholder={field.placeholder}
          autoComplete="off"
          onChange={(event) => typed(event.target.value)}
        />
      );
    case 'email':
    case 'url':
      return (
        <Input
          type={field.type}
          inputMode={field.type}
          value={text}
          placeholder={field.type === 'url' ? 'https://' : undefined}
          onChange={(event) => typed(event.target.value)}
        />
      );
    case 'textarea':
      return (
        <Textarea
          dir="auto"
          value={text}
          placeholder={field.placeholder}
          onChange={(event) => typed(event.target.value)}
        />
      );
    case 'number':
      return <NumberField field={field} value={value} onChange={onChange} />;
    case 'select':
    case 'radio':
      return <ChoiceField field={field} value={value} onChange={onChange} />;
    case 'multiselect':
      return <MultiChoiceField field={field} value={value} onChange={onChange} />;
    case 'yesno':
      return <YesNoField field={field} value={value} onChange={onChange} />;
    case 'issuepicker':
      return <IssueField field={field} value={value} onChange={onChange} />;
    case 'datetime':
    case 'date':
    case 'time':
      return <CalendarField type={field.type} value={value} onChange={onChange} />;
    case 'rating':
      return (
        <Rating
          label={labelOf(field)}
          value={typeof value === 'number' ? value : undefined}
          onChange={onChange}
          min={field.min}
          max={field.max}
        />
      );
    case 'slider':
      return (
        <Slider
          label={labelOf(field)}
          value={typeof value === 'number' ? value : field.min}
          onChange={(next) => onChange(Number(next.toFixed(10)))}
          min={field.min}
          max={field.max}
          step={field.step}
        />
      );
    case 'diffapproval':
      return <DiffField field={field} value={value} onChange={onChange} />;
    case 'file':
      return <FileField field={field} value={value} onChange={onChange} upload={props.upload} />;
    case 'json':
      return <JsonField value={value} onChange={onChange} onProblem={(problem) => props.onProblem(at, problem)} />;
    case 'group':
      return (
        <GroupField
          field={field}
          value={value}
          onChange={onChange}
          renderRow={(row, index, change) => (
            <FieldList
              fields={visibleFields(field.fields, row).visible}
              values={row}
              onChange={change}
              errors={props.errors}
              onProblem={props.onProblem}
              upload={props.upload}
              path={`${at}.${index}`}
            />
          )}
        />
      );
    default:
      return field satisfies never;
  }
};

const Aside = ({ field, value }: { field: FormField; value: unknown }) => {
  if (field.type !== 'text' && field.type !== 'textarea') return null;
  if (field.sealed)
    return (
      <span className="inline-flex items-center gap-1 text-12 text-text-3">
        <Lock aria-hidden className="size-3" /> sealed
      </span>
    );
  const length = typeof value === 'string' ? [...value].length : 0;
  if (field.max_len === undefined || length < field.max_len * 0.7) return null;
  return (
    <span className={`tabular text-12 ${length > field.max_len ? 'text-danger-text' : 'text-text-3'}`}>
      {length} / {field.max_len}
    </span>
  );
};
