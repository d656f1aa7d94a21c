import type { healthStates, routeSources } from '@atrium/protocol';

const text = (value: unknown, most = 200): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= most ? value : undefined;
// A search of digits alone comes out of the address as a number.
const words = (value: unknown): string | undefined => text(typeof value === 'number' ? String(value) : value);
const oneOf = <T extends string>(values: readonly T[], value: unknown): T | undefined =>
  values.find((known) => known === value);

// Spelled out here: the shapes of the contract are no part of the first page, which reads these addresses.
const sources = ['ui', 'file', 'label', 'http', 'federation'] as const satisfies typeof routeSources;
const states = ['healthy', 'unhealthy', 'unknown'] as const satisfies typeof healthStates;
const slug = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value) ? value : undefined;

/* What the addresses of the pages carry, so that a reload shows the same again. */

export const parseServices = (search: Record<string, unknown>): { q?: string | undefined } => ({
  q: words(search['q']),
});

export interface RoutesSearch {
  q?: string | undefined;
  source?: (typeof routeSources)[number] | undefined;
  status?: (typeof healthStates)[number] | undefined;
}
export const parseRoutes = (search: Record<string, unknown>): RoutesSearch => ({
  q: words(search['q']),
  source: oneOf(sources, search['source']),
  status: oneOf(states, search['status']),
});

export interface TesterSearch {
  method?: string | undefined;
  url?: string | undefined;
  as?: string | undefined;
}
export const parseTester = (search: Record<string, unknown>): TesterSearch => ({
  method: oneOf(testedMethods, search['method']),
  url: text(search['url'], 4000),
  as: text(search['as']),
});
export const testedMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export interface VersionsSearch {
  version?: number | undefined;
  against?: 'now' | undefined;
}
export const parseVersions = (search: Record<string, unknown>): VersionsSearch => ({
  version: typeof search['version'] === 'number' && search['version'] >= 1 ? Math.trunc(search['version']) : undefined,
  against: oneOf(['now'], search['against']),
});

export const foundLists = {
  pending: 'Waiting',
  approved: 'Approved',
  dismissed: 'Dismissed',
} as const;
export type FoundList = keyof typeof foundLists;
export interface FoundSearch {
  list?: Exclude<FoundList, 'pending'> | undefined;
  q?: string | undefined;
}
export const parseFound = (search: Record<string, unknown>): FoundSearch => ({
  list: oneOf(['approved', 'dismissed'], search['list']),
  q: words(search['q']),
});

/** Spans of days that the figures offer; the contract keeps ninety. */
export const spans = [1, 7, 30, 90] as const satisfies readonly number[];
export type Span = (typeof spans)[number];
export const usualSpan: Span = 7;
const shown = ['errors', 'sent', 'latency'] as const;
export interface TrafficSearch {
  /** The figure of the chart; requests without it. */
  show?: (typeof shown)[number] | undefined;
  days?: Span | undefined;
  app?: string | undefined;
}
export const parseTraffic = (search: Record<string, unknown>): TrafficSearch => ({
  show: oneOf(shown, search['show']),
  days: spans.find((days) => days === search['days'] && days !== usualSpan),
  app: slug(search['app']),
});

export const statusClasses = ['2xx', '3xx', '4xx', '5xx'] as const;
export interface LogSearch {
  q?: string | undefined;
  app?: string | undefined;
  status?: (typeof statusClasses)[number] | undefined;
}
export const parseLog = (search: Record<string, unknown>): LogSearch => ({
  q: words(search['q']),
  app: slug(search['app']),
  status: oneOf(statusClasses, search['status']),
});
