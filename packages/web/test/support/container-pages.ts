import type { Page } from 'playwright-core';
import type { AdminPage } from './admin-pages.ts';
import {
  containerAnswers,
  limitedContainers,
  manyContainers,
  noContainers,
  noEngine,
  opened,
} from './container-answers.ts';

const row = '[role=row][data-row], ul[aria-label] > li > button';
const openExport = async (page: Page) => {
  const button = page.getByRole('button', { name: 'Export' });
  // On the phone there is room for what is done to a container alone.
  if (await button.isVisible()) {
    await button.click();
    await page.waitForSelector('text=compose.yaml');
  }
};

/** The pages of containers in the states that a person meets. */
export const containerPages: AdminPage[] = [
  { name: 'containers', path: '/containers', answers: containerAnswers, ready: row },
  {
    name: 'containers-limited',
    path: '/containers',
    answers: limitedContainers,
    ready: 'text=ALLOW_START',
    variant: true,
  },
  { name: 'containers-away', path: '/containers', answers: noEngine, ready: 'text=No container engine answers' },
  { name: 'containers-none', path: '/containers', answers: noContainers, ready: 'text=Nothing runs here yet' },
  { name: 'containers-many', path: '/containers', answers: manyContainers, ready: row, variant: true },
  { name: 'container', path: `/containers/${opened.id}`, answers: containerAnswers, ready: 'text=SESSION_SECRET' },
  {
    name: 'container-export',
    path: `/containers/${opened.id}`,
    answers: containerAnswers,
    ready: 'text=SESSION_SECRET',
    act: openExport,
    variant: true,
  },
];
