import type { KoaContextWithOIDC, interactionPolicy as policies } from 'oidc-provider';
import { interactionPolicy } from './oidc-provider.ts';
import { currentScope } from './request-scope.ts';

interface EngineSession {
  accountId?: string;
  authorizations?: unknown;
  resetIdentifier(): void;
}

/**
 * Who is signed in is what the person's own session says. The engine remembers accounts too; when its memory and the
 * session differ, it forgets, and asks again.
 */
const sameAccount = (): policies.Check =>
  new interactionPolicy.Check(
    'other_account',
    'End-User authentication is required',
    'login_required',
    (ctx: KoaContextWithOIDC) => {
      const session = ctx.oidc.session as unknown as EngineSession;
      if (session.accountId === undefined || currentScope().person?.id === session.accountId)
        return interactionPolicy.Check.NO_NEED_TO_PROMPT;
      delete session.accountId;
      delete session.authorizations;
      session.resetIdentifier();
      return interactionPolicy.Check.REQUEST_PROMPT;
    },
  );

/** Whoever shows a code may be anybody, also where the person allowed the same application before. */
const newDevice = (): policies.Check =>
  new interactionPolicy.Check('new_device', 'a device is allowed each time', (ctx: KoaContextWithOIDC) => {
    const { entities, result } = ctx.oidc;
    return entities.DeviceCode !== undefined && !(result !== undefined && 'consent' in result)
      ? interactionPolicy.Check.REQUEST_PROMPT
      : interactionPolicy.Check.NO_NEED_TO_PROMPT;
  });

export const createInteractionPolicy = (): policies.DefaultPolicy => {
  const policy = interactionPolicy.base();
  policy.get('login')!.checks.add(sameAccount(), 0);
  policy.get('consent')!.checks.add(newDevice());
  return policy;
};
