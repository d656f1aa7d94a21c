import { agentsGet, peopleList } from '@atrium/protocol';
import { useOperation } from '../../data/operations.ts';

export interface Person {
  id: string;
  name: string;
}

/** People one can assign to or mention, by the beginning of their name. */
export const usePeople = (q = ''): readonly Person[] => {
  const people = useOperation(peopleList, { ...(q.trim() ? { q: q.trim() } : {}), limit: 50 }, { keepPrevious: true });
  return (people.data?.items ?? []).filter((person) => person.kind === 'user');
};

/** The asking agent, for the line that says whom it acts for; undefined for people and for agents since deleted. */
export const useAsker = (actor: { type: string; id: string | null }) => {
  const enabled = actor.type !== 'user' && actor.type !== 'system' && actor.id !== null;
  return useOperation(agentsGet, { id: actor.id ?? '' }, { enabled }).data;
};
