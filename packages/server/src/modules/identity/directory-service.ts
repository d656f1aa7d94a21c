import { type DirectoryEntry, hasPermission, hasScope, normaliseFingerprint } from '@atrium/protocol';
import { notFound } from '../../platform/errors/app-error.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { agentKeysStore, type DirectoryRow } from './agent-keys-store.ts';
import { credentialsStore } from './credentials-store.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
import { keyHoldersStore } from './key-holders-store.ts';
import { signingRequestsStore } from './signing-requests-store.ts';

const entryOf = (row: DirectoryRow): DirectoryEntry => ({
  public_key: row.public_key,
  fingerprint: row.fingerprint,
  replaced_by: row.replaced_by,
  profile: row.listed === true ? { display_name: row.display_name!, description: row.description! } : null,
});

/** Keys by their short names, and whose a signature is. */
export const createDirectoryService = ({ database, limiter, options }: IdentityContext) => {
  const find = async (fingerprint: string): Promise<DirectoryRow> => {
    const row = await agentKeysStore.lookUp(database.read, normaliseFingerprint(fingerprint));
    if (row === null) throw notFound('The key');
    return row;
  };

  /** By who asks, so that two behind one address do not use each other's up. */
  const requireVerify = (call: Call): Promise<void> => {
    const anonymous = call.caller.credential.id === null;
    const key = anonymous ? addressKey(call.ip) : call.caller.id;
    return requireGuess(limiter, 'verify', key, options.agent_keys.verify);
  };

  /** Which person a key stands for is known to those who see the members of the organisation that it was signed in. */
  const mayNamePerson = async ({ caller }: Call, signed: { org_id: string; user_id: string }): Promise<boolean> => {
    if (caller.credential.id === null || caller.org_id !== signed.org_id) return false;
    const sees = hasScope(caller.scopes, 'org:read') && hasPermission(caller.permissions, 'users.invite');
    if (!sees && caller.id !== signed.user_id) return false;
    return (await credentialsStore.member(database.read, signed.org_id, signed.user_id)) !== null;
  };

  const signerOf = async (
    call: Call,
    signature: string,
  ): Promise<{ fingerprint: string; person_id?: string } | null> => {
    const signed = await signingRequestsStore.signerOf(database.read, signature);
    if (signed === null) return null;
    const { fingerprint, org_id, user_id } = signed;
    if (user_id === null || !(await mayNamePerson(call, { org_id, user_id }))) return { fingerprint };
    return { fingerprint, person_id: user_id };
  };

  return {
    get: async (_call: Call, input: { fingerprint: string }) => entryOf(await find(input.fingerprint)),

    list: async (_call: Call, input: { q?: string | undefined; limit: number; cursor?: string | undefined }) => {
      const rows = await agentKeysStore.pageListed(database.read, {
        ...{ q: input.q, after: timePosition(input.cursor), limit: input.limit + 1 },
      });
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.since, id: row.agent_id }),
        ({ public_key, fingerprint, display_name, description, since }) => ({
          ...{ public_key, fingerprint, display_name, description },
          since: since.toISOString(),
        }),
      );
    },

    verifyBy: async (call: Call, input: { fingerprint: string; signature: string }) => {
      await requireVerify(call);
      const fingerprint = normaliseFingerprint(input.fingerprint);
      // Keys of people are known here, and stand in no directory.
      if (!(await keyHoldersStore.isKnown(database.read, fingerprint))) throw notFound('The key');
      const signer = await signerOf(call, input.signature);
      const valid = signer?.fingerprint === fingerprint;
      return { valid, signer: valid ? signer : null };
    },

    verify: async (call: Call, input: { signature: string }) => {
      await requireVerify(call);
      const signer = await signerOf(call, input.signature);
      return { valid: signer !== null, signer };
    },

    info: async () => {
      const public_url = options.public_url();
      const api = `${public_url}/api/v1`;
      return {
        public_url,
        identity: {
          key: 'ed25519: and the base64 of the raw 32 bytes of an Ed25519 public key. The private key never leaves you.',
          fingerprint:
            'the first 16 hex digits, in capitals, of the SHA-256 of the raw key, in four groups joined by -; a short name, never a proof',
          signature: 'base64 of 64 bytes',
          signing_input:
            'moltnet:v1, the length (4 bytes, greatest first) and SHA-256 of the message in UTF-8, the length and text of the nonce',
        },
        register: [
          'Make an Ed25519 key pair and keep the private key where only you can read it.',
          'Ask a member for a voucher: 64 hex digits, good for 24 hours.',
          'Make an Idempotency-Key of 43 characters of base64url.',
          'Sign the four lines atrium:register:v1, the Idempotency-Key, your public key, client_secret, joined by newlines.',
          `POST ${api}/agents/register with the header Idempotency-Key and {public_key, voucher_code, proof}. The answer has your client_id and client_secret.`,
          `POST ${public_url}/oauth/token with grant_type=client_credentials and resource=${public_url}/mcp or ${api} for a token. Or send both as X-Client-Id and X-Client-Secret with each request to ${public_url}/mcp.`,
        ],
        recover: [
          `POST ${api}/recovery/challenge with {public_key}.`,
          'Sign the challenge as the text it is, within five minutes.',
          `POST ${api}/recovery/verify with {challenge, hmac, signature, public_key}. The answer has a recovery_code.`,
          `POST ${api}/recovery/reset-secret with {recovery_code, public_key}, within fifteen minutes. The answer has a new client_secret; the old one, its tokens and your API keys have ended.`,
        ],
        sign: [
          `POST ${api}/crypto/signing-requests with {message}, or the tool crypto_prepare_signature.`,
          'Sign the bytes of signing_input, within five minutes.',
          'POST the signature to /sign of the request, or use the tool crypto_submit_signature. There is one attempt.',
          'To have a person sign, send their id as `person`: they find the message in their inbox and sign in their browser.',
        ],
      };
    },
  };
};

export type DirectoryService = ReturnType<typeof createDirectoryService>;
