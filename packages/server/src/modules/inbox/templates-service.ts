import {
  checkForm,
  type Form,
  type OutputOf,
  type ParsedInputOf,
  type templatesCreate,
  type templatesGet,
  type templatesList,
  type templatesUpdate,
} from '@atrium/protocol';
import type { Transaction } from '../../platform/db/database.ts';
import { storableText } from '../../platform/db/storable.ts';
import { notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { refuse } from './creation-checks.ts';
import type { InboxParts } from './inbox-parts.ts';
import { formPatterns } from './inbox-regex.ts';
import { keyPageOf, keyPointOf } from './key-cursor.ts';
import { orNameTaken } from './name-taken.ts';
import {
  deleteTemplate,
  findTemplate,
  insertTemplate,
  listTemplates,
  lockTemplate,
  type TemplateRow,
  updateTemplate,
} from './templates-store.ts';

type TemplateView = OutputOf<typeof templatesGet>;

/** Forms that the whole organisation may ask by name. */
export interface TemplatesService {
  list(call: Call, input: ParsedInputOf<typeof templatesList>): Promise<OutputOf<typeof templatesList>>;
  get(call: Call, id: string): Promise<TemplateView>;
  create(call: Call, input: ParsedInputOf<typeof templatesCreate>): Promise<TemplateView>;
  update(call: Call, input: ParsedInputOf<typeof templatesUpdate>): Promise<TemplateView>;
  remove(call: Call, id: string): Promise<void>;
}

const noTemplate = () => notFound('The template');

const checkedForm = (form: Form): Form => {
  const checked = checkForm(form, formPatterns, 'form');
  return checked.ok ? checked.form : refuse(checked.errors);
};

const announce = (tx: Transaction, action: string, template: { id: string; name: string }, more = {}): void => {
  tx.emit({ kind: 'inbox.template.updated', id: template.id, body: { name: template.name, ...more } });
  tx.audit({ action, target_type: 'template', target_id: template.id, details: { name: template.name } });
};

export const createTemplatesService = ({ database, clock }: InboxParts): TemplatesService => ({
  list: async (call, input) => {
    const page = { limit: input.limit + 1, after: keyPointOf(input.cursor), q: input.q };
    const found = await listTemplates(database.read, call.caller.org_id, page);
    const { rows, next_cursor } = keyPageOf(found, input.limit, (row) => row.name.toLowerCase());
    return { items: rows.map(present), next_cursor };
  },

  get: async (call, id) => {
    const template = await findTemplate(database.read, call.caller.org_id, id);
    if (template === null) throw noTemplate();
    return present(template);
  },

  create: (call, input) =>
    database.transaction(call, async (tx) => {
      const now = clock.now();
      const by = actorOf(call.caller);
      const template: TemplateRow = {
        id: newId(),
        org_id: call.caller.org_id,
        name: storableText(input.name),
        description: storableText(input.description),
        form: checkedForm(input.form),
        created_by_type: by.type,
        created_by_id: by.id,
        created_by_name: by.name,
        created_at: now,
        updated_at: now,
      };
      await orNameTaken(template.name, insertTemplate(tx.db, template));
      announce(tx, 'templates.create', template);
      return present(template);
    }),

  update: (call, input) =>
    database.transaction(call, async (tx) => {
      const before = await lockTemplate(tx.db, call.caller.org_id, input.id);
      if (before === null) throw noTemplate();
      const after: TemplateRow = {
        ...before,
        name: storableText(input.name ?? before.name),
        description: storableText(input.description ?? before.description),
        form: input.form === undefined ? before.form : checkedForm(input.form),
        updated_at: clock.now(),
      };
      await orNameTaken(after.name, updateTemplate(tx.db, after));
      announce(tx, 'templates.update', after);
      return present(after);
    }),

  remove: (call, id) =>
    database.transaction(call, async (tx) => {
      const name = await deleteTemplate(tx.db, call.caller.org_id, id);
      if (name === null) throw noTemplate();
      announce(tx, 'templates.delete', { id, name }, { deleted: true });
    }),
});

const present = (row: TemplateRow): TemplateView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  form: row.form,
  created_by: { type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
});
