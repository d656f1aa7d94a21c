import { posix } from 'node:path';
import { appSlug } from '../discovery/app-slug.ts';
import { readLabels } from '../discovery/labels.ts';
import type { SuggestedApp } from '../discovery/sighting.ts';
import { suggestApp, suggestRoute } from '../discovery/suggestion.ts';
import { fillIn, readComposeFile } from './compose-file.ts';
import { type Plan, type PlannedService, planOf } from './compose-plan.ts';
import type { ComposeProblem } from './compose-schema.ts';
import type { HeldPort } from './deployments-rows.ts';
import type { MissingVariable, Values } from './interpolation.ts';

/** How people get into what was installed. */
export interface Entrance {
  service: string;
  scheme: 'http' | 'https';
  container_port: number;
  app: SuggestedApp;
  route: Record<string, unknown>;
}

export interface Installation {
  plan: Plan;
  /** Null: no port leads in. */
  entrance: Entrance | null;
  missing: MissingVariable[];
  problems: ComposeProblem[];
}

/** Lower case, digits and hyphens, as engine and gateway both take it; null when nothing is left. */
export const deploymentName = (text: string): string | null =>
  appSlug(text)?.toLowerCase().replace(/_+/g, '-').replace(/^-+/, '').slice(0, 40).replace(/-+$/, '') || null;

const labelled = (service: PlannedService, key: string): string | null =>
  service.labels[`atrium.toolbox.${key}`] ?? service.labels[`nekzus.toolbox.${key}`] ?? null;

const primaryOf = (services: readonly PlannedService[]): PlannedService | undefined =>
  services.find((service) => labelled(service, 'name') !== null) ?? services.find(({ ports }) => ports.length > 0);

const firstPort = (service: PlannedService): number | null => {
  const published = service.ports.find(({ protocol }) => protocol === 'tcp')?.container_port;
  const exposed = service.exposed.find((port) => port.endsWith('/tcp'));
  return published ?? (exposed === undefined ? null : Number.parseInt(exposed, 10));
};

const entranceOf = (plan: Plan, name: string): Entrance | null => {
  const service = primaryOf(plan.services);
  if (service === undefined || service.network_mode === 'none') return null;
  const reading = readLabels(service.labels);
  const port = reading.primary_port ?? firstPort(service);
  if (port === null) return null;
  const title = labelled(service, 'name') ?? name;
  const app = suggestApp(
    { ...reading, app: { ...reading.app, id: null } },
    {
      names: [name],
      name: title,
      icon: labelled(service, 'icon'),
      tags: (labelled(service, 'tags') ?? '').split(','),
      group: null,
      description: labelled(service, 'description'),
    },
  );
  const route = suggestRoute({ ...reading, app: { ...reading.app, id: null } }, app.slug);
  return {
    ...{ service: service.name, container_port: port },
    scheme: reading.scheme ?? (port === 443 || port === 8443 ? 'https' : 'http'),
    app,
    // Labels of discovery are silent about sockets where there are none; templates are silent about everything ordinary.
    route: { ...route, websockets: reading.route.websockets ?? true },
  };
};

export interface InstallationContext {
  name: string;
  /** Folder of all deployments, as the engine sees it. */
  data_dir: string;
  base_url: string;
}

const nothing: Plan = { services: [], networks: [], volumes: [], ports: [], dangers: [] };

/** All that follows from a file and its variables. */
export const installationOf = (compose: string, values: Values, context: InstallationContext): Installation => {
  const read = readComposeFile(compose);
  if (!read.ok) return { plan: nothing, entrance: null, missing: [], problems: read.problems };
  const folder = posix.join(context.data_dir, context.name);
  const filled = { ...values, SERVICE_NAME: context.name, BASE_URL: context.base_url, DATA_DIR: folder };
  const { document, problems, missing } = fillIn(read.value, filled);
  if (document === null) return { plan: nothing, entrance: null, missing, problems };
  const { plan, problems: planning } = planOf(document, { name: context.name, folder });
  const entrance = entranceOf(plan, context.name);
  return {
    plan: withEntrance(plan, entrance),
    entrance,
    missing,
    problems: [...problems, ...planning],
  };
};

/** The port that people come by is published on loopback, also where the file only exposes it. */
const withEntrance = (plan: Plan, entrance: Entrance | null): Plan => {
  if (entrance === null) return plan;
  const service = plan.services.find(({ name }) => name === entrance.service)!;
  const { container_port } = entrance;
  const there = service.ports.some((port) => port.container_port === container_port && port.protocol === 'tcp');
  if (there || service.network_mode === 'host') return plan;
  const port = { container_port, host_port: null, protocol: 'tcp' as const };
  return {
    ...plan,
    services: plan.services.map((one) => (one === service ? { ...one, ports: [...one.ports, port] } : one)),
    ports: [...plan.ports, { service: service.name, ...port }],
  };
};

/** Host ports of one service, for its container. */
export const portsOfService = (ports: readonly HeldPort[], service: string): HeldPort[] =>
  ports.filter((port) => port.service === service);
