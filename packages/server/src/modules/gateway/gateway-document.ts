import { type CheckedDocument, checkDocument } from '../../platform/config/check-document.ts';
import { readYaml } from '../../platform/config/read-yaml.ts';
import type { GatewaySettings } from './gateway-settings.ts';
import { withDefaults } from './route-fields.ts';
import type { Change, Entry, VersionDocument } from './versions-rows.ts';

export const readDocument = async (text: string): Promise<CheckedDocument> => {
  const read = await readYaml(text);
  if ('problems' in read) return { problems: read.problems.map((message) => ({ path: '', message })) };
  return checkDocument(read.content);
};

/** JSON with its members in order, so that equal things have equal texts. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

export const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b);

export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

const ofEntry = (path: string, { before, after }: Change): Difference[] => {
  if (before === null || after === null) return isSame(before, after) ? [] : [{ path, before, after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names
    .filter((name) => !isSame(before[name], after[name]))
    .map((name) => ({ path: `${path}.${name}`, before: before[name] ?? null, after: after[name] ?? null }));
};

export const differencesOf = (document: VersionDocument): Difference[] =>
  (['apps', 'routes'] as const).flatMap((kind) =>
    Object.entries(document[kind])
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([slug, change]) => ofEntry(`${kind}.${slug}`, change)),
  );

export interface State {
  apps: Map<string, Entry>;
  routes: Map<string, Entry>;
}

/** The state before these versions, which come newest first. */
export const takenBack = (now: State, later: readonly VersionDocument[]): State => {
  const state: State = { apps: new Map(now.apps), routes: new Map(now.routes) };
  for (const document of later) {
    for (const kind of ['apps', 'routes'] as const) {
      for (const [slug, { before }] of Object.entries(document[kind])) {
        if (before === null) state[kind].delete(slug);
        else state[kind].set(slug, before);
      }
    }
  }
  return state;
};

export const differenceOf = (from: State, to: State): VersionDocument => {
  const changes = (a: ReadonlyMap<string, Entry>, b: ReadonlyMap<string, Entry>): Record<string, Change> => {
    const slugs = [...new Set([...a.keys(), ...b.keys()])];
    const pairs = slugs.map((slug) => [slug, { before: a.get(slug) ?? null, after: b.get(slug) ?? null }] as const);
    return Object.fromEntries(pairs.filter(([, { before, after }]) => !isSame(before, after)));
  };
  return { apps: changes(from.apps, to.apps), routes: changes(from.routes, to.routes) };
};

/** An entry as a document holds it: without what belongs to the row, and without what is the default anyway. */
export const exported = (slug: string, entry: Entry, settings: GatewaySettings): Record<string, unknown> => {
  const { id: _, source: __, app, ...fields } = entry;
  const defaults: Record<string, unknown> = { ...withDefaults(slug, { mode: fields['mode'] as never }, settings) };
  defaults['path_base'] = fields['mode'] === 'host' ? null : `/apps/${slug}/`;
  const said = Object.entries(fields).filter(([name, value]) => name === 'mode' || !isSame(value, defaults[name]));
  return { slug, ...(app === slug ? {} : { app }), ...Object.fromEntries(said) };
};
