import { type AppContainer, appsContainers, type ContainerAction } from '@atrium/protocol';
import { Play, Square } from 'lucide-react';
import { useMemo } from 'react';
import { useOperation } from '../../data/operations.ts';
import { IconButton } from '../../ui/button.tsx';
import { useContainerActs } from './container-acts.ts';
import { idles, memory, percent, stateWords } from './container-words.ts';

const everyMs = 10_000;

/** Containers behind the apps that somebody may open, by the slug of the app; the first one stands for several. */
export const useAppContainers = (): ReadonlyMap<string, AppContainer> => {
  const { data } = useOperation(appsContainers, { limit: 200 }, { refetchInterval: everyMs });
  return useMemo(() => new Map((data?.items ?? []).toReversed().map((one) => [one.app_slug, one])), [data]);
};

/** What an app uses, or that what it runs in stands still. */
export const AppContainerUse = ({ container, stats }: AppContainer) => {
  const use = [
    stats?.cpu_percent == null ? null : percent(stats.cpu_percent),
    stats?.memory_bytes == null ? null : memory(stats.memory_bytes),
  ].filter((one) => one !== null);
  return (
    <span className="tabular ml-auto shrink-0 text-12 text-text-3">
      <span className="sr-only">Its container: </span>
      {container.state === 'running' ? use.join(' · ') : stateWords[container.state].label}
    </span>
  );
};

/** Starts or stops what an app runs in, for whoever may. */
export const AppContainerSwitch = ({
  app,
  container,
  tabbed,
}: Pick<AppContainer, 'container'> & { app: string; tabbed: boolean }) => {
  const { act, busy } = useContainerActs();
  const action: ContainerAction = idles(container) ? 'start' : 'stop';
  return (
    <span className="absolute top-2 right-9 opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 touch:right-11 touch:opacity-100">
      <IconButton
        label={action === 'start' ? `Start ${app}` : `Stop ${app}`}
        size="small"
        tooltip={false}
        tabIndex={tabbed ? 0 : -1}
        disabled={busy}
        onClick={() => act(container, action)}
      >
        {action === 'start' ? <Play className="size-3.5!" /> : <Square className="size-3.5!" />}
      </IconButton>
    </span>
  );
};
