export interface BoardSearch {
  q?: string | undefined;
  arrange?: true | undefined;
}

/** What the address of a board carries, so that a reload shows the same again. */
export const parseBoard = (search: Record<string, unknown>): BoardSearch => {
  const q = typeof search['q'] === 'number' ? String(search['q']) : search['q'];
  return {
    q: typeof q === 'string' && q !== '' && q.length <= 200 ? q : undefined,
    arrange: search['arrange'] === true ? true : undefined,
  };
};
