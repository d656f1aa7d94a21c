import type {
  AppView,
  discoverySources,
  gateVerdicts,
  healthStates,
  routeAccess,
  routeKinds,
  routeModes,
  routeSources,
  routeStrategies,
  shareKinds,
} from '@atrium/protocol';
import type { Tone } from '../../ui/badge.tsx';

export type Health = (typeof healthStates)[number];
export type Access = (typeof routeAccess)[number];
export type RouteMode = (typeof routeModes)[number];
export type RouteKind = (typeof routeKinds)[number];
export type RouteSource = (typeof routeSources)[number];
export type Strategy = (typeof routeStrategies)[number];
export type ShareKind = (typeof shareKinds)[number];
export type GateVerdict = (typeof gateVerdicts)[number];
export type DiscoverySource = (typeof discoverySources)[number];

export const healthWords: Record<Health, { label: string; tone: Tone }> = {
  healthy: { label: 'Healthy', tone: 'success' },
  unhealthy: { label: 'Down', tone: 'danger' },
  unknown: { label: 'Not checked', tone: 'neutral' },
};

export const accessWords: Record<Access, { label: string; short: string; hint: string }> = {
  signed_in: { label: 'Members', short: 'Members', hint: 'Whoever is signed in to this organisation' },
  people: { label: 'Chosen people', short: 'Chosen', hint: 'The people, teams and roles you name' },
  scopes: { label: 'By scope', short: 'Scopes', hint: 'Tokens and people that hold every scope you name' },
  share: { label: 'Share links only', short: 'Links', hint: 'Whoever has a link that you made for them' },
  public: { label: 'Everybody', short: 'Everybody', hint: 'Also strangers, without signing in' },
};
export const accessOrder = ['signed_in', 'people', 'scopes', 'share', 'public'] as const satisfies readonly Access[];

export const modeWords: Record<RouteMode, { label: string; hint: string }> = {
  path: {
    label: 'Path',
    hint: 'Below this address, so it shares the origin of the dashboard; a host name would keep them apart',
  },
  host: { label: 'Host name', hint: 'On a host name of its own' },
  both: { label: 'Both', hint: 'On a host name of its own and below this address' },
};

export const kindWords: Record<RouteKind, { label: string; hint: string }> = {
  http: { label: 'Passes requests on', hint: 'To the targets below' },
  redirect: { label: 'Redirects', hint: 'Sends browsers to another address' },
  not_found: { label: 'Parked', hint: 'Answers that nothing is here' },
  stream: { label: 'Port', hint: 'Opens one, TCP or UDP, for whatever is said there; for operators' },
};

export const sourceWords: Record<RouteSource, string> = {
  ui: 'Made here',
  file: 'File',
  label: 'Label',
  http: 'Fetched',
  federation: 'Another server',
};

export const strategyWords: Record<Strategy, string> = {
  round_robin: 'In turn',
  least_requests: 'The least busy',
  sticky: 'The same for each visitor',
};

export const shareWords: Record<ShareKind, { label: string; hint: string }> = {
  link: { label: 'Link', hint: 'Whoever has it is in' },
  pin: { label: 'Link and PIN', hint: '4 to 12 digits, told apart from the link' },
  passcode: { label: 'Link and passcode', hint: 'A word or sentence, told apart from the link' },
};

export const verdictWords: Record<GateVerdict, { sentence: string; tone: Tone }> = {
  allow: { sentence: 'May open it', tone: 'success' },
  sign_in: { sentence: 'Is asked to sign in', tone: 'info' },
  unauthorized: { sentence: 'Is refused: the credential is no longer good', tone: 'danger' },
  insufficient_scope: { sentence: 'Is refused: a scope is missing', tone: 'danger' },
  not_found: { sentence: 'Finds nothing', tone: 'warning' },
  refused: { sentence: 'Is refused', tone: 'danger' },
};

export const discoveryWords: Record<DiscoverySource, string> = {
  docker: 'Docker',
  kubernetes: 'Kubernetes',
  mdns: 'Local network',
  file: 'File',
  http: 'Address list',
  federation: 'Another server',
};

/** What a list of requests calls its outcome; labels that this page does not know keep their spelling. */
const outcomeWords: Readonly<Record<string, string>> = {
  ok: 'Answered',
  client_closed: 'Left by the client',
  refused: 'Target refuses connections',
  reset: 'Target broke off',
  timeout: 'Target took too long',
  circuit_open: 'Circuit open',
  too_many: 'Too many connections',
  denied: 'Address not allowed',
  no_route: 'No route for the name',
  unreachable: 'Target not reachable',
  dns: 'Name of the target unknown',
  tls: 'Certificate of the target refused',
};
export const outcomeWord = (outcome: string): string => outcomeWords[outcome] ?? outcome.replaceAll('_', ' ');

const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;
/** "1.4 MB": in steps of a thousand, as disks and networks are sold. */
export const bytes = (count: number): string => {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toLocaleString('en', { maximumFractionDigits: unit > 0 && value < 100 ? 1 : 0 })} ${units[unit]}`;
};

export const milliseconds = (value: number): string =>
  value < 10 ? `${value.toFixed(1)} ms` : value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;

/** Name of a host and path without the scheme that everybody assumes. */
export const shortAddress = (address: string): string => address.replace(/^https?:\/\//, '').replace(/\/$/, '');

/** Below its own origin the path says everything. */
export const pathAddress = (address: string): string =>
  URL.canParse(address) ? new URL(address).pathname.replace(/(?<=.)\/$/, '') : address;

/** Where a press on an app leads: its first route that has an address. */
export const addressOf = (app: AppView): string | null => app.routes.find(({ address }) => address)?.address ?? null;

/** Where it is found, for people to read. */
export const placeOf = (app: AppView): string => {
  const address = addressOf(app);
  if (address !== null) return (sharesOrigin(app) ? pathAddress : shortAddress)(address);
  return app.routes.find(({ listens }) => listens !== null)?.listens ?? 'Has no address yet';
};

export const sharesOrigin = (app: AppView): boolean => {
  const opened = app.routes.find(({ address }) => address);
  return opened?.shares_origin ?? false;
};
