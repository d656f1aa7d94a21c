/**
 * The average of what a model says of each token of a text. `hidden` holds a row of `size` numbers for each of `width` tokens of
 * each text; those behind the length of a text only fill the batch up and do not count.
 */
export const meanPooled = (
  hidden: ArrayLike<number>,
  lengths: readonly number[],
  width: number,
  size: number,
): number[][] =>
  lengths.map((length, text) => {
    const mean = new Array<number>(size).fill(0);
    for (let token = 0; token < length; token += 1) {
      const from = (text * width + token) * size;
      for (let at = 0; at < size; at += 1) mean[at]! += hidden[from + at]! / length;
    }
    return mean;
  });
