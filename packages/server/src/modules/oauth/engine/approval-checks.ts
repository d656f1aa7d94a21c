import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Refused } from '../approvals-service.ts';
import { errors } from './oidc-provider.ts';

const longestMessage = 200;

/** An error of ours under a status of its own. */
export const refusal = (status: number, error: string, description: string) =>
  Object.assign(new errors.CustomOIDCProviderError(error, description), { status, statusCode: status });

/** A client that asks too much, or a person who is asked too much. */
export const refuseForNow = (ctx: KoaContextWithOIDC, refused: Refused | null, description: string): void => {
  if (refused === null) return;
  ctx.set('retry-after', String(refused.retry_after_s));
  throw refusal(429, 'temporarily_unavailable', description);
};

/** A short text that the client shows as well, so that the person can tell both belong together. */
export const bindingMessage = (text: string | undefined): string | null => {
  if (text === undefined || text === '') return null;
  if (text.length > longestMessage || /\p{C}/u.test(text))
    throw new errors.InvalidBindingMessage(
      `binding_message must be at most ${longestMessage} characters without control characters`,
    );
  return text;
};
