import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { AppError } from '../errors/app-error.ts';

/** Keys of 32 bytes, current first. The others decrypt what was written before a rotation. */
export type KeyRing = readonly [current: Buffer, ...previous: Buffer[]];

/** Names a key without telling anything about it; stands in every envelope. */
export const keyId = (key: Buffer): string =>
  createHash('sha256').update('atrium key id').update(key).digest('hex').slice(0, 8);

const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM under the master key. The text form is `v1.<key id>.<nonce>.<ciphertext and tag>`, base64url. `aad` binds a
 * secret to its place (`connections.secret:<id>`), so that a row copied over another one does not decrypt.
 */
export class SecretBox {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: Buffer;
  readonly currentKeyId: string;

  constructor(ring: KeyRing) {
    this.#current = ring[0];
    this.currentKeyId = keyId(ring[0]);
    this.#keys = new Map(ring.map((key) => [keyId(key), key]));
  }

  encrypt(plaintext: string, aad: string): string {
    // Random nonces are safe for 2^32 messages a key (NIST SP 800-38D, 8.3), far above what one server stores.
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#current, nonce);
    cipher.setAAD(Buffer.from(aad, 'utf8'));
    const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `v1.${this.currentKeyId}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
  }

  decrypt(envelope: string, aad: string): string {
    const { id, nonce, sealed } = open(envelope);
    const key = this.#keys.get(id);
    if (key === undefined) {
      throw refusal(
        `A stored secret was encrypted under key ${id}, which is neither in master.key nor in ATRIUM_MASTER_KEY.`,
      );
    }
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(aad, 'utf8'));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw refusal(`A stored secret (${aad}) was changed or belongs to another row.`, cause);
    }
  }

  /** The same secret under the current key, or null when it is under it already. */
  reencrypt(envelope: string, aad: string): string | null {
    return open(envelope).id === this.currentKeyId ? null : this.encrypt(this.decrypt(envelope, aad), aad);
  }
}

/** Gets every stored envelope from its owner once; a null answer means that the row is current. */
export type RotationVisit = (reencrypt: (envelope: string, aad: string) => string | null) => Promise<void>;

/** Brings all secrets under the current key. Safe to repeat after an interruption. */
export async function rotateSecrets(
  box: SecretBox,
  visits: readonly RotationVisit[],
): Promise<{ seen: number; renewed: number }> {
  const count = { seen: 0, renewed: 0 };
  for (const visit of visits) {
    await visit((envelope, aad) => {
      const renewed = box.reencrypt(envelope, aad);
      count.seen += 1;
      count.renewed += renewed === null ? 0 : 1;
      return renewed;
    });
  }
  return count;
}

function open(envelope: string): { id: string; nonce: Buffer; sealed: Buffer } {
  const match = /^v1\.([0-9a-f]{8})\.([\w-]+)\.([\w-]+)$/.exec(envelope);
  const nonce = Buffer.from(match?.[2] ?? '', 'base64url');
  const sealed = Buffer.from(match?.[3] ?? '', 'base64url');
  if (match === null || nonce.length !== nonceBytes || sealed.length < tagBytes) {
    throw refusal('A stored secret is not in the form v1.<key id>.<nonce>.<ciphertext>.');
  }
  return { id: match[1]!, nonce, sealed };
}

const refusal = (log: string, cause?: unknown): AppError => new AppError('internal', undefined, { log, cause });
