import { publicKeyOfPrivate, publicKeyText, toBase64 } from '@atrium/protocol';

/** The key that this server signs exported diaries with; it follows from the master key, so nothing more is kept. */
export const createArchiveKey = (seed: Uint8Array): (() => Promise<{ private_key: string; public_key: string }>) => {
  const private_key = toBase64(seed);
  let made: Promise<{ private_key: string; public_key: string }> | null = null;
  return () => {
    made ??= publicKeyOfPrivate(private_key).then((bytes) => ({ private_key, public_key: publicKeyText(bytes) }));
    return made;
  };
};
