import { mayUse, useMe } from '../data/session.ts';
import type { NavEntry } from './feature.ts';
import { features } from './features.ts';

/** The places this person may go to. */
export const useNav = (): NavEntry[] => {
  const me = useMe();
  return features.flatMap((feature) => feature.nav ?? []).filter((entry) => mayUse(me, entry));
};
