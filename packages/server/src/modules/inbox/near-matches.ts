/** Number of single-character edits between two short words. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
};

/** Up to five names that look like the wanted one, the closest first. */
export const nearMatches = (wanted: string, names: readonly string[]): string[] => {
  const word = wanted.toLowerCase();
  return names
    .map((name) => ({ name, score: name.includes(word) || word.includes(name) ? 0.5 : distance(word, name) }))
    .filter(({ name, score }) => score <= Math.max(2, Math.ceil(name.length / 3)))
    .sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
    .slice(0, 5)
    .map(({ name }) => name);
};
