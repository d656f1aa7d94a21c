import { viewsCreate, viewsDelete, viewsList, viewsUpdate } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SurroundingServices } from '../surrounding-services.ts';

export const viewsBindings = ({ views }: SurroundingServices): Binding[] => [
  bind(viewsList, (call, input) => views.list(call, input)),
  bind(viewsCreate, (call, input) => views.create(call, input)),
  bind(viewsUpdate, (call, input) => views.update(call, input)),
  bind(viewsDelete, async (call, { id }) => {
    await views.remove(call, id);
    return null;
  }),
];
