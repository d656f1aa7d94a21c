import { rate } from './confidence.ts';
import { readLabels } from './labels.ts';
import type { MdnsService } from './mdns-records.ts';
import type { Sighting } from './sighting.ts';
import { suggestApp, suggestRoute } from './suggestion.ts';

const homeTypes = ['_hap._tcp', '_homekit._tcp', '_homeassistant._tcp', '_home-assistant._tcp'];

/** TXT keys in the words of labels. */
const labelsOf = (txt: Readonly<Record<string, string>>): Record<string, string> => {
  const ours = ['app_id', 'atrium_enable', 'nekzus_enable'].some((key) => txt[key] !== undefined);
  const names: [string, string][] = [
    ['atrium_enable', 'atrium.enable'],
    ['nekzus_enable', 'nekzus.enable'],
    ['app_id', 'atrium.app.id'],
    ['app_name', 'atrium.app.name'],
    ['icon', 'atrium.app.icon'],
    ['tags', 'atrium.app.tags'],
    ['scopes', 'atrium.route.scopes'],
    ['scheme', 'atrium.scheme'],
    // Everybody else means the path of the page itself by it (RFC 6763, section 6).
    ...(ours ? [['path', 'atrium.route.path'] as [string, string]] : []),
  ];
  return Object.fromEntries(
    names.flatMap(([key, label]) => (txt[key] === undefined ? [] : [[label, txt[key]] as [string, string]])),
  );
};

/** What an announced service is; null when it says that it is not wanted. */
export const mdnsSighting = (service: MdnsService): Sighting | null => {
  const reading = readLabels(labelsOf(service.txt));
  if (reading.enable === false) return null;
  const explicit = reading.enable === true;
  const secure = service.type === '_https._tcp' || service.port === 443;
  const home = homeTypes.includes(service.type);
  const app = suggestApp(reading, { names: [service.instance], name: service.instance });
  return {
    source: 'mdns',
    fingerprint: service.fqdn,
    name: service.instance,
    addresses: [
      {
        port: service.port,
        scheme: reading.scheme ?? (secure ? 'https' : 'http'),
        host: service.address,
        dial_port: service.port,
      },
    ],
    ...rate({
      base: { reason: `announced as ${service.type} in the local network`, adds: 0.7 },
      app_id: reading.app.id !== null,
      explicit,
      more: home ? [{ reason: 'of HomeKit or Home Assistant', adds: 0.1 }] : [],
    }),
    ...{ app, explicit, vouched: false, container_ref: null },
    route: suggestRoute(reading, app.slug),
    bindings: [],
  };
};
