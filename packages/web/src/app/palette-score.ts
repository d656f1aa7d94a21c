const wordStart = (text: string, word: string): boolean => text.startsWith(word) || text.includes(` ${word}`);

/** Begins the value of an object that a search of the server found. */
export const foundPrefix = 'object ';

/** Below a command whose title has each word at the start of one of its own, above those that only mention it. */
const foundScore = 0.7;

/**
 * How well a command answers what was typed, 0 to 1. Every typed word must stand in it whole: letters scattered over
 * a title and its keywords are no match, or "nord" would find "settiNgs passwORD".
 */
export const paletteScore = (value: string, search: string, keywords: readonly string[] = []): number => {
  const title = (keywords[0] ?? value).toLowerCase();
  const rest = keywords.slice(1).join(' ').toLowerCase();
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return 1;
  if (value.startsWith(foundPrefix)) return foundScore;
  const scores = words.map((word) =>
    wordStart(title, word)
      ? 1
      : title.includes(word)
        ? 0.8
        : wordStart(rest, word)
          ? 0.6
          : rest.includes(word)
            ? 0.4
            : 0,
  );
  return scores.includes(0) ? 0 : scores.reduce<number>((sum, score) => sum + score, 0) / words.length;
};
