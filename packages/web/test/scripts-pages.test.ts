import { toRequest } from '@atrium/protocol';
import { expect, test } from 'vitest';
import type { AdminPage } from './support/admin-pages.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { recorded } from './support/recorded-api.ts';
import { changedId, noScripts, scriptRecords, scriptsAnswers, scriptsOff } from './support/scripts-answers.ts';

test('every recorded answer of scripts is one that the contract allows, to a call that it allows', () => {
  expect(scriptRecords.length).toBeGreaterThan(8);
  for (const { operation, input, body } of scriptRecords) {
    expect(() => operation.input.parse(input), operation.name).not.toThrow();
    expect(operation.output.parse(body), operation.name).toEqual(body);
    expect(toRequest(operation, input as Record<string, unknown>).method).toBe(operation.method);
  }
});

/** Pages as they simply open are looked at among all pages. */
const pages: AdminPage[] = [
  { name: 'scripts-off', path: '/scripts', answers: scriptsOff, ready: 'text=Scripts are switched off' },
  { name: 'scripts-none', path: '/scripts', answers: noScripts, ready: 'text=Register the first one' },
  { name: 'script-changed', path: `/scripts/${changedId}`, answers: scriptsAnswers, ready: 'text=Agree to the change' },
  {
    name: 'script-register',
    path: '/scripts',
    answers: scriptsAnswers,
    ready: '[data-script]',
    async act(page) {
      await page.getByRole('button', { name: 'Register script' }).click();
      await page.getByRole('button', { name: 'Add a parameter' }).click();
    },
  },
  {
    name: 'script-chain-edit',
    path: '/scripts/chains',
    answers: scriptsAnswers,
    ready: '[data-chain]',
    async act(page) {
      await page.getByRole('button', { name: 'Edit Sunday maintenance' }).click();
      await page.getByRole('button', { name: 'Move step 2 up' }).click();
    },
  },
  {
    name: 'script-schedule-new',
    path: '/scripts/schedules',
    answers: scriptsAnswers,
    ready: '[data-schedule]',
    async act(page) {
      await page.getByRole('button', { name: 'Add a schedule' }).click();
      await page.waitForSelector('[role=dialog] [aria-label="Next times"]');
    },
  },
];

describeStates(serveForTests(), pages, ({ answers }) => recorded(answers));
