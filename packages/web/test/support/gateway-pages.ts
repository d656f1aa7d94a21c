import type { Page } from 'playwright-core';
import type { AdminPage } from './admin-pages.ts';
import {
  gatewayAnswers,
  gatewayFails,
  lockedRoute,
  manyGateway,
  noGateway,
  notesRoute,
  onlyOne,
  streamRoute,
  takenAddress,
} from './gateway-answers.ts';

const row = '[role=row][data-row], ul[aria-label] > li > button';
const tile = '[data-service]';
const routePath = `/routes/${notesRoute.id}`;
const dialog = '[role=dialog]';

const press = (name: string) => async (page: Page) => {
  await page.getByRole('button', { name, exact: true }).first().click();
  await page.waitForSelector(dialog);
};
const rename = async (page: Page) => {
  await page.fill('[name=path-base]', '/apps/board/');
  await page.waitForSelector('text=One change');
};

/** The pages of the gateway in the states that a person meets. */
export const gatewayPages: AdminPage[] = [
  { name: 'services', path: '/services', answers: gatewayAnswers, ready: tile },
  { name: 'services-one', path: '/services', answers: onlyOne, ready: tile, variant: true },
  { name: 'services-many', path: '/services', answers: manyGateway, ready: tile, variant: true },
  { name: 'services-empty', path: '/services', answers: noGateway, ready: 'text=Show Atrium the Docker socket' },
  {
    name: 'services-none-fits',
    path: '/services?q=zzz',
    answers: gatewayAnswers,
    ready: 'text=No service fits',
    variant: true,
  },
  {
    name: 'services-error',
    path: '/services',
    answers: { ...gatewayAnswers, 'GET /api/v1/apps': gatewayFails },
    ready: 'text=Try again',
    variant: true,
  },
  {
    name: 'add-app',
    path: '/services',
    answers: gatewayAnswers,
    ready: tile,
    async act(page) {
      await press('Add app')(page);
      await page.fill('[name=app-name]', 'Home media');
      await page.click('summary');
    },
  },
  { name: 'routes', path: '/routes', answers: gatewayAnswers, ready: row },
  { name: 'routes-many', path: '/routes?status=healthy', answers: manyGateway, ready: row, variant: true },
  { name: 'routes-empty', path: '/routes', answers: noGateway, ready: 'text=Add the first app', variant: true },
  { name: 'route', path: routePath, answers: gatewayAnswers, ready: 'text=connection refused' },
  {
    name: 'route-end',
    path: routePath,
    answers: gatewayAnswers,
    ready: 'text=The architect of the new kitchen',
    variant: true,
    async act(page) {
      await page.getByText('Delete the app').scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'route-filters',
    path: routePath,
    answers: gatewayAnswers,
    ready: '[name=filter-0]',
    variant: true,
    async act(page) {
      await page.locator('[name=filter-2-request]').scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'route-stream',
    path: `/routes/${streamRoute.id}`,
    answers: gatewayAnswers,
    ready: '[name=stream-port]',
    variant: true,
  },
  {
    name: 'route-locked',
    path: `/routes/${lockedRoute.id}`,
    answers: gatewayAnswers,
    ready: 'text=It is changed there',
    variant: true,
  },
  {
    name: 'route-changed',
    path: routePath,
    answers: gatewayAnswers,
    ready: '[name=path-base]',
    act: rename,
    variant: true,
  },
  {
    name: 'route-refused',
    path: routePath,
    answers: { ...gatewayAnswers, [`PATCH /api/v1${routePath}`]: takenAddress },
    ready: '[name=path-base]',
    variant: true,
    async act(page) {
      await rename(page);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.waitForSelector('[role=alert]');
    },
  },
  { name: 'route-share', path: routePath, answers: gatewayAnswers, ready: 'text=The architect', act: press('Share') },
  {
    name: 'route-shared',
    path: routePath,
    answers: gatewayAnswers,
    ready: 'text=The architect',
    variant: true,
    async act(page) {
      await press('Share')(page);
      await page.getByRole('button', { name: 'Make link' }).click();
      await page.waitForSelector('text=The link is ready');
    },
  },
  {
    name: 'route-delete',
    path: routePath,
    answers: gatewayAnswers,
    ready: 'text=Delete the route',
    act: press('Delete route'),
    variant: true,
  },
  {
    name: 'tester',
    path: '/routes/test?url=https%3A%2F%2Fatrium.northwind.example%2Fapps%2Fnotes%2Fboard',
    answers: gatewayAnswers,
    ready: 'text=Would be asked',
  },
  { name: 'versions', path: '/routes/versions?version=39', answers: gatewayAnswers, ready: '[aria-label=Changes]' },
  { name: 'versions-list', path: '/routes/versions', answers: gatewayAnswers, ready: '[data-version]', variant: true },
  {
    name: 'versions-refused',
    path: '/routes/versions?version=41',
    answers: gatewayAnswers,
    ready: 'text=was refused',
    variant: true,
  },
  {
    name: 'dry-run',
    path: '/routes/versions',
    answers: gatewayAnswers,
    ready: '[data-version]',
    variant: true,
    async act(page) {
      await press('Dry run')(page);
      await page.fill('[name=document]', 'routes:\n  notes:\n    targets: [http://192.168.1.7:8080]');
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.waitForSelector('text=It is whole');
    },
  },
  { name: 'found', path: '/found', answers: gatewayAnswers, ready: '[data-proposal]' },
  {
    name: 'found-one',
    path: '/found',
    answers: gatewayAnswers,
    ready: '[data-proposal]',
    async act(page) {
      await page.getByRole('button', { name: 'Jellyfin', exact: true }).click();
      await page.waitForSelector('[name=found-name]');
    },
  },
  { name: 'found-empty', path: '/found', answers: noGateway, ready: 'text=Nothing waits for you', variant: true },
  { name: 'found-many', path: '/found', answers: manyGateway, ready: '[data-proposal]', variant: true },
  { name: 'traffic', path: '/traffic', answers: gatewayAnswers, ready: '.u-over' },
  {
    name: 'traffic-today',
    path: '/traffic?days=1&show=latency',
    answers: gatewayAnswers,
    ready: '.u-over',
    variant: true,
  },
  { name: 'traffic-empty', path: '/traffic', answers: noGateway, ready: 'text=Nothing leads anywhere', variant: true },
  { name: 'access-log', path: '/traffic/log', answers: gatewayAnswers, ready: row },
  {
    name: 'access-line',
    path: '/traffic/log',
    answers: gatewayAnswers,
    ready: row,
    variant: true,
    async act(page) {
      await page.locator('[role=row][data-row="7"], ul > li:nth-child(8) > button').first().click();
      await page.waitForSelector(dialog);
    },
  },
];
