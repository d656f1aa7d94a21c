import type { Container, ContainerDetails, ContainerStats } from '@atrium/protocol';
import type { Inspected, Listed, Usage } from '../runtime/runtime.ts';
import { isMeant } from './container-refs.ts';
import type { ContainedRoute } from './containers-store.ts';
import { isSecret, maskedUrl, maskedWords } from './masked.ts';

export const isOwn = (id: string, ownIds: readonly string[]): boolean => ownIds.some((own) => id.startsWith(own));

export const containerView = (
  { controllable, ...one }: Listed,
  routes: readonly ContainedRoute[],
  ownIds: readonly string[],
): Container => {
  const route = routes.find(({ container_ref }) => isMeant(container_ref, one));
  const own = isOwn(one.id, ownIds);
  return {
    ...{ id: one.id, name: one.name, image: one.image, state: one.state, health: one.health, status: one.status },
    ...{ kind: one.kind, group: one.group, replicas: one.replicas, ports: one.ports },
    ...{ created_at: one.created_at, started_at: one.started_at, own, controllable },
    app: route === undefined ? null : { slug: route.app_slug, name: route.app_name },
  };
};

export const detailsView = (
  one: Inspected,
  routes: readonly ContainedRoute[],
  ownIds: readonly string[],
): ContainerDetails => ({
  ...containerView(one, routes, ownIds),
  command: maskedWords([...one.entrypoint, ...one.command]),
  ...{ exit_code: one.exit_code, restarts: one.restarts, restart_policy: one.restart_policy },
  environment: one.environment.map(({ name, value }) => {
    const secret = isSecret(name, value);
    return { name, value: secret ? maskedUrl(value) : value, secret };
  }),
  labels: Object.fromEntries(
    Object.entries(one.labels).map(([name, value]) => [name, isSecret(name, value) ? maskedUrl(value) : value]),
  ),
  mounts: one.mounts,
  networks: one.networks.map(({ name, address }) => ({ name, address })),
  limits: one.limits,
});

export const statsView = ({ at, ...usage }: Usage): ContainerStats => {
  const whole = (value: number | null) => (value === null ? null : Math.round(value));
  return {
    ...usage,
    at: at.toISOString(),
    memory_bytes: whole(usage.memory_bytes),
    memory_limit_bytes: whole(usage.memory_limit_bytes),
  };
};
