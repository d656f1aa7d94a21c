import { type ArchiveReport, fingerprintOf, publicKeyOf, verifyDiaryArchive } from '@atrium/protocol';

/** The text of a file, piece by piece: an archive may be longer than memory is wide. */
async function* textOf(file: Blob): AsyncGenerator<string> {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/**
 * Checks an archive before it is sent anywhere. Null where this browser cannot: on a page without a secure context, or
 * without Ed25519. The server checks it in any case.
 */
export const checkArchive = async (file: Blob): Promise<ArchiveReport | null> => {
  try {
    return await verifyDiaryArchive(textOf(file));
  } catch {
    return null;
  }
};

/** What the last line of an archive says of it. */
export interface ArchiveEnd {
  entries: number;
  next_after: string | null;
  fingerprint: string | null;
}

/** Longer than the last line of any archive. */
const endBytes = 4096;

/** Reads the last line of an archive that the server just wrote; null where there is none. */
export const readArchiveEnd = async (file: Blob): Promise<ArchiveEnd | null> => {
  const text = (await file.slice(-endBytes).text()).trimEnd();
  try {
    const { kind, entries, next_after, public_key } = JSON.parse(text.slice(text.lastIndexOf('\n') + 1)) as {
      kind: string;
      entries: number;
      next_after: string | null;
      public_key: string;
    };
    if (kind !== 'end') return null;
    const fingerprint = await fingerprintOf(publicKeyOf(public_key)).catch(() => null);
    return { entries, next_after, fingerprint };
  } catch {
    return null;
  }
};

/** What a file of a diary is called: its name, as far as file systems take it. */
export const fileNameOf = (name: string, format: 'archive' | 'jsonl', part: number): string =>
  [
    name.replaceAll(/[^\p{L}\p{N} ._-]/gu, '_').trim() || 'diary',
    ...(part > 1 ? [`part-${part}`] : []),
    ...(format === 'archive' ? ['archive'] : []),
    'jsonl',
  ].join('.');
