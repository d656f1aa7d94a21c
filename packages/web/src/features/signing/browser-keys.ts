import {
  fingerprintOf,
  type PersonalKeyView,
  personalKeyProof,
  personalKeysBegin,
  personalKeysCreate,
  publicKeyText,
  signingInput,
  toBase64,
  utf8,
} from '@atrium/protocol';
import { call, ProblemError } from '../../data/client.ts';
import { PasskeyCancelled, showPasskeyFor } from '../identity/passkey.ts';

/* Keys that this browser keeps: usable by pages of this origin, readable by nobody. */

interface KeptKey {
  fingerprint: string;
  user_id: string;
  key: CryptoKey;
}

const ed25519 = 'Ed25519';
const storeName = 'keys';

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const withStore = async <T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
  const opening = indexedDB.open('atrium-signing-keys', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(storeName, { keyPath: 'fingerprint' });
  const database = await settled(opening);
  try {
    return await settled(act(database.transaction(storeName, mode).objectStore(storeName)));
  } finally {
    database.close();
  }
};

/** Fingerprints of the keys that this browser keeps for a person. */
export const keptFingerprints = async (userId: string): Promise<string[]> => {
  const kept = await withStore<KeptKey[]>('readonly', (store) => store.getAll());
  return kept.filter(({ user_id }) => user_id === userId).map(({ fingerprint }) => fingerprint);
};

export const forgetKey = async (fingerprint: string): Promise<void> => {
  await withStore('readwrite', (store) => store.delete(fingerprint));
};

/** Browsers have the key functions in secure contexts only: https, or localhost. */
export const keysSupported = (): boolean => crypto.subtle !== undefined && typeof indexedDB === 'object';

const makePair = async (): Promise<CryptoKeyPair> => {
  try {
    return (await crypto.subtle.generateKey(ed25519, false, ['sign', 'verify'])) as CryptoKeyPair;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError')
      throw new Error('This browser makes no Ed25519 keys. A newer one does.');
    throw error;
  }
};

const sign = async (key: CryptoKey, bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  toBase64(new Uint8Array(await crypto.subtle.sign(ed25519, key, bytes)));

const base64Url = (bytes: Uint8Array<ArrayBuffer>): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** Makes a key here, has a passkey approve it, and registers its public half. */
export const registerKey = async (userId: string, label: string): Promise<PersonalKeyView> => {
  const { publicKey, privateKey } = await makePair();
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
  const public_key = publicKeyText(raw);
  const begun = await call(personalKeysBegin, { public_key });
  // Built here and compared: neither the key nor the passkey says yes to what the server alone wrote.
  const text = utf8(personalKeyProof(userId, public_key, begun.nonce));
  const challenge = base64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', text)));
  if (begun.options['challenge'] !== challenge)
    throw new Error('The server asked your passkey to approve something else. Nothing was registered.');
  const fingerprint = await fingerprintOf(raw);
  const [shown, proof] = [await showPasskeyFor(begun), await sign(privateKey, text)];
  // Kept before it is known elsewhere: an answer that gets lost then costs nothing.
  await withStore('readwrite', (store) => store.put({ fingerprint, user_id: userId, key: privateKey }));
  try {
    const registered = await call(personalKeysCreate, { ...shown, proof, label });
    // Browsers drop what sites keep when the disk is full, unless they are asked not to.
    void navigator.storage?.persist?.();
    return registered;
  } catch (error) {
    if (error instanceof ProblemError || error instanceof PasskeyCancelled) await forgetKey(fingerprint);
    throw error;
  }
};

/** Signs with a key of this browser the bytes that message and nonce give, and no bytes that came from elsewhere. */
export const signWith = async (fingerprint: string, message: string, nonce: string): Promise<string> => {
  const kept = await withStore<KeptKey | undefined>('readonly', (store) => store.get(fingerprint));
  if (kept === undefined) throw new Error('This browser does not have that key any more.');
  return sign(kept.key, await signingInput(message, nonce));
};
