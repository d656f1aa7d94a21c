/**
 * Which texts go into the model together, by their lengths. Those of like length do, so that little is computed for what fills
 * them up, and a batch has at most `most` tokens, unless one text alone has more.
 */
export const batchesOf = (lengths: readonly number[], most: number): number[][] => {
  const batches: number[][] = [];
  const order = lengths.map((length, at) => ({ length, at })).sort((x, y) => x.length - y.length || x.at - y.at);
  for (const { length, at } of order) {
    const batch = batches.at(-1);
    if (batch === undefined || (batch.length + 1) * length > most) batches.push([at]);
    else batch.push(at);
  }
  return batches;
};
