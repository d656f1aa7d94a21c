import { createCipheriv, createDecipheriv, randomBytes, type ScryptOptions, scrypt } from 'node:crypto';
import { z } from 'zod';
import { AgentError } from '../agent/agent-error.ts';

/** A private key under a passphrase. Its public key is bound to it, so that the two cannot be mixed up. */
export const sealedKey = z.object({
  kdf: z.literal('scrypt'),
  n: z.int().min(2).max(1_048_576),
  r: z.int().min(1).max(32),
  p: z.int().min(1).max(16),
  salt: z.string(),
  cipher: z.literal('aes-256-gcm'),
  nonce: z.string(),
  data: z.string(),
  tag: z.string(),
});
export type SealedKey = z.infer<typeof sealedKey>;

const cost = { n: 131_072, r: 8, p: 1 };

const derive = (passphrase: string, salt: Buffer, { n, r, p }: typeof cost): Promise<Buffer> => {
  const options: ScryptOptions = { N: n, r, p, maxmem: 256 * n * r };
  return new Promise((done, fail) =>
    scrypt(passphrase.normalize('NFC'), salt, 32, options, (error, key) => (error ? fail(error) : done(key))),
  );
};

export const sealKey = async (publicKey: string, privateKey: string, passphrase: string): Promise<SealedKey> => {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', await derive(passphrase, salt, cost), nonce);
  cipher.setAAD(Buffer.from(publicKey));
  const data = Buffer.concat([cipher.update(privateKey, 'utf8'), cipher.final()]);
  return {
    ...{ kdf: 'scrypt', ...cost, salt: salt.toString('base64') },
    ...{ cipher: 'aes-256-gcm', nonce: nonce.toString('base64') },
    ...{ data: data.toString('base64'), tag: cipher.getAuthTag().toString('base64') },
  };
};

export const openKey = async (publicKey: string, sealed: SealedKey, passphrase: string): Promise<string> => {
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const key = await derive(passphrase, bytes(sealed.salt), sealed);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes(sealed.nonce), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(publicKey));
    decipher.setAuthTag(bytes(sealed.tag));
    return Buffer.concat([decipher.update(bytes(sealed.data)), decipher.final()]).toString('utf8');
  } catch {
    throw new AgentError('passphrase_wrong', 'The passphrase does not open the private key.');
  }
};
