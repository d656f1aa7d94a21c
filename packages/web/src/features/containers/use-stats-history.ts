import { type ContainerStats, containersStats } from '@atrium/protocol';
import { useEffect, useState } from 'react';
import { useOperation } from '../../data/operations.ts';

const everyMs = 2000;
const kept = 150;

/** What a container used since the page was opened, five minutes at most. */
export const useStatsHistory = (id: string, runs: boolean): readonly ContainerStats[] => {
  const [history, setHistory] = useState<readonly ContainerStats[]>([]);
  const { data } = useOperation(containersStats, { id }, { enabled: runs, refetchInterval: everyMs });
  useEffect(() => {
    if (data === undefined) return;
    setHistory((before) => (before.at(-1)?.at === data.at ? before : [...before, data].slice(-kept)));
  }, [data]);
  return history.filter((one) => one.id === id);
};
