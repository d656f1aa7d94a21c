import type { NewEvent } from '../../platform/db/database.ts';
import { newId } from '../../platform/ids/ids.ts';
import { identityEvents } from './identity-events.ts';

/** What is told of an attempt that failed. Nothing that was typed in: it may be a password in the wrong field. */
export const failedSignIn = (
  who: { user_id: string | null; org_id: string | null },
  method: 'password' | 'passkey' | 'factor',
): NewEvent => ({
  kind: identityEvents.signInFailed,
  id: who.user_id ?? newId(),
  ...(who.org_id === null ? {} : { org_id: who.org_id }),
  body: { user_id: who.user_id, method, error: 'invalid_credentials' },
});
