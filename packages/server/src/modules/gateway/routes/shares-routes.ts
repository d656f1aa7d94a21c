import { sharesCreate, sharesList, sharesRevoke } from '@atrium/protocol';
import { type Binding, bind } from '../../../platform/operations/binding.ts';
import type { SharesService } from '../gate/shares-service.ts';

export const sharesRoutes = (shares: SharesService): Binding[] => [
  bind(sharesList, shares.list),
  bind(sharesCreate, shares.create),
  bind(sharesRevoke, shares.revoke),
];
