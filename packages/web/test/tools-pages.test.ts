import { toRequest } from '@atrium/protocol';
import { expect, test } from 'vitest';
import type { AdminPage } from './support/admin-pages.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { recorded } from './support/recorded-api.ts';
import { failingServer, issuesServer, noTools, toolRecords, toolsAnswers } from './support/tools-answers.ts';

test('every recorded answer of tools is one that the contract allows, to a call that it allows', () => {
  expect(toolRecords.length).toBeGreaterThan(5);
  for (const { operation, input, body } of toolRecords) {
    expect(() => operation.input.parse(input), operation.name).not.toThrow();
    expect(operation.output.parse(body), operation.name).toEqual(body);
    expect(toRequest(operation, input as Record<string, unknown>).method).toBe(operation.method);
  }
});

/** Pages as they simply open are looked at among all pages. */
const pages: AdminPage[] = [
  { name: 'tools-none', path: '/tools', answers: noTools, ready: 'text=Add the first server' },
  { name: 'tool-calls-none', path: '/tools/calls', answers: noTools, ready: 'text=No tool was called yet' },
  {
    name: 'tool-server-failing',
    path: `/tools/servers/${failingServer.id}`,
    answers: toolsAnswers,
    ready: 'text=pid 4711',
  },
  {
    name: 'tool-server-add',
    path: '/tools',
    answers: toolsAnswers,
    ready: '[data-server]',
    async act(page) {
      await page.getByRole('button', { name: 'Add server' }).click();
      await page.waitForSelector('[role=dialog] input[type=url]');
    },
  },
  {
    name: 'tool-review',
    path: `/tools/servers/${issuesServer.id}`,
    answers: toolsAnswers,
    ready: '[data-held]',
    async act(page) {
      await page.getByRole('button', { name: 'close_issue' }).click();
      await page.waitForSelector('[role=dialog] [aria-label=Changes]');
    },
  },
  {
    name: 'tool-settings',
    path: `/tools/servers/${issuesServer.id}`,
    answers: toolsAnswers,
    ready: '[data-tool]',
    async act(page) {
      await page.getByRole('button', { name: 'issues__search_issues' }).click();
      await page.waitForSelector('[role=dialog] [aria-label="Approved definition"]');
    },
  },
];

describeStates(serveForTests(), pages, ({ answers }) => recorded(answers));
