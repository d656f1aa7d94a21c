import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differenceOf, differencesOf, type State, takenBack } from './gateway-document.ts';
import type { Entry, VersionDocument } from './versions-rows.ts';

const slugs = ['a', 'b', 'c', 'd'];
const entries = fc.dictionary(
  fc.constantFrom(...slugs),
  fc.record(
    { id: fc.constantFrom('1', '2'), source: fc.constant('ui'), name: fc.string({ maxLength: 3 }) },
    { noNullPrototype: true },
  ),
);
const states = fc.record({ apps: entries, routes: entries });
const stateOf = ({ apps, routes }: { apps: Record<string, Entry>; routes: Record<string, Entry> }): State => ({
  apps: new Map(Object.entries(apps)),
  routes: new Map(Object.entries(routes)),
});
const sorted = (entries: ReadonlyMap<string, Entry>) => [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
const plain = ({ apps, routes }: State) => ({ apps: sorted(apps), routes: sorted(routes) });

describe('versions as differences', () => {
  it('every state of a history comes back when the later versions are taken back', () => {
    fc.assert(
      fc.property(fc.array(states, { minLength: 1, maxLength: 8 }), (history) => {
        const all = history.map(stateOf);
        const versions: VersionDocument[] = all.map((state, i) =>
          differenceOf(i === 0 ? { apps: new Map(), routes: new Map() } : all[i - 1]!, state),
        );
        for (const [i, state] of all.entries())
          expect(plain(takenBack(all.at(-1)!, versions.slice(i + 1).toReversed()))).toEqual(plain(state));
      }),
    );
  });

  it('names each field that changed, and the whole of what is new or gone', () => {
    const entry = (name: string): Entry => ({ id: '1', source: 'ui', name, tags: ['x'] });
    const document: VersionDocument = {
      apps: { notes: { before: entry('Notes'), after: entry('My notes') } },
      routes: { old: { before: entry('Old'), after: null }, fresh: { before: null, after: entry('Fresh') } },
    };
    expect(differencesOf(document)).toEqual([
      { path: 'apps.notes.name', before: 'Notes', after: 'My notes' },
      { path: 'routes.fresh', before: null, after: entry('Fresh') },
      { path: 'routes.old', before: entry('Old'), after: null },
    ]);
  });
});
