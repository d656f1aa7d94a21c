import type { Page } from 'playwright-core';
import type { AdminPage } from './admin-pages.ts';
import { boardAnswers, house, morning, onlyLooking, withEmptyBoard } from './board-answers.ts';

const tile = '[data-tile]';
const path = `/services/${morning.id}`;

/** Boards in the states that a person meets. */
export const boardPages: AdminPage[] = [
  { name: 'board', path, answers: boardAnswers, ready: tile },
  { name: 'board-arranging', path: `${path}?arrange=true`, answers: boardAnswers, ready: 'text=Add group' },
  { name: 'board-empty', path, answers: withEmptyBoard, ready: 'text=Nothing is on this board' },
  { name: 'board-none-fits', path: `${path}?q=zzz`, answers: boardAnswers, ready: 'text=Nothing here fits' },
  { name: 'board-viewer', path: `/services/${house.id}`, answers: onlyLooking, ready: tile },
  {
    name: 'board-new',
    path: '/services',
    answers: boardAnswers,
    ready: '[data-service]',
    async act(page: Page) {
      await page.getByRole('button', { name: 'New board' }).click();
      await page.waitForSelector('[name=board-name]');
    },
  },
  {
    name: 'board-add',
    path,
    answers: boardAnswers,
    ready: tile,
    async act(page: Page) {
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      await page.waitForSelector('[role=dialog] label');
    },
  },
  {
    name: 'board-tile',
    path: `${path}?arrange=true`,
    answers: boardAnswers,
    ready: 'text=Add group',
    async act(page: Page) {
      await page.getByRole('button', { name: /^Notes.*, 1 of/ }).click();
      await page.waitForSelector('[role=dialog] [role=checkbox]');
    },
  },
];
