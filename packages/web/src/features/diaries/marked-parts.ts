export interface MarkedPart {
  text: string;
  marked: boolean;
  /** Where in the text it begins. */
  at: number;
}

/** A text in parts that are marked or not, by ranges of its UTF-16 units. */
export const markedParts = (text: string, marks: readonly (readonly [number, number])[]): MarkedPart[] => {
  const parts: MarkedPart[] = [];
  let done = 0;
  const push = (until: number, marked: boolean) => {
    if (until > done) parts.push({ text: text.slice(done, until), marked, at: done });
    done = Math.max(done, until);
  };
  for (const [from, to] of marks.toSorted(([first], [second]) => first - second)) {
    push(Math.min(from, text.length), false);
    push(Math.min(to, text.length), true);
  }
  push(text.length, false);
  return parts;
};
