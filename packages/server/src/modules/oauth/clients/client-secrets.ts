import type { SecretBox } from '../../../platform/secrets/secret-box.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';

/** Where a secret lies that must be read again. */
export const secretPlace = (clientRow: string): string => `oauth_clients.secret:${clientRow}`;

/** Shown for ever in place of the secret. */
const shownPrefix = 8;

/** A secret as its row keeps it: a hash, unless the client signs with it. */
export const storedSecret = (
  secrets: SecretBox,
  client: { id: string; auth_method: string },
  secret: string,
): { hash: string | null; sealed: string | null; prefix: string } => {
  const signs = client.auth_method === 'client_secret_jwt';
  return {
    hash: signs ? null : hashToken(secret),
    sealed: signs ? secrets.encrypt(secret, secretPlace(client.id)) : null,
    prefix: secret.slice(0, shownPrefix),
  };
};
