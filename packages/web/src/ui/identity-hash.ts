/** FNV-1a over the text: small, stable between releases, and no secret hangs on it. */
export const identityHash = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  // UUIDv7s made in the same millisecond share a prefix; the final mix spreads their last bits over the whole word.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** Hue of an identity in degrees. */
export const identityHue = (id: string): number => identityHash(`hue:${id}`) % 360;

/** Fifteen cells decide a mirrored 5×5 glyph; rows of booleans, left to right. Between 7 and 18 cells are set. */
export const identityGlyph = (id: string): boolean[][] => {
  for (let round = 0; ; round += 1) {
    const bits = identityHash(`${round}:${id}`);
    const rows = Array.from({ length: 5 }, (_, y) =>
      Array.from({ length: 5 }, (_unused, x) => ((bits >>> (y * 3 + (x < 3 ? x : 4 - x))) & 1) === 1),
    );
    const set = rows.flat().filter(Boolean).length;
    if (set >= 7 && set <= 18) return rows;
  }
};

/** One or two letters that stand for a name. */
export const initials = (name: string): string => {
  const words = name
    .trim()
    .split(/[\s._-]+/u)
    .filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : words.slice(0, 1);
  return letters.map((word) => [...word][0]!.toLocaleUpperCase()).join('') || '?';
};
