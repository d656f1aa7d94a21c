import type { Transaction } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { HookDevice } from '../identity/index.ts';
import { plain, type QuestionsService } from './questions-service.ts';

/** What people are told of their devices. */
export const createDeviceNoticesService = (questions: QuestionsService) => ({
  compromised: async (
    tx: Transaction,
    { org_id, user_id, name }: Pick<HookDevice, 'org_id' | 'user_id' | 'name'>,
    call: Call,
  ): Promise<void> => {
    if (!(await questions.canDecide(org_id, user_id))) return;
    await questions.tell(tx, call, {
      ...{ org_id, person_id: user_id, level: 'warning' },
      title: `${name} was signed out: one of its tokens was used twice`,
      message: `Somebody may hold a copy of what **${plain(name)}** had stored. All its tokens have ended, and the copy is worth nothing any more. Pair the device again, under Devices, or revoke it if you no longer have it.`,
    });
  },
});
