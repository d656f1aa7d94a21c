import { recipeOfImage, routeOfRecipe } from '../recipes/recipes.ts';
import type { DockerContainer } from '../runtime/docker-api.ts';
import { titleOf } from './app-slug.ts';
import { rate, webPort } from './confidence.ts';
import { readForeignLabels } from './foreign-labels.ts';
import { isOwnImage, isSystemImage, knownImage, parseImage } from './known-images.ts';
import { type LabelReading, readLabels } from './labels.ts';
import { type PortPlan, planPorts, schemeOf } from './port-choice.ts';
import type { Binding, SightedAddress, Sighting } from './sighting.ts';
import { suggestApp, suggestRoute } from './suggestion.ts';

/* What a container is, without asking it anything. */

export interface ContainerPort {
  port: number;
  /** Where it is published on the machine. */
  published: { address: string; port: number }[];
}

export interface ContainerFacts {
  id: string;
  name: string;
  image: string;
  labels: Readonly<Record<string, string>>;
  created: number;
  /** TCP alone. */
  ports: readonly ContainerPort[];
  networks: readonly { name: string; address: string }[];
  /** It has no network of its own, but that of the machine. */
  host_network: boolean;
}

export interface NetworkChoice {
  mode: 'all' | 'first' | 'preferred';
  networks: readonly string[];
  exclude: readonly string[];
}

/** From where the containers are seen. */
export interface Outlook {
  /** Ids of the container that this server runs in; none outside of one. */
  own_ids: readonly string[];
  /** Networks of that container; null when this server is in none that the engine knows. */
  own_networks: readonly string[] | null;
  /** Where published ports are reached: this machine, or the one of the engine. */
  machine: string;
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export const factsOf = (container: DockerContainer): ContainerFacts => {
  const ports = new Map<number, ContainerPort>();
  for (const { PrivatePort, PublicPort, IP, Type } of container.Ports ?? []) {
    if (PrivatePort === undefined || (Type ?? 'tcp') !== 'tcp') continue;
    const port = ports.get(PrivatePort) ?? { port: PrivatePort, published: [] };
    ports.set(PrivatePort, port);
    if (PublicPort !== undefined && PublicPort > 0) port.published.push({ address: IP ?? '0.0.0.0', port: PublicPort });
  }
  const networks = Object.entries(container.NetworkSettings?.Networks ?? {}).map(([name, network]) => ({
    name,
    address: network?.IPAddress || network?.GlobalIPv6Address || '',
  }));
  return {
    id: container.Id,
    name: (container.Names?.[0] ?? container.Id.slice(0, 12)).replace(/^\//, ''),
    image: container.Image ?? '',
    labels: container.Labels ?? {},
    created: container.Created ?? 0,
    ports: [...ports.values()].sort((a, b) => a.port - b.port),
    networks: networks.sort(byName),
    host_network: container.HostConfig?.NetworkMode === 'host' || networks.some(({ name }) => name === 'host'),
  };
};

/** Compose gives a service its name, whichever container stands for it; otherwise the name of the container stays. */
export const fingerprintOf = ({ labels, name }: ContainerFacts): string => {
  const project = labels['com.docker.compose.project'];
  const service = labels['com.docker.compose.service'];
  return project === undefined || service === undefined ? `container ${name}` : `compose ${project}/${service}`;
};

/** Of several containers of a service the first one stands for it, and of those the newest. */
export const standsBefore = (a: ContainerFacts, b: ContainerFacts): number => {
  const number = ({ labels }: ContainerFacts) => Number(labels['com.docker.compose.container-number'] ?? 1);
  return number(a) - number(b) || b.created - a.created || (a.id < b.id ? -1 : 1);
};

const isSelf = ({ id }: ContainerFacts, { own_ids }: Outlook): boolean =>
  own_ids.some((own) => own.length >= 12 && (id.startsWith(own) || own.startsWith(id)));

/** Networks that count, in the order in which their addresses are tried. */
export const chosenNetworks = (facts: ContainerFacts, choice: NetworkChoice) => {
  const left = facts.networks.filter(({ name }) => !choice.exclude.includes(name));
  if (choice.mode === 'preferred') {
    const rank = ({ name }: { name: string }) => {
      const index = choice.networks.indexOf(name);
      return index < 0 ? choice.networks.length : index;
    };
    return left.toSorted((a, b) => rank(a) - rank(b)).slice(0, 1);
  }
  const named = choice.networks.length === 0 ? left : left.filter(({ name }) => choice.networks.includes(name));
  return choice.mode === 'first' ? named.slice(0, 1) : named;
};

/** Why a container is no candidate; null when it is one. */
export const whySkipped = (
  facts: ContainerFacts,
  outlook: Outlook,
  choice: NetworkChoice,
  include_system: boolean,
): string | null => {
  const reading = readLabels(facts.labels);
  if (reading.skip) return 'a label says skip';
  if (reading.enable === false) return 'a label says enable=false';
  if (isSelf(facts, outlook)) return 'it is this server';
  if (isOwnImage(facts.image) && !reading.test) return 'it is a server of this kind';
  if (isSystemImage(facts.image) && !reading.test && !include_system) return 'its image runs other containers';
  if (facts.networks.length > 0 && chosenNetworks(facts, choice).length === 0) return 'its networks are left out';
  return null;
};

/** Ports that may be pages, and whether to ask them. */
export const portsOf = (facts: ContainerFacts): PortPlan => {
  const reading = readLabels(facts.labels);
  const hints = readForeignLabels(facts.labels);
  return planPorts(
    facts.ports.map(({ port }) => port),
    { primary: reading.primary_port, all: reading.all_ports, hint: hints.port },
  );
};

const machineAddress = (address: string, machine: string): string =>
  ['', '0.0.0.0', '::', '127.0.0.1', '::1'].includes(address) ? machine : address;

/** Where this server may reach a port of the container, the best first. */
export const waysTo = (
  facts: ContainerFacts,
  port: number,
  outlook: Outlook,
  choice: NetworkChoice,
): SightedAddress[] => {
  const reading = readLabels(facts.labels);
  const scheme = schemeOf(port, reading.scheme, readForeignLabels(facts.labels).scheme);
  const at = (host: string, dial_port: number): SightedAddress => ({ port, scheme, host, dial_port });
  if (facts.host_network) return [at(outlook.machine, port)];
  const networks = chosenNetworks(facts, choice).filter(({ address }) => address !== '');
  const published = (facts.ports.find((one) => one.port === port)?.published ?? [])
    .toSorted((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')))
    .map((one) => at(machineAddress(one.address, outlook.machine), one.port));
  const shared = outlook.own_networks;
  const inside = networks.filter(({ name }) => shared?.includes(name) === true).map(({ address }) => at(address, port));
  const others = networks.filter(({ name }) => shared?.includes(name) !== true).map(({ address }) => at(address, port));
  const ways = shared === null ? [...published, ...others] : [...inside, ...published, ...others];
  return ways.filter(
    (way, index) => ways.findIndex((one) => one.host === way.host && one.dial_port === way.dial_port) === index,
  );
};

const bindingsOf = ({ ports, host_network }: ContainerFacts, reached: readonly SightedAddress[]): Binding[] => {
  // A container without a network of its own may listen anywhere; the engine does not say where.
  if (host_network) return reached.map(({ port }) => ({ port, address: '0.0.0.0' }));
  return ports.flatMap(({ published }) => published.map(({ port, address }) => ({ port, address })));
};

/** What is known of the app, beneath what its labels say. Labels that are silent about sockets leave them to the recipe. */
const withRecipe = (image: string, reading: LabelReading, route: Record<string, unknown>): Record<string, unknown> => {
  const recipe = recipeOfImage(image);
  if (recipe === null) return route;
  const { websockets, ...own } = routeOfRecipe(recipe);
  const sockets = reading.route.websockets === null && websockets !== undefined ? { websockets } : {};
  return { ...own, ...route, ...sockets };
};

/** What the container is as a service, given the ports that are pages and where they are reached. */
export const sightingOf = (facts: ContainerFacts, addresses: readonly SightedAddress[]): Sighting => {
  const reading = readLabels(facts.labels);
  const hints = readForeignLabels(facts.labels);
  const image = knownImage(facts.image);
  const service = facts.labels['com.docker.compose.service'];
  const explicit = reading.enable === true;
  const app = suggestApp(reading, {
    names: [service, facts.name, parseImage(facts.image).name],
    name: hints.name ?? image?.name ?? titleOf(service ?? facts.name),
    icon: hints.icon ?? image?.icon,
    tags: image?.tags,
    group: hints.group,
    description: hints.description,
  });
  const proxies = hints.products.filter((product) => product === 'traefik' || product === 'caddy');
  const boards = hints.products.filter((product) => product === 'homepage' || product === 'homarr');
  const { confidence, reasons } = rate({
    base: { reason: 'a running container with a page', adds: 0.5 },
    app_id: reading.app.id !== null,
    explicit,
    more: [
      ...(image === null ? [] : [{ reason: `${image.name} is a known image`, adds: 0.2 }]),
      ...webPort(addresses[0]!.port),
      ...(proxies.length === 0
        ? []
        : [
            {
              reason: `labels of ${proxies.join(' and ')}${hints.host === null ? '' : ` name ${hints.host}`}`,
              adds: 0.15,
            },
          ]),
      ...(boards.length === 0 ? [] : [{ reason: `labels of ${boards.join(' and ')}`, adds: 0.1 }]),
    ],
  });
  return {
    source: 'docker',
    fingerprint: fingerprintOf(facts),
    name: facts.name,
    addresses,
    ...{ confidence, reasons, app, explicit, vouched: explicit },
    route: withRecipe(facts.image, reading, suggestRoute(reading, app.slug)),
    container_ref: facts.id,
    bindings: bindingsOf(facts, addresses),
  };
};
