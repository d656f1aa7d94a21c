import type { Arrival } from '../../../platform/http/front-door.ts';
import type { PassedRequest } from '../../../platform/http/passing.ts';
import { carriesOwnToken, isApiKey, isIdentityHeader, withoutOwnCookies } from '../gate/header-rules.ts';
import type { Visitor } from '../gate.ts';
import type { RouteSnapshot, TargetSnapshot } from '../snapshot.ts';
import { SharedHeaders } from './shared-headers.ts';

const [pass, drop, cookie, authorization, te, via, apiKey] = [0, 1, 2, 3, 4, 5, 6] as const;
type Treatment =
  | typeof pass
  | typeof drop
  | typeof cookie
  | typeof authorization
  | typeof te
  | typeof via
  | typeof apiKey;

const treatments: Readonly<Record<string, Treatment>> = {
  host: drop,
  connection: drop,
  'keep-alive': drop,
  'proxy-authenticate': drop,
  'proxy-authorization': drop,
  'proxy-connection': drop,
  'transfer-encoding': drop,
  trailer: drop,
  upgrade: drop,
  'http2-settings': drop,
  expect: drop,
  forwarded: drop,
  'x-real-ip': drop,
  'x-request-id': drop,
  te,
  via,
  cookie,
  authorization,
  'x-api-key': apiKey,
};

/** Spellings of names seen so far: comparing one by one costs more than all the rest of a small request. */
const seen = new Map<string, Treatment>();

const treatmentOf = (name: string): Treatment => {
  const known = seen.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  // Servers behind CGI and WSGI take `_` for `-`.
  const plain = lower.replaceAll('_', '-');
  const own = isIdentityHeader(plain) || plain.startsWith('x-forwarded-');
  const listed = own ? drop : (treatments[plain] ?? pass);
  const treatment = plain !== lower && (listed !== pass || plain === 'content-length') ? drop : listed;
  if (seen.size < 2000) seen.set(name, treatment);
  return treatment;
};

const kept = new Set(['host', 'cookie', 'content-length', 'authorization', 'via']);

/** Names that a Connection header takes away; it cannot take what decides about identity and framing. */
const namedByConnection = (connection: string | undefined): ReadonlySet<string> | null => {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close' || connection === 'Upgrade')
    return null;
  const names = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !kept.has(name));
  return names.length === 0 ? null : new Set(names);
};

/** With `pass`, an app gets the client's own header, but never a token of this server. */
const passedAuthorization = (
  value: string,
  { route, visitor, origin }: Pick<Forwarding, 'route' | 'visitor' | 'origin'>,
): boolean =>
  route.upstream_auth.kind === 'pass' &&
  !(visitor.caller !== null && /^(?:bearer|dpop)\s/i.test(value)) &&
  !carriesOwnToken(value, origin);

const quoted = (address: string): string => (address.includes(':') ? `"[${address}]"` : address);

const portOf = ({ authority, scheme }: Arrival): string =>
  /:(\d{1,5})$/.exec(authority)?.[1] ?? (scheme === 'https' ? '443' : '80');

const forwardedLines = (arrival: Arrival, prefix: string): string[] => {
  const { address, proxy, authority, scheme } = arrival;
  const lines = [
    ...['x-forwarded-for', proxy === null ? address : `${address}, ${proxy}`],
    ...['x-forwarded-host', authority],
    ...['x-forwarded-proto', scheme],
    ...['x-forwarded-port', portOf(arrival)],
    ...['x-real-ip', address],
    ...['forwarded', `for=${quoted(address)};host="${authority.replaceAll('"', '')}";proto=${scheme}`],
  ];
  if (prefix !== '') lines.push('x-forwarded-prefix', prefix);
  return lines;
};

const forwarded = Symbol('forwarded');
interface Remembered {
  key: string;
  lines: string[];
}
type WithForwarded = PassedRequest['socket'] & { [forwarded]?: Remembered };

/** Requests of one connection mostly differ in nothing that these say. */
const linesFor = (request: PassedRequest, arrival: Arrival, prefix: string): string[] => {
  const socket = request.socket as WithForwarded;
  const known = socket[forwarded];
  if (arrival.proxy !== null) return forwardedLines(arrival, prefix);
  const key = `${arrival.scheme} ${arrival.authority} ${prefix}`;
  if (known?.key === key) return known.lines;
  const lines = forwardedLines(arrival, prefix);
  socket[forwarded] = { key, lines };
  return lines;
};

export interface Forwarding {
  request: PassedRequest;
  arrival: Arrival;
  route: RouteSnapshot;
  target: TargetSnapshot;
  visitor: Visitor;
  /** Taken from the path before it is sent. */
  prefix: string;
  request_id: string;
  /** `1.1 atrium (…)`, by which this server knows itself again. */
  via: string;
  upgrade: boolean;
  /** Of this server, by which its own tokens are known. */
  origin: string;
}

export const hostOf = (target: TargetSnapshot): string => {
  const usual = target.protocol === 'https:' ? 443 : 80;
  const name = target.hostname.includes(':') ? `[${target.hostname.replace(/^\[|\]$/g, '')}]` : target.hostname;
  return target.port === usual ? name : `${name}:${target.port}`;
};

/** What the app is asked with, as name, value, name, value …; everything about the client is told by us. */
export const requestHeaders = (facts: Forwarding): string[] => [
  ...commonHeaders(facts, facts.visitor.identity_headers),
  ...['x-request-id', facts.request_id],
];

/** All but the id of the request: what two requests with the same fields, visitor and target have in common. */
const commonHeaders = (facts: Omit<Forwarding, 'request_id'>, identity: Visitor['identity_headers']): string[] => {
  const { request, arrival, route, target } = facts;
  const raw = request.rawHeaders;
  const named = namedByConnection(request.headers.connection);
  const headers: string[] = ['host', route.preserve_host ? arrival.authority : hostOf(target)];
  let chain = '';
  for (let at = 0; at < raw.length; at += 2) {
    const [name, value] = [raw[at]!, raw[at + 1]!];
    if (named?.has(name.toLowerCase()) === true) continue;
    switch (treatmentOf(name)) {
      case pass:
        headers.push(name, value);
        break;
      case cookie: {
        const left = withoutOwnCookies(value);
        if (left !== null) headers.push(name, left);
        break;
      }
      case authorization:
        if (passedAuthorization(value, facts)) headers.push(name, value);
        break;
      case apiKey:
        if (!isApiKey(value)) headers.push(name, value);
        break;
      case te:
        if (/(?:^|,)\s*trailers\s*(?:,|;|$)/i.test(value)) headers.push('te', 'trailers');
        break;
      case via:
        chain += `${value}, `;
        break;
    }
  }
  headers.push(...linesFor(request, arrival, facts.prefix));
  headers.push('via', chain + facts.via);
  if (route.upstream_auth.kind === 'header') headers.push('authorization', route.upstream_auth.value);
  for (const [name, value] of identity) headers.push(name, value);
  return headers;
};

interface Common {
  fields: object;
  facts: Omit<Forwarding, 'request_id' | 'request'>;
  identity: Visitor['identity_headers'];
  headers: SharedHeaders;
}
const common = Symbol('common headers');
type WithCommon = PassedRequest['socket'] & { [common]?: Common };

/**
 * Those that are the same as for the request before on the same connection, so that they need not be made and written
 * out again; null where nothing tells that they are. The id of the request is not among them.
 */
export const sharedHeaders = (facts: Forwarding): SharedHeaders | null => {
  const { request, arrival, route, target, visitor, prefix, via, upgrade, origin } = facts;
  const { fields } = request;
  if (fields === undefined) return null;
  const socket = request.socket as WithCommon;
  const last = socket[common];
  // Asked for once: some are good for one request, and new each time.
  const identity = visitor.identity_headers;
  if (
    last?.fields === fields &&
    last.identity === identity &&
    last.facts.visitor === visitor &&
    last.facts.route === route &&
    last.facts.target === target &&
    last.facts.arrival === arrival &&
    last.facts.prefix === prefix &&
    last.facts.via === via &&
    last.facts.upgrade === upgrade &&
    last.facts.origin === origin
  )
    return last.headers;
  const kept = { arrival, route, target, visitor, prefix, via, upgrade, origin };
  const headers = new SharedHeaders(commonHeaders(facts, identity));
  socket[common] = { fields, facts: kept, identity, headers };
  return headers;
};

/** How often a request came through this server before. */
export const passesThrough = (request: PassedRequest, ownVia: string): number => {
  const chain = request.headers.via;
  return chain === undefined ? 0 : chain.split(ownVia).length - 1;
};

/** Sets and removes headers as a filter says; names in any case. */
export const changeHeaders = (headers: string[], changes: Readonly<Record<string, string | null>>): string[] => {
  const names = Object.keys(changes);
  if (names.length === 0) return headers;
  const gone = new Set(names.map((name) => name.toLowerCase()));
  const left: string[] = [];
  for (let at = 0; at < headers.length; at += 2)
    if (!gone.has(headers[at]!.toLowerCase())) left.push(headers[at]!, headers[at + 1]!);
  for (const name of names) if (changes[name] !== null) left.push(name, changes[name]!);
  return left;
};
