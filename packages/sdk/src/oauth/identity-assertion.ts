import { OAuthError } from './oauth-errors.ts';
import type { AssertionRequest } from './sign-in.ts';

export interface IdentityAssertionOptions {
  /** Token endpoint of the identity provider. */
  tokenEndpoint: string;
  /** What the identity provider calls this program. */
  clientId: string;
  clientSecret?: string;
  /** The ID token of the person, from signing in at the identity provider. */
  idToken: string | (() => string | Promise<string>);
}

const exchangedType = 'urn:ietf:params:oauth:token-type:id-jag';

/**
 * Enterprise-managed authorization: exchanges the ID token of a person for an assertion (ID-JAG) that the authorization
 * server of the resource accepts. For `signIn: { kind: 'assertion', assertion: identityAssertion({…}) }`.
 */
export const identityAssertion =
  (options: IdentityAssertionOptions) =>
  async ({ issuer, resource, scope, fetch }: AssertionRequest): Promise<string> => {
    const { tokenEndpoint, clientId, clientSecret, idToken } = options;
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: exchangedType,
      subject_token: typeof idToken === 'string' ? idToken : await idToken(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: issuer,
      resource,
      client_id: clientId,
      ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
      ...(scope === undefined ? {} : { scope }),
    });
    const response = await fetch(tokenEndpoint, { method: 'POST', body, headers: { accept: 'application/json' } });
    const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
    if (response.ok && answer['issued_token_type'] === exchangedType && typeof answer['access_token'] === 'string')
      return answer['access_token'];
    const error = typeof answer['error'] === 'string' ? answer['error'] : undefined;
    throw new OAuthError(
      error === undefined ? 'invalid_answer' : 'refused',
      `${new URL(tokenEndpoint).origin} gave no identity assertion (${error ?? response.status}).`,
      error === undefined ? {} : { error },
    );
  };
