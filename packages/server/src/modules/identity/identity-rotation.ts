import type { Database } from '../../platform/db/database.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { totpPlace } from './factors-service.ts';
import { factorsStore } from './factors-store.ts';
import { invitationPlace } from './invitations-service.ts';
import { invitationsStore } from './invitations-store.ts';
import { linkPlace } from './links-service.ts';
import { linksStore } from './links-store.ts';
import { providerPlace } from './providers-service.ts';
import { providersStore } from './providers-store.ts';
import { voucherPlace } from './vouchers-service.ts';
import { vouchersStore } from './vouchers-store.ts';

/**
 * Brings what this module keeps encrypted under a new master key. Social sign-ins under way are left out: they end within
 * ten minutes.
 */
export const createIdentityRotation =
  ({ read }: Pick<Database, 'read'>): RotationVisit =>
  async (reencrypt) => {
    for (const { user_id, secret } of await factorsStore.sealed(read)) {
      const renewed = reencrypt(secret, totpPlace(user_id));
      if (renewed !== null) await factorsStore.reseal(read, user_id, secret, renewed);
    }
    for (const { id, secret } of await providersStore.sealed(read)) {
      const renewed = reencrypt(secret, providerPlace(id));
      if (renewed !== null) await providersStore.reseal(read, id, secret, renewed);
    }
    for (const { id, token } of await linksStore.sealed(read)) {
      const renewed = reencrypt(token, linkPlace(id));
      if (renewed !== null) await linksStore.reseal(read, id, token, renewed);
    }
    for (const { id, code } of await invitationsStore.sealed(read)) {
      const renewed = reencrypt(code, invitationPlace(id));
      if (renewed !== null) await invitationsStore.reseal(read, id, code, renewed);
    }
    for (const { id, code_sealed } of await vouchersStore.sealed(read)) {
      const renewed = reencrypt(code_sealed, voucherPlace(id));
      if (renewed !== null) await vouchersStore.reseal(read, id, code_sealed, renewed);
    }
  };
