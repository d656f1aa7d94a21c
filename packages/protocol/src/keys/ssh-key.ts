import { type Bytes, concat, fromBase64, toBase64, u32be, utf8 } from './bytes.ts';
import { publicKeyOfPrivate } from './signatures.ts';

/* The key in OpenSSH's forms, so that git can sign commits with it (PROTOCOL.key of OpenSSH, RFC 4253 section 6.6). */

const keyType = 'ssh-ed25519';
const magic = utf8('openssh-key-v1\0');
/** The cipher `none` works in blocks of eight. */
const block = 8;
const columns = 70;

const field = (bytes: Uint8Array): Bytes => concat(u32be(bytes.length), bytes);
const textField = (text: string): Bytes => field(utf8(text));
const publicBlob = (publicKey: Uint8Array): Bytes => concat(textField(keyType), field(publicKey));

const isOneLine = (comment: string): boolean => !/[\r\n\0]/.test(comment);

/** One line for authorized_keys and allowed_signers. */
export const sshPublicLine = (publicKey: Uint8Array, comment = ''): string => {
  if (!isOneLine(comment)) throw new TypeError('The comment of a key is one line.');
  return [keyType, toBase64(publicBlob(publicKey)), comment].filter((part) => part !== '').join(' ');
};

/** An unencrypted private key file. The check numbers, equal and otherwise free, are zero: one key, one file. */
export const sshPrivatePem = async (privateKey: string, comment = ''): Promise<string> => {
  if (!isOneLine(comment)) throw new TypeError('The comment of a key is one line.');
  const publicKey = await publicKeyOfPrivate(privateKey);
  const both = concat(fromBase64(privateKey)!, publicKey);
  const secret = concat(u32be(0), u32be(0), publicBlob(publicKey), field(both), textField(comment));
  const padding = Uint8Array.from({ length: (block - (secret.length % block)) % block }, (_, index) => index + 1);
  const whole = concat(
    magic,
    textField('none'),
    textField('none'),
    textField(''),
    u32be(1),
    field(publicBlob(publicKey)),
    field(concat(secret, padding)),
  );
  const lines = toBase64(whole).match(new RegExp(`.{1,${columns}}`, 'g'))!;
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
};
