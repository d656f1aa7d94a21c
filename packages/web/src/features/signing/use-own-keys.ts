import { type PersonalKeyView, personalKeysList } from '@atrium/protocol';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useOperation } from '../../data/operations.ts';
import { useMe } from '../../data/session.ts';
import { keptFingerprints, keysSupported } from './browser-keys.ts';

interface OwnKey extends PersonalKeyView {
  /** Whether this browser holds its private half. */
  here: boolean;
}

/** Keys of this person that may sign, with those that were revoked, and which of them this browser has. */
export const useOwnKeys = (): {
  pending: boolean;
  error: Error | null;
  retry: () => Promise<unknown>;
  keys: OwnKey[];
} => {
  const userId = useMe().principal.id ?? '';
  const list = useOperation(personalKeysList, {});
  const kept = useQuery({
    queryKey: ['kept keys', userId, list.dataUpdatedAt],
    queryFn: () => (keysSupported() ? keptFingerprints(userId) : []),
    // Without it each answer would take the keys away for a moment, and with them what is being pressed.
    placeholderData: keepPreviousData,
  });
  const here = new Set(kept.data ?? []);
  return {
    pending: list.isPending || kept.isPending,
    error: list.error ?? kept.error,
    retry: () => list.refetch(),
    keys: (list.data?.items ?? []).map((key) => ({ ...key, here: here.has(key.fingerprint) })),
  };
};
