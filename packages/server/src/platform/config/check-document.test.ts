import { gatewayDocument } from '@atrium/protocol';
import { expect, it } from 'vitest';
import { checkDocument } from './check-document.ts';

const appsOf = (count: number) => Array.from({ length: count }, (_, n) => ({ slug: `app-${n}`, name: `App ${n}` }));
const routesOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ slug: `app-${n}`, targets: [{ url: `http://192.168.1.1:${n + 1}` }] }));

it('a document that is checked in parts comes out as if it were checked as a whole', async () => {
  for (const content of [
    { apps: appsOf(250), routes: routesOf(333) },
    { apps: appsOf(101) },
    { routes: routesOf(100) },
    {},
  ])
    expect(await checkDocument(content)).toEqual({ document: gatewayDocument.parse(content) });
  expect(await checkDocument(null)).toEqual({ document: { apps: [], routes: [] } });
});

it('problems have the places that they have in the whole document', async () => {
  const [apps, routes] = [appsOf(250), routesOf(333)] as [unknown[], unknown[]];
  apps[249] = { slug: 'no name' };
  routes[0] = { slug: 'x', colour: 'red' };
  routes[250] = 'nothing';
  const content = { apps, routes, more: 1 };
  const answer = (await checkDocument(content)) as { problems: { path: string }[] };
  const whole = gatewayDocument.safeParse(content).error!.issues.map(({ path }) => path.join('.'));
  expect(answer.problems.map(({ path }) => path).toSorted()).toEqual(whole.toSorted());
  expect(answer.problems.map(({ path }) => path)).toEqual([
    '',
    'apps.249.slug',
    'apps.249.name',
    'routes.0',
    'routes.250',
  ]);
});

it('refuses more than a document may have, and lists that are none', async () => {
  expect(await checkDocument({ apps: appsOf(2001) })).toMatchObject({ problems: [{ path: 'apps' }] });
  expect(await checkDocument({ routes: 'all' })).toMatchObject({ problems: [{ path: 'routes' }] });
  expect(await checkDocument([])).toMatchObject({ problems: [{ path: '' }] });
});
