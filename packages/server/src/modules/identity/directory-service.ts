import { type DirectoryEntry, normaliseFingerprint } from '@atrium/protocol';
import { notFound } from '../../platform/errors/app-error.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import type { Call } from '../../platform/operations/call.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import { agentKeysStore, type DirectoryRow } from './agent-keys-store.ts';
import { requireGuess } from './guesses.ts';
import type { IdentityContext } from './identity-context.ts';
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

  const signerOf = async (signature: string): Promise<{ fingerprint: string } | null> => {
    const fingerprint = await signingRequestsStore.signerOf(database.read, signature);
    return fingerprint === null ? null : { fingerprint };
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
      const { fingerprint } = await find(input.fingerprint);
      const signer = await signerOf(input.signature);
      const valid = signer?.fingerprint === fingerprint;
      return { valid, signer: valid ? signer : null };
    },

    verify: async (call: Call, input: { signature: string }) => {
      await requireVerify(call);
      const signer = await signerOf(input.signature);
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
          `POST ${public_url}/oauth/token with grant_type=client_credentials and resource=${public_url}/mcp or ${api} for a token.`,
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
        ],
      };
    },
  };
};

export type DirectoryService = ReturnType<typeof createDirectoryService>;
