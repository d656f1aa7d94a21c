import { readForeignLabels } from '../foreign-labels.ts';
import { isOwnImage, isSystemImage } from '../known-images.ts';
import { flagOf, readLabels } from '../labels.ts';
import { planPorts } from '../port-choice.ts';
import { type Imported, type ImportedSite, ImportProblem, type Skipped, site } from './imported.ts';
import { portOfLabels, readHttp, readYaml, unfold } from './traefik.ts';

type Json = Record<string, unknown>;
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

const labelsOf = (value: unknown): Record<string, string> => {
  const pairs: [string, unknown][] = Array.isArray(value)
    ? value.map((line) => {
        const [, key = '', text = ''] = /^([^=]*)=?([\s\S]*)$/.exec(String(line)) ?? [];
        return [key, text];
      })
    : Object.entries(objectOf(value));
  return Object.fromEntries(pairs.map(([key, text]) => [key, String(text ?? '')]));
};

interface Port {
  /** In the container. */
  inside: number;
  /** Of the machine; null when it is not published. */
  outside: number | null;
  address: string;
}

/** `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, or the long form; ranges and variables are none. */
const portOf = (value: unknown): Port | null => {
  if (typeof value === 'object' && value !== null) {
    const { target, published, host_ip } = value as Json;
    const [inside, outside] = [Number(target), Number(published)];
    if (!Number.isInteger(inside) || inside < 1) return null;
    return {
      inside,
      outside: Number.isInteger(outside) && outside > 0 ? outside : null,
      address: typeof host_ip === 'string' ? host_ip : '0.0.0.0',
    };
  }
  const match = /^(?:(\[[^\]]+\]|[\d.]+):)?(?:(\d{1,5}):)?(\d{1,5})(?:\/tcp)?$/.exec(String(value));
  if (match === null) return null;
  const [, address = '0.0.0.0', outside, inside] = match;
  return { inside: Number(inside), outside: outside === undefined ? null : Number(outside), address };
};

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** On this machine by its published port; by the name of the service otherwise, which needs a shared network. */
const targetFor = (name: string, port: Port, scheme: string): string => {
  if (port.outside === null) return `${scheme}://${name}:${port.inside}`;
  const host = ['0.0.0.0', '[::]', ''].includes(port.address) ? '127.0.0.1' : port.address;
  return `${scheme}://${host}:${port.outside}`;
};

const readService = (name: string, service: Json, skipped: Skipped[]): ImportedSite[] => {
  const what = `service ${name}`;
  const skip = (reason: string): [] => {
    skipped.push({ line: null, what, reason });
    return [];
  };
  const image = typeof service['image'] === 'string' ? service['image'] : null;
  const labels = { ...labelsOf(objectOf(service['deploy'])['labels']), ...labelsOf(service['labels']) };
  const ours = readLabels(labels);
  if (ours.enable === false || ours.skip) return skip('its labels say that it is not wanted');
  if (image !== null && (isSystemImage(image) || isOwnImage(image)) && !ours.test)
    return skip('it is a proxy, runs other containers, or is this server');
  const given = listOf(service['ports']).map(portOf);
  const exposed = listOf(service['expose']).map(portOf);
  if (given.includes(null))
    skipped.push({ line: null, what, reason: 'a port is a range, has a variable or is no TCP port' });
  const ports = [...given, ...exposed.map((port) => (port === null ? null : { ...port, outside: null }))].filter(
    (port) => port !== null,
  );
  const http = objectOf(unfold(labels)['http']);
  if (Object.keys(http).length > 0 && flagOf(labels['traefik.enable']) !== false) {
    const result = readHttp(http, (wanted) => {
      const { port, scheme } = portOfLabels(http, wanted);
      const inside = port === null ? ports[0]?.inside : Number(port);
      if (inside === undefined || !Number.isInteger(inside)) return null;
      const published = ports.find((one) => one.inside === inside);
      return targetFor(name, published ?? { inside, outside: null, address: '' }, scheme);
    });
    skipped.push(...result.skipped);
    if (result.sites.length > 0)
      return result.sites.map((one) => ({ ...one, name: result.sites.length === 1 ? name : one.name, image, labels }));
  }
  const hints = readForeignLabels(labels);
  const plan = planPorts(
    ports.map(({ inside }) => inside),
    { primary: ours.primary_port, all: ours.all_ports, hint: hints.port },
  );
  const chosen = ports.find(({ inside }) => inside === plan.ports[0]);
  if (chosen === undefined) return skip(ports.length === 0 ? 'it has no ports' : 'none of its ports looks like a page');
  const scheme = ours.scheme ?? hints.scheme ?? ([443, 8443, 9443].includes(chosen.inside) ? 'https' : 'http');
  const hosts = hints.host === null ? [] : [hints.host.toLowerCase()];
  const url = targetFor(name, chosen, scheme);
  return [site({ name, hosts, targets: [{ url, weight: 1 }], image, labels })];
};

/** Services of a compose file that have a page. */
export const importCompose = (text: string): Imported => {
  const services = objectOf(objectOf(readYaml(text))['services']);
  if (Object.keys(services).length === 0) throw new ImportProblem('There is no services section in this file.');
  const skipped: Skipped[] = [];
  const sites = Object.entries(services).flatMap(([name, service]) => readService(name, objectOf(service), skipped));
  return { sites, skipped };
};
