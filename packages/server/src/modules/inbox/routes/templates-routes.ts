import { templatesCreate, templatesDelete, templatesGet, templatesList, templatesUpdate } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

export const templatesBindings = ({ templates }: SurroundingServices): Binding[] => [
  bind(templatesList, (call, input) => templates.list(call, input)),
  bind(templatesCreate, (call, input) => templates.create(call, input)),
  bind(templatesGet, (call, { id }) => templates.get(call, id)),
  bind(templatesUpdate, (call, input) => templates.update(call, input)),
  bind(templatesDelete, async (call, { id }) => {
    await templates.remove(call, id);
    return null;
  }),
];
