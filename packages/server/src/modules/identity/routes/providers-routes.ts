import { providersCreate, providersDelete, providersList, providersTest, providersUpdate } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { IdentityServices } from '../index.ts';

export const providersRoutes = ({ providers }: IdentityServices): Binding[] => [
  bind(providersList, providers.list),
  bind(providersCreate, providers.create),
  bind(providersUpdate, providers.update),
  bind(providersDelete, providers.delete),
  bind(providersTest, providers.test),
];
