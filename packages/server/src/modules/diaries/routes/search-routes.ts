import { diariesSearch } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { DiariesServices } from '../diaries-services.ts';

export const searchBindings = ({ search }: Pick<DiariesServices, 'search'>): Binding[] => [
  bind(diariesSearch, (call, input) => search.search(call, input)),
];
