/** Typed client of an Atrium server: every operation, and `ask()` that waits for a person's typed answer. */
import { type AnswerOf, type AskOptions, ask } from './ask.ts';
import { type ClientOptions, type Operations, operationsOf, Transport } from './client.ts';

export {
  type AnswerOf,
  type AskOptions,
  askForOutcome,
  NotAnswered,
  type Question,
  type WaitOptions,
  waitForOutcome,
} from './ask.ts';
export { type CallOptions, type ClientOptions, type FileUpload, type Operations, Transport } from './client.ts';
export { AtriumError } from './errors.ts';
export { type IdentityAssertionOptions, identityAssertion } from './oauth/identity-assertion.ts';
export { oauth } from './oauth/oauth.ts';
export { OAuthError, type OAuthErrorCode } from './oauth/oauth-errors.ts';
export type { OAuth, OAuthClient, OAuthOptions, OAuthSession, SignInOptions } from './oauth/oauth-options.ts';
export type { AssertionRequest, DevicePrompt, Redirect, RedirectListener, SignIn } from './oauth/sign-in.ts';
export { memoryStore, type StoredGrant, type TokenStore } from './oauth/token-store.ts';

export interface Atrium extends Operations {
  transport: Transport;
  ask: <Schema>(options: AskOptions<Schema>) => Promise<AnswerOf<Schema>>;
}

/** A client for one server and one credential. */
export const createAtrium = (options: ClientOptions): Atrium => {
  const transport = new Transport(options);
  return Object.assign(operationsOf(transport), {
    transport,
    ask: <Schema>(input: AskOptions<Schema>) => ask(transport, input),
  });
};
