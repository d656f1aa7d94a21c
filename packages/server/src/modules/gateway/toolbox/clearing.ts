import type { DockerDeploying } from '../runtime/docker-deploying.ts';
import { ownLabels } from './container-body.ts';

/** Removes containers of a deployment, then the networks they were in. Data of volumes with a name stays. */
export const clearEngine = async (
  engine: DockerDeploying,
  deployment: string,
  options: {
    /** The container that this server runs in, which joined the networks. */
    own_ids: readonly string[];
    /** Also volumes without a name. */
    volumes: boolean;
  },
  signal: AbortSignal,
): Promise<void> => {
  const label = `${ownLabels.deployment}=${deployment}`;
  for (const { Id } of await engine.containersWith(label, signal)) {
    await engine.stop(Id, signal);
    await engine.removeContainer(Id, options.volumes, signal);
  }
  for (const { Id } of await engine.networksWith(label, signal)) {
    for (const own of options.own_ids) await engine.disconnect(Id, own, signal);
    await engine.removeNetwork(Id, signal);
  }
};
