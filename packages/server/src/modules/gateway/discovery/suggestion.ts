import { firstSlug } from './app-slug.ts';
import type { LabelReading } from './labels.ts';
import type { SuggestedApp } from './sighting.ts';

export interface AppGuess {
  /** Where a slug may come from, the best first. */
  names: readonly (string | null | undefined)[];
  name: string;
  icon?: string | null | undefined;
  tags?: readonly string[] | undefined;
  group?: string | null | undefined;
  description?: string | null | undefined;
}

const iconless = '📦';

const line = (text: string, longest: number): string =>
  text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longest);

/** The app as its labels want it, with guesses where they are silent. */
export const suggestApp = ({ app }: LabelReading, guess: AppGuess): SuggestedApp => {
  const slug = firstSlug(app.id, ...guess.names);
  const tags = app.tags ?? guess.tags ?? [];
  const group = app.group ?? guess.group ?? null;
  return {
    slug,
    name: line(app.name ?? guess.name, 100) || slug,
    icon: line(app.icon ?? guess.icon ?? '', 500) || iconless,
    tags: [...new Set(tags.map((tag) => line(tag, 50)))].filter((tag) => tag !== '').slice(0, 20),
    group: group === null ? null : line(group, 100) || null,
    description: line(guess.description ?? '', 500),
  };
};

/** `/grafana` → `/apps/grafana/`: paths of apps lie below `/apps/`, nowhere else. Null when it cannot be one. */
export const pathBaseOf = (path: string): string | null => {
  const below = path.startsWith('/apps/') ? path : `/apps${path.startsWith('/') ? '' : '/'}${path}`;
  const segments = below.split('/');
  const fits =
    /^\/[^\s?#\\%]*$/.test(below) && below.length <= 500 && !segments.some((one) => one === '.' || one === '..');
  // `/apps/` itself is no app.
  return fits && segments.filter((one) => one !== '').length > 1 ? below : null;
};

const hostForm = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;

/** Fields of a route that labels ask for. What they leave out stays as routes are made anyway. */
export const suggestRoute = (reading: LabelReading, slug: string): Record<string, unknown> => {
  const { route } = reading;
  const hosts = (route.hosts ?? [])
    .map((host) => host.toLowerCase().replace(/\.$/, ''))
    .filter((host) => hostForm.test(host));
  const path = route.path === null ? null : pathBaseOf(route.path);
  const scopes = (route.scopes ?? (reading.app.id === null ? [] : [`access:${slug}`])).filter((one) =>
    scopeForm.test(one),
  );
  const access = route.access ?? (scopes.length > 0 ? 'scopes' : 'signed_in');
  return {
    ...(hosts.length === 0 ? {} : { mode: path === null ? 'host' : 'both', hosts: hosts.slice(0, 20) }),
    ...(path === null ? {} : { path_base: path }),
    access: access === 'scopes' && scopes.length === 0 ? 'signed_in' : access,
    ...(scopes.length === 0 || access !== 'scopes' ? {} : { scopes: scopes.slice(0, 20) }),
    ...(route.strip_prefix === null ? {} : { strip_prefix: route.strip_prefix }),
    ...(route.rewrite === null ? {} : { rewrite: route.rewrite }),
    // Labels are silent about sockets and mean that there are none; who has no labels at all has said nothing.
    ...(reading.any ? { websockets: route.websockets ?? false } : {}),
    ...(reading.health_skip ? { health: { skip: true } } : {}),
  };
};
