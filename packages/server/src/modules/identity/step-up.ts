import { AppError } from '../../platform/errors/app-error.ts';
import type { Call } from '../../platform/operations/call.ts';
import { factorsStore, type HeldFactors } from './factors-store.ts';
import type { IdentityContext } from './identity-context.ts';
import { requireSession } from './identity-policy.ts';
import { sessionsStore } from './sessions-store.ts';

/** How long a proof counts as fresh. */
export const freshSeconds = 15 * 60;

export type StepUpMethod = 'password' | 'totp' | 'recovery_code' | 'passkey' | 'sign_in';

/** Whoever has a second factor shows that one: a password alone must not be enough to take it away. */
export const stepUpMethods = (held: HeldFactors): StepUpMethod[] => {
  const strong: StepUpMethod[] = [];
  if (held.totp_since !== null) strong.push('totp');
  if (held.totp_since !== null && held.recovery_codes_left > 0) strong.push('recovery_code');
  if (held.passkeys > 0) strong.push('passkey');
  if (strong.length > 0) return strong;
  return held.has_password ? ['password'] : ['sign_in'];
};

/** Refuses unless the person of this session proved who they are a short while ago, with the best that they have. */
export const requireFresh = async (
  { database, clock }: Pick<IdentityContext, 'database' | 'clock'>,
  call: Call,
): Promise<void> => {
  requireSession(call.caller);
  const { credential, id } = call.caller;
  const now = clock.now();
  const [proof, held] = await Promise.all([
    sessionsStore.proof(database.read, credential.id!, now),
    factorsStore.held(database.read, id),
  ]);
  const methods = stepUpMethods(held);
  const fresh = proof !== null && now.getTime() - proof.auth_time.getTime() <= freshSeconds * 1000;
  const strongHeld = held.totp_since !== null || held.passkeys > 0;
  if (fresh && (!strongHeld || proof.acr === 'aal2')) return;
  const say =
    methods[0] === 'sign_in'
      ? 'Sign in again for this, then repeat it.'
      : 'Prove once more that it is you, then repeat it.';
  throw new AppError('identity_step_up_required', say, { extensions: { methods, max_age: freshSeconds } });
};
