import type { Page } from 'playwright-core';
import type { AdminPage } from './admin-pages.ts';
import {
  failed,
  forgejo,
  noEngine,
  nothingInstalled,
  pulling,
  takenPort,
  toolboxAnswers,
  withDanger,
} from './toolbox-answers.ts';

const template = '[data-template]';
const plan = 'text=What will be made';
const made = 'text=Ports, on 127.0.0.1 alone';
const makeUp = (page: Page) => page.getByRole('button', { name: 'Make up all 3 passwords' }).click();

/** The pages of the toolbox in the states that a person meets. */
export const toolboxPages: AdminPage[] = [
  { name: 'toolbox', path: '/toolbox', answers: toolboxAnswers, ready: template },
  { name: 'toolbox-no-engine', path: '/toolbox', answers: noEngine, ready: 'text=no socket of Docker' },
  { name: 'template', path: '/toolbox/templates/paperless-ngx', answers: toolboxAnswers, ready: made },
  {
    name: 'template-filled',
    path: '/toolbox/templates/paperless-ngx',
    answers: takenPort,
    ready: made,
    async act(page) {
      await makeUp(page);
      await page.getByText('5 more settings').click();
      await page.getByRole('button', { name: 'Install', exact: true }).click();
      await page.waitForSelector('text=is taken by the container');
    },
  },
  { name: 'template-danger', path: '/toolbox/templates/dozzle', answers: withDanger, ready: plan },
  { name: 'installed', path: '/toolbox/installed', answers: toolboxAnswers, ready: '[data-deployment]' },
  {
    name: 'installed-none',
    path: '/toolbox/installed',
    answers: nothingInstalled,
    ready: 'text=Nothing was installed',
  },
  { name: 'deployment', path: `/toolbox/installed/${forgejo.id}`, answers: toolboxAnswers, ready: 'text=Listen:' },
  {
    name: 'deployment-pulling',
    path: `/toolbox/installed/${pulling.id}`,
    answers: toolboxAnswers,
    ready: '[aria-label=Images]',
  },
  {
    name: 'deployment-failed',
    path: `/toolbox/installed/${failed.id}`,
    answers: toolboxAnswers,
    ready: 'text=is not well',
  },
  {
    name: 'deployment-remove',
    path: `/toolbox/installed/${forgejo.id}`,
    answers: toolboxAnswers,
    ready: 'text=Listen:',
    async act(page) {
      await page.getByRole('button', { name: 'Remove', exact: true }).click();
      await page.waitForSelector('[role=dialog]');
    },
  },
  {
    name: 'deployment-update',
    path: `/toolbox/installed/${forgejo.id}`,
    answers: toolboxAnswers,
    ready: 'text=Listen:',
    async act(page) {
      await page.getByRole('button', { name: 'Update', exact: true }).click();
      await page.waitForSelector('[role=dialog] [name=variable-PORT]');
    },
  },
];
