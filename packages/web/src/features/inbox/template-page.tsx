import {
  checkForm,
  type FieldError,
  type FieldType,
  type Form,
  formDocument,
  type OutputOf,
  templatesCreate,
  templatesDelete,
  templatesGet,
  templatesUpdate,
  zodErrors,
} from '@atrium/protocol';
import { useNavigate, useParams } from '@tanstack/react-router';
import { CircleAlert, CircleCheck, Plus, Trash2 } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { sayError } from '../../data/client.ts';
import { formErrors } from '../../data/form-errors.ts';
import { deferOperation, patchItem, useOperation, useOperationMutation } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { DropdownMenu } from '../../ui/dropdown-menu.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError, FormField } from '../../ui/form-field.tsx';
import { Input } from '../../ui/input.tsx';
import { useDetailPane } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { SkeletonDetail } from '../../ui/skeleton.tsx';
import { SplitPane } from '../../ui/split-pane.tsx';
import { Segmented } from '../../ui/tabs.tsx';
import { loadPatterns, schemaUsesPattern } from '../forms/form-matcher.ts';
import { useFormSession } from '../forms/form-session.ts';
import { FormView } from '../forms/form-view.tsx';
import { fieldSnippet, snippetEntries } from './field-snippets.ts';

type Template = OutputOf<typeof templatesGet>;

const start: Form = {
  title: 'Deploy to production',
  fields: [
    { id: 'go', type: 'yesno', label: 'Deploy now?', required: true, yes_label: 'Deploy', no_label: 'Wait' },
    { id: 'note', type: 'textarea', label: 'Anything to know', visible_if: { field: 'go', equals: false } },
  ],
};

/** A stored form: its document at the left, what people will see at the right. */
export const TemplatePage = () => {
  const { templateId } = useParams({ from: '/frame/templates/$templateId' });
  const fresh = templateId === 'new';
  const query = useOperation(templatesGet, { id: templateId }, { enabled: !fresh });
  const navigate = useNavigate();
  if (!fresh && query.error)
    return (
      <EmptyState
        plain
        title="This template is not here"
        action={<Button onClick={() => void navigate({ to: '/templates' })}>All templates</Button>}
      >
        {sayError(query.error)}
      </EmptyState>
    );
  if (!fresh && !query.data) return <SkeletonDetail />;
  return <Editor key={templateId} template={query.data ?? null} />;
};

type Checked = { form: Form | null; errors: readonly FieldError[] };

/** Reads the text as the server would: JSON, then the document, then its patterns. */
const check = async (text: string): Promise<Checked> => {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    return { form: null, errors: [{ path: '', message: error instanceof Error ? error.message : 'is not JSON' }] };
  }
  if (schemaUsesPattern(input)) {
    const result = checkForm(input, await loadPatterns());
    return result.ok ? { form: result.form, errors: [] } : { form: null, errors: result.errors };
  }
  const parsed = formDocument.safeParse(input);
  return parsed.success ? { form: parsed.data, errors: [] } : { form: null, errors: zodErrors(parsed.error) };
};

const Editor = ({ template }: { template: Template | null }) => {
  const navigate = useNavigate();
  const canWrite = useCan('items.write');
  const beside = useDetailPane();
  const [side, setSide] = useState<'document' | 'preview'>('document');
  const [name, setName] = useState(template?.name ?? '');
  const [description, setDescription] = useState(template?.description ?? '');
  const [text, setText] = useState(() => JSON.stringify(template?.form ?? start, null, 2));
  const { form, shown, errors } = useChecked(text);
  const leave = () => void navigate({ to: '/templates' });
  const options = { quiet: true, invalidates: ['templates.list', 'templates.get'] } as const;
  const create = useOperationMutation(templatesCreate, {
    ...options,
    done: ({ name: made }) => `Agents can now ask with template "${made}"`,
    onSuccess: ({ id }) => void navigate({ to: '/templates/$templateId', params: { templateId: id }, replace: true }),
  });
  const update = useOperationMutation(templatesUpdate, { ...options, done: () => 'Saved' });
  const refused = formErrors(create.error ?? update.error, ['name', 'description']);
  const save = () => {
    if (!form) return;
    const input = { name, description, form };
    template ? update.mutate({ id: template.id, ...input }) : create.mutate(input);
  };
  const remove = () => {
    if (!template) return;
    leave();
    deferOperation(
      templatesDelete,
      { id: template.id },
      {
        title: `Deleted the template “${template.name}”`,
        optimistic: () => [patchItem<Template>('templates.list', template.id, () => null)],
        invalidates: ['templates.list'],
      },
    );
  };
  const document = (
    <div className="flex h-full min-h-0 flex-col gap-4 overflow-y-auto p-4 md:p-6">
      <div className="grid gap-4 sm:grid-cols-2">
        <FormField label="Name" error={refused.of('name')} hint="Agents name it when they ask.">
          <Input
            value={name}
            maxLength={100}
            required
            disabled={!canWrite}
            onChange={(event) => setName(event.target.value)}
          />
        </FormField>
        <FormField label="Description" required={false} error={refused.of('description')}>
          <Input
            value={description}
            maxLength={500}
            disabled={!canWrite}
            onChange={(event) => setDescription(event.target.value)}
          />
        </FormField>
      </div>
      <FormError>{refused.rest}</FormError>
      <JsonEditor text={text} onChange={setText} readOnly={!canWrite} errors={errors} />
      {template && (
        <CopyLine text={`{"title": "…", "template": ${JSON.stringify(template.name)}}`} label="Copy arguments" />
      )}
    </div>
  );
  const preview = (
    <div className="h-full min-h-0 overflow-y-auto bg-bg p-4 md:p-8">
      <div className="mx-auto max-w-[600px] rounded-card border border-line bg-surface p-5 md:p-6">
        {shown ? (
          <Preview key={JSON.stringify(shown)} form={shown} />
        ) : (
          <p className="text-14 text-text-3">Nothing to show yet.</p>
        )}
      </div>
    </div>
  );
  return (
    <>
      <PageHeader
        title={template?.name ?? 'New template'}
        back={{ label: 'templates', onBack: leave }}
        tools={
          <>
            {!beside && (
              <Segmented
                label="Side"
                value={side}
                onChange={setSide}
                options={[
                  { value: 'document', label: 'Form' },
                  { value: 'preview', label: 'Preview' },
                ]}
              />
            )}
            {template && canWrite && (
              <IconButton label="Delete template" onClick={remove}>
                <Trash2 />
              </IconButton>
            )}
          </>
        }
        action={
          canWrite && (
            <Button
              tone="primary"
              size="small"
              disabled={!form || !name.trim()}
              busy={create.isPending || update.isPending}
              onClick={save}
            >
              {template ? 'Save' : 'Create template'}
            </Button>
          )
        }
      />
      <div className="min-h-0 flex-1">
        {beside ? (
          <SplitPane id="template" initial={620} min={420} max={900} list={document} detail={preview} />
        ) : side === 'document' ? (
          document
        ) : (
          preview
        )}
      </div>
    </>
  );
};

/** The checked document; `shown` keeps the last good one while a word is half typed. */
const useChecked = (text: string): { form: Form | null; shown: Form | null; errors: readonly FieldError[] } => {
  const [checked, setChecked] = useState<Checked>({ form: null, errors: [] });
  const [shown, setShown] = useState<Form | null>(null);
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      void check(text).then((result) => {
        if (!current) return;
        setChecked(result);
        if (result.form) setShown(result.form);
      });
    }, 120);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [text]);
  return { ...checked, shown };
};

const Preview = ({ form }: { form: Form }) => {
  const session = useFormSession(form);
  const [sent, setSent] = useState(false);
  return (
    <div className="flex flex-col gap-4">
      {form.title && <h2 className="text-20 font-semibold">{form.title}</h2>}
      <FormView session={session} onSubmit={() => setSent(true)} />
      {sent && (
        <p role="status" className="flex items-center gap-2 text-13 text-success-text">
          <CircleCheck aria-hidden className="size-4" /> This answer would be accepted.
        </p>
      )}
    </div>
  );
};

const JsonEditor = ({
  text,
  onChange,
  readOnly,
  errors,
}: {
  text: string;
  onChange: (text: string) => void;
  readOnly: boolean;
  errors: readonly FieldError[];
}) => {
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = useMemo(() => text.split('\n').length, [text]);
  const insert = (type: FieldType) => {
    const next = withField(text, type);
    if (next) onChange(next);
  };
  const parsed = useMemo(() => isJson(text), [text]);
  return (
    <div className="flex min-h-80 flex-1 flex-col overflow-hidden rounded-card border border-line-strong">
      <div className="flex h-11 shrink-0 items-center gap-2 border-b border-line pr-2 pl-3">
        <span className="text-13 text-text-3">Form document</span>
        <span className="ml-auto">
          <DropdownMenu
            trigger={
              <Button size="small" disabled={readOnly || !parsed} icon={<Plus aria-hidden className="size-4" />}>
                Add field
              </Button>
            }
            entries={snippetEntries.map(({ type, label }) => ({ label, hint: type, onSelect: () => insert(type) }))}
          />
        </span>
      </div>
      <div className="flex min-h-0 flex-1 overflow-auto bg-sunken">
        <pre
          aria-hidden
          className="sticky left-0 w-11 shrink-0 bg-sunken py-3 pr-3 text-right text-12 leading-5 text-text-3 select-none"
        >
          {Array.from({ length: lines }, (_, index) => index + 1).join('\n')}
        </pre>
        <textarea
          ref={area}
          aria-label="Form document as JSON"
          aria-invalid={errors.length > 0}
          aria-describedby="form-document-state"
          value={text}
          readOnly={readOnly}
          spellCheck={false}
          autoCapitalize="off"
          autoCorrect="off"
          wrap="off"
          rows={lines + 1}
          onChange={(event) => onChange(event.target.value)}
          className="-outline-offset-2 min-w-0 flex-1 resize-none overflow-x-auto overflow-y-hidden bg-transparent py-3 pr-3 font-mono text-12 leading-5 text-text"
        />
      </div>
      <div
        id="form-document-state"
        role="status"
        className="max-h-40 shrink-0 overflow-y-auto border-t border-line px-3 py-2 text-13"
      >
        {errors.length === 0 ? (
          <p className="flex items-center gap-2 text-text-2">
            <CircleCheck aria-hidden className="size-4 text-success-text" /> The form is valid.
          </p>
        ) : (
          <ul className="flex flex-col gap-1">
            {errors.slice(0, 20).map((error) => (
              <li key={`${error.path} ${error.message}`} className="flex items-start gap-2">
                <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger-text" />
                <span>
                  {error.path && <code className="text-12 text-text-2">{error.path.replaceAll('/', '.')}</code>}{' '}
                  {error.message}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

interface Loose {
  fields?: { id?: string; fields?: { id?: string }[] }[];
  pages?: { fields?: { id?: string; fields?: { id?: string }[] }[] }[];
}

/** The document with one more field, at the end of the form or of its last page. */
const withField = (text: string, type: FieldType): string | null => {
  try {
    const form = JSON.parse(text) as Loose;
    const last = form.pages?.at(-1);
    const all = [...(form.fields ?? []), ...(form.pages ?? []).flatMap((page) => page.fields ?? [])];
    const taken = new Set(all.flatMap((field) => [field, ...(field.fields ?? [])].flatMap((entry) => entry.id ?? [])));
    const field = fieldSnippet(type, taken) as { id: string };
    if (last) last.fields = [...(last.fields ?? []), field];
    else form.fields = [...(form.fields ?? []), field];
    return JSON.stringify(form, null, 2);
  } catch {
    return null;
  }
};
