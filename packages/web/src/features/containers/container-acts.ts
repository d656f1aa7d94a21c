import {
  type Container,
  type ContainerAction,
  containersBatch,
  containersRestart,
  containersStart,
  containersStop,
} from '@atrium/protocol';
import { patchItem, useOperationMutation } from '../../data/operations.ts';
import { toast } from '../../ui/toast.tsx';
import { actionWords, containerReads } from './container-words.ts';

/** Acts on one or many; a row shows where it is going before the engine has done it. */
export const useContainerActs = () => {
  const going = (id: string, state: Container['state']) => [
    patchItem<Container>('containers.list', id, (one) => ({ ...one, state, health: null })),
  ];
  const options = { invalidates: containerReads };
  const start = useOperationMutation(containersStart, {
    ...options,
    optimistic: ({ id }) => going(id, 'starting'),
    done: ({ name }) => `${name} is started`,
  });
  const stop = useOperationMutation(containersStop, {
    ...options,
    optimistic: ({ id }) => going(id, 'stopped'),
    done: ({ name }) => `${name} is stopped`,
  });
  const restart = useOperationMutation(containersRestart, {
    ...options,
    optimistic: ({ id }) => going(id, 'starting'),
    done: ({ name }) => `${name} is restarted`,
  });
  const batch = useOperationMutation(containersBatch, {
    ...options,
    onSuccess: ({ done, failed, results }, { action }) => {
      const { done: word } = actionWords[action];
      const first = results.find(({ ok }) => !ok);
      const title = failed === 0 ? `${word} ${done}` : `${word} ${done}, ${failed} failed`;
      const reason =
        first === undefined ? {} : { detail: `${first.name ?? first.id.slice(0, 12)}: ${first.error?.detail}` };
      toast({ title, tone: failed === 0 ? 'success' : 'danger', ...reason });
    },
  });
  const one = { start, stop, restart };
  return {
    busy: start.isPending || stop.isPending || restart.isPending || batch.isPending,
    act: (container: Pick<Container, 'id'>, action: ContainerAction) => one[action].mutate({ id: container.id }),
    batch: (ids: string[], action: ContainerAction) => batch.mutate({ ids, action }),
  };
};
