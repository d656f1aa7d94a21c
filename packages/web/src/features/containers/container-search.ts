import type { State } from './container-words.ts';

export interface ContainersSearch {
  q?: string | undefined;
  state?: State | undefined;
}

const states: readonly State[] = ['running', 'starting', 'paused', 'stopped', 'failed'];

/** What the address of the list carries, so that a reload shows the same again. */
export const parseContainers = (search: Record<string, unknown>): ContainersSearch => {
  // A search of digits alone comes out of the address as a number.
  const q = typeof search['q'] === 'number' ? String(search['q']) : search['q'];
  return {
    q: typeof q === 'string' && q !== '' && q.length <= 200 ? q : undefined,
    state: states.find((state) => state === search['state']),
  };
};
