import type { InputOf, RouteView, routesUpdate } from '@atrium/protocol';
import { accessWords, kindWords, modeWords, strategyWords } from './gateway-words.ts';

/** Every field of a route that a person writes, with what it is called on the page. */
export const fieldLabels = {
  slug: 'Short name',
  kind: 'What it does',
  stream: 'Port',
  mode: 'Reached by',
  path_base: 'Path',
  hosts: 'Host names',
  host_path: 'Path on the host',
  targets: 'Targets',
  strategy: 'Choice of target',
  redirect_to: 'Redirects to',
  container_ref: 'Container',
  access: 'Who may open it',
  people: 'Chosen people',
  scopes: 'Scopes',
  trusted: 'Trusted on plain HTTP',
  websockets: 'WebSockets',
  strip_prefix: 'Remove the path',
  rewrite: 'Rewrite pages',
  exclude_paths: 'Never rewritten',
  rewrite_cookie_paths: 'Rewrite cookie paths',
  strip_response_cookies: 'Drop cookies',
  persist_cookies: 'Keep cookies here',
  health: 'Health checks',
  timeouts: 'Timeouts',
  max_body: 'Largest upload',
  buffering: 'Buffering',
  compress: 'Compression',
  cache: 'Cache',
  cache_stale_if_error_s: 'Stands in for a failing app',
  preserve_host: 'Keep the host name',
  upstream_auth: 'Sign-in at the target',
  upstream_tls: 'TLS to the target',
  filters: 'Filters',
  recipe: 'Recipe',
} as const;
export type RouteField = keyof typeof fieldLabels;
export const routeFields = Object.keys(fieldLabels) as RouteField[];

export type RouteDraft = Pick<RouteView, RouteField>;
export type StreamDraft = NonNullable<RouteDraft['stream']>;
export type RouteChange = Partial<Omit<InputOf<typeof routesUpdate>, 'id' | 'version'>>;

export const draftOf = (route: RouteView): RouteDraft =>
  Object.fromEntries(routeFields.map((field) => [field, route[field]])) as RouteDraft;

/** Texts of two values are compared with members in one order: a form may write them in another than the server. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(
          Object.entries(part)
            .filter(([, member]) => member !== undefined)
            .toSorted(([a], [b]) => (a < b ? -1 : 1)),
        )
      : part,
  );

export const changedFields = (from: RouteDraft, to: RouteDraft): RouteField[] =>
  routeFields.filter((field) => textOf(from[field]) !== textOf(to[field]));

/** Only what was changed: a field that is not sent keeps what others made of it. */
export const changeOf = (base: RouteDraft, draft: RouteDraft): RouteChange =>
  Object.fromEntries(changedFields(base, draft).map((field) => [field, draft[field]])) as RouteChange;

export interface Meanwhile {
  field: RouteField;
  label: string;
  before: string;
  now: string;
  /** The draft changes it as well. */
  contested: boolean;
}

/** What became of a route while somebody was writing a draft on an older version of it. */
export const meanwhile = (base: RouteDraft, draft: RouteDraft, current: RouteDraft): Meanwhile[] => {
  const own = new Set(changedFields(base, draft));
  return changedFields(base, current).map((field) => ({
    field,
    label: fieldLabels[field],
    before: sayValue(field, base[field]),
    now: sayValue(field, current[field]),
    contested: own.has(field) && textOf(draft[field]) !== textOf(current[field]),
  }));
};

/** The draft as if it had been begun on the current version: own changes stay, everything else is taken over. */
export const rebase = (base: RouteDraft, draft: RouteDraft, current: RouteDraft): RouteDraft =>
  ({ ...current, ...changeOf(base, draft) }) as RouteDraft;

/** The same place as a target of a stream, or of HTTP again. */
export const asStreamTarget = (url: string, protocol: StreamDraft['protocol']): string => {
  const [, scheme = '', host = url] = /^([a-z]+):\/\/([^/]*)/i.exec(url) ?? [];
  const named = /:\d+$/.test(host) || host === '' ? host : `${host}:${scheme.toLowerCase() === 'https' ? 443 : 80}`;
  return `${protocol}://${named}`;
};
const asHttpTarget = (url: string): string => url.replace(/^(?:tcp|udp):/i, 'http:');

/** Which filters need nothing of HTTP. */
export const streamFilters: readonly FilterKind[] = ['ip_allow', 'rate', 'geoblock'];

/** What else changes when a route does another thing: what it cannot have any more goes. */
export const ofKind = (draft: RouteDraft, kind: RouteDraft['kind']): Partial<RouteDraft> => {
  if (kind !== 'stream')
    return {
      kind,
      stream: null,
      targets: draft.targets.map((target) => ({ ...target, url: asHttpTarget(target.url) })),
      ...(draft.kind === 'stream' ? { access: 'signed_in' } : {}),
    };
  const [first] = draft.targets;
  const port = Number(/:(\d{1,5})(?:\/|$)/.exec(first?.url ?? '')?.[1] ?? 9000);
  return {
    kind,
    stream: draft.stream ?? {
      ...{ protocol: 'tcp', port, names: [], proxy_protocol: false, max_connections: 1000, max_per_address: 100 },
    },
    access: 'public',
    targets: draft.targets.map((target) => ({
      ...target,
      url: asStreamTarget(target.url, draft.stream?.protocol ?? 'tcp'),
    })),
    strategy: draft.strategy === 'sticky' ? 'round_robin' : draft.strategy,
    filters: draft.filters.filter((filter) => streamFilters.includes(filter.kind)),
  };
};

const yesNo = (value: unknown): string => (value === true ? 'on' : 'off');
const listed = (values: readonly string[]): string => (values.length === 0 ? 'none' : values.join(', '));

/** A value of a field on one line, for lists of changes. */
export const sayValue = (field: RouteField, value: unknown): string => {
  switch (field) {
    case 'kind':
      return kindWords[value as RouteDraft['kind']].label;
    case 'mode':
      return modeWords[value as RouteDraft['mode']].label;
    case 'access':
      return accessWords[value as RouteDraft['access']].label;
    case 'strategy':
      return strategyWords[value as RouteDraft['strategy']];
    case 'targets':
      return listed(
        (value as RouteDraft['targets']).map(({ url, weight }) => (weight === 1 ? url : `${url} ×${weight}`)),
      );
    case 'filters':
      return listed((value as RouteDraft['filters']).map(({ kind }) => filterWords[kind].label));
    case 'upstream_auth':
      return authWords[(value as RouteDraft['upstream_auth']).kind].label;
    case 'stream': {
      if (value === null) return 'none';
      const { protocol, port, names } = value as StreamDraft;
      return `${protocol.toUpperCase()} ${port}${names.length === 0 ? '' : ` for ${names.join(', ')}`}`;
    }
    case 'people': {
      const { user_ids, team_ids, role_ids } = value as RouteDraft['people'];
      return `${user_ids.length} people, ${team_ids.length} teams, ${role_ids.length} roles`;
    }
    default:
      if (typeof value === 'boolean') return yesNo(value);
      if (value === null || value === '') return 'none';
      if (Array.isArray(value)) return listed(value.map(String));
      if (typeof value === 'object')
        return listed(
          Object.entries(value)
            .filter(([, member]) => member !== undefined && member !== null)
            .map(
              ([key, member]) =>
                `${key.replaceAll('_', ' ')} ${typeof member === 'boolean' ? yesNo(member) : String(member)}`,
            ),
        );
      return String(value);
  }
};

export type FilterKind = RouteDraft['filters'][number]['kind'];
export const filterWords: Record<FilterKind, { label: string; hint: string }> = {
  ip_allow: { label: 'Only from these addresses', hint: 'Everybody else is refused' },
  rate: { label: 'Rate limit', hint: 'So many requests in so long' },
  headers: { label: 'Headers', hint: 'Set or removed on the way in and out' },
  redirect: { label: 'Redirect', hint: 'One path to another' },
  basic_auth: { label: 'Names and passwords', hint: 'Asked by the browser, for clients that know nothing better' },
  circuit: { label: 'Circuit breaker', hint: 'Leaves an app alone for a while that fails too often' },
  mirror: { label: 'Copy to another target', hint: 'Its answers go nowhere, and nobody waits for it' },
  geoblock: { label: 'Countries', hint: 'By the address of the client and a local database' },
  retry: { label: 'Try again', hint: 'At another target when the first fails' },
  cors_preflight: { label: 'Let preflights through', hint: 'They reach the app without a sign-in' },
};

export const authWords: Record<RouteDraft['upstream_auth']['kind'], { label: string; hint: string }> = {
  strip: { label: 'Nothing', hint: 'The Authorization header of the client ends here' },
  pass: { label: "The client's own header", hint: 'Tokens of Atrium are removed even then' },
  basic: { label: 'Name and password', hint: 'Kept sealed, sent with every request' },
  bearer: { label: 'Token', hint: 'Kept sealed, sent with every request' },
};

export interface DraftWarning {
  tone: 'warning' | 'danger' | 'info';
  text: string;
}

/** What to know of a draft before it is saved. The server has the last word; these come as one types. */
export const draftWarnings = (draft: RouteDraft): DraftWarning[] => {
  const found: DraftWarning[] = [];
  const say = (tone: DraftWarning['tone'], text: string): void => void found.push({ tone, text });
  if ((draft.kind === 'http' || draft.kind === 'stream') && draft.targets.length === 0)
    say('danger', 'There is no target to pass requests on to.');
  if (draft.kind === 'redirect' && !draft.redirect_to) say('danger', 'There is no address to redirect to.');
  if (draft.access === 'public' && draft.kind !== 'stream')
    say('warning', 'Everybody can open this, also strangers on the internet if they reach the server.');
  const { user_ids, team_ids, role_ids } = draft.people;
  if (draft.access === 'people' && user_ids.length + team_ids.length + role_ids.length === 0)
    say('danger', 'Nobody is chosen, so nobody can open it.');
  if (draft.access === 'scopes' && draft.scopes.length === 0) say('info', 'No scope is named, so every member passes.');
  if (!draft.upstream_tls.verify && draft.targets.some(({ url }) => url.startsWith('https:')))
    say(
      'warning',
      'The certificate of the target is not verified: whoever sits between can read and change everything.',
    );
  if (
    (draft.upstream_auth.kind === 'basic' || draft.upstream_auth.kind === 'bearer') &&
    draft.targets.some(({ url }) => url.startsWith('http:'))
  )
    say('warning', 'A secret goes to the target over plain HTTP.');
  if (draft.targets.length > 0 && draft.targets.every(({ weight }) => weight === 0))
    say('danger', 'Every target has weight 0, so none is chosen.');
  return found;
};

/** Lines of a text as a list, without empty ones. */
export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Headers as lines: `Name: value` sets, `-Name` removes. */
export const headersText = (headers: Readonly<Record<string, string | null>>): string =>
  Object.entries(headers)
    .map(([name, value]) => (value === null ? `-${name}` : `${name}: ${value}`))
    .join('\n');
export const headersOf = (text: string): Record<string, string | null> =>
  Object.fromEntries(
    linesOf(text).map((one): [string, string | null] => {
      if (one.startsWith('-')) return [one.slice(1).trim(), null];
      const colon = one.indexOf(':');
      return colon < 0 ? [one, ''] : [one.slice(0, colon).trim(), one.slice(colon + 1).trim()];
    }),
  );

/** A short name made of what an app is called. */
export const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64);
