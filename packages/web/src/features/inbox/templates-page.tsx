import { fieldTypes, type OutputOf, pagesOf, templatesList, topFields } from '@atrium/protocol';
import { Link, useNavigate } from '@tanstack/react-router';
import { LayoutTemplate, Plus } from 'lucide-react';
import { sayError } from '../../data/client.ts';
import { useOperationList } from '../../data/operations.ts';
import { useCan } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { FormError } from '../../ui/form-field.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { fieldWords } from './field-snippets.ts';

type Template = OutputOf<typeof templatesList>['items'][number];

/** Stored forms, which agents ask by name. */
export const TemplatesPage = () => {
  const list = useOperationList(templatesList, { limit: 200 });
  const canWrite = useCan('items.write');
  const navigate = useNavigate();
  const add = canWrite && (
    <Button
      tone="primary"
      size="small"
      icon={<Plus aria-hidden className="size-4" />}
      onClick={() => void navigate({ to: '/templates/$templateId', params: { templateId: 'new' } })}
    >
      New template
    </Button>
  );
  return (
    <>
      <PageHeader title="Templates" aside={list.items.length || undefined} action={add} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        {list.isPending ? (
          <SkeletonRows tall />
        ) : list.error ? (
          <div className="p-5">
            <FormError>{sayError(list.error)}</FormError>
          </div>
        ) : list.items.length === 0 ? (
          <EmptyState title="A template is a form with a name" action={add}>
            Agents ask with <code>template: "name"</code> instead of sending the whole form each time.
          </EmptyState>
        ) : (
          <ul>
            {list.items.map((template) => (
              <TemplateRow key={template.id} template={template} />
            ))}
          </ul>
        )}
      </div>
    </>
  );
};

const TemplateRow = ({ template }: { template: Template }) => {
  const fields = topFields(template.form);
  const pages = pagesOf(template.form).length;
  const kinds = [...new Set(fields.map((field) => field.type))].toSorted(
    (first, second) => fieldTypes.indexOf(first) - fieldTypes.indexOf(second),
  );
  return (
    <li>
      <Link
        to="/templates/$templateId"
        params={{ templateId: template.id }}
        className="-outline-offset-2 flex h-16 items-center gap-3 border-b border-line px-4 text-text transition-[background-color] hover:bg-hover md:px-6"
      >
        <LayoutTemplate aria-hidden strokeWidth={1.75} className="size-4 shrink-0 text-text-3" />
        <span className="min-w-0 flex-1">
          <span className="block truncate text-14 font-medium">{template.name}</span>
          <span className="block truncate text-12 text-text-3">
            {template.description || kinds.map((kind) => fieldWords[kind].toLowerCase()).join(', ')}
          </span>
        </span>
        <span className="tabular hidden shrink-0 text-right text-12 text-text-3 sm:block">
          <span className="text-13 text-text-2">
            {fields.length} {fields.length === 1 ? 'field' : 'fields'}
            {pages > 1 && ` on ${pages} pages`}
          </span>
          <span className="block">
            {template.created_by.name}, <RelativeTime time={template.updated_at} />
          </span>
        </span>
      </Link>
    </li>
  );
};
