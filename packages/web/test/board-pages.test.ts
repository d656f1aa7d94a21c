import { toRequest } from '@atrium/protocol';
import type { Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allThemes } from './support/axe.ts';
import { boardAnswers, boardRecords, house, morning } from './support/board-answers.ts';
import { boardPages } from './support/board-pages.ts';
import { newContext } from './support/browser.ts';
import { type Call, remembered } from './support/diary-answers.ts';
import { keyTo } from './support/keys.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { type Answers, me, problem, recorded, socketReady } from './support/recorded-api.ts';

test('every recorded answer of boards is one that the contract allows, to a call that it allows', () => {
  expect(boardRecords.length).toBeGreaterThan(5);
  for (const { operation, input, body } of boardRecords) {
    expect(() => operation.input.parse(input), operation.name).not.toThrow();
    expect(operation.output.parse(body), operation.name).toEqual(body);
    expect(toRequest(operation, input as Record<string, unknown>).method).toBe(operation.method);
  }
});

const web = serveForTests();

/** As it simply opens a board is looked at among all pages; here it is the one that goes through every theme. */
describeStates(
  web,
  boardPages.map((state) => ({ ...state, themes: state.name === 'board' ? allThemes : undefined })),
  ({ answers }) => recorded(answers),
);

describe('G63: boards by keys and by hand, and live', () => {
  let page: Page;
  let calls: Call[];
  let socket: WebSocketRoute | undefined;
  const path = `/api/v1/boards/${morning.id}`;
  const answers: Answers = { ...boardAnswers };
  const opened: string[] = [];
  let seq = 10;
  let changed: typeof morning | null = null;

  beforeAll(async () => {
    const context = await newContext(web.browser);
    const { calls: heard, handler } = remembered(answers);
    calls = heard;
    await web.served.answer(context, (call) => {
      if (call.method === 'PATCH' && call.url.pathname === path && changed !== null) {
        answerWith(changed);
        changed = null;
      }
      return handler(call);
    });
    await context.routeWebSocket(/\/ws$/, (route) => {
      socket = route;
      route.send(socketReady(seq));
    });
    await context.route(/^https:/, (route) => {
      opened.push(route.request().url());
      return route.fulfill({ contentType: 'text/html', body: '<title>A link</title>' });
    });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  }, 60_000);
  afterAll(async () => {
    await page?.context().close();
  });

  const patched = async (): Promise<{
    version: number;
    groups: { name: string; items: { id: string; size: string }[] }[];
  }> => {
    const last = () => calls.findLast((call) => call.method === 'PATCH' && call.path === path);
    await expect.poll(last).toBeDefined();
    return last()!.body as never;
  };
  const forget = (): void => void calls.splice(0);
  const happens = (kind: string): void => {
    seq += 1;
    const event = { type: 'event', seq, org_id: me.org.id, kind, id: morning.id, actor: me.principal, body: {} };
    socket?.send(JSON.stringify({ ...event, at: new Date().toISOString() }));
  };
  const [first, second] = morning.groups;
  const ids = (items: readonly { id: string }[]): string[] => items.map(({ id }) => id);
  const nameOf = (prefix: RegExp) => page.getByRole('button', { name: prefix });
  /** That board is what the server has, and what it answers to a change. */
  const answerWith = (board: typeof morning): void => {
    answers[`PATCH ${path}`] = { body: board };
    answers[`GET ${path}`] = { body: board };
  };

  /** The same from the next change on: a page that reads again before it sees what was there before. */
  const answerChangeWith = (board: typeof morning): void => {
    changed = board;
  };

  test('tiles are reached by arrows and found as one types; a link opens in a tab of its own', async () => {
    await page.goto(`${web.url}/services/${morning.id}`);
    await page.waitForSelector('[data-tile]');
    await page.keyboard.press('ArrowDown');
    await keyTo(page, /^Notes/, 'Home', 1);
    await keyTo(page, /^Home media/, 'ArrowRight', 1);
    await keyTo(page, /^Weather/, 'End', 1);
    await page.keyboard.press('/');
    await page.keyboard.type('timet');
    await page.waitForURL(/[?]q=timet/);
    expect(await page.locator('[data-tile]').count()).toBe(1);
    await page.reload();
    await page.waitForSelector('[data-tile]');
    expect(await page.locator('[data-tile]').count()).toBe(1);
    await page.keyboard.press('/');
    const tab = page.context().waitForEvent('page');
    await page.keyboard.press('Enter');
    await (await tab).waitForURL(/trains\.example/);
    await (await tab).close();
    await page.keyboard.press('Escape');
    await page.waitForURL(/\/services\/[^?]+$/);
  });

  test('a tile is moved by keys over the edge of its group, made wide and taken off', async () => {
    forget();
    const moved = {
      ...morning,
      version: 8,
      groups: [
        { ...first!, items: [first!.items[1]!, first!.items[0]!, ...first!.items.slice(2)] },
        ...morning.groups.slice(1),
      ],
    };
    answerChangeWith(moved);
    await page.keyboard.press('e');
    await page.waitForURL(/arrange=true/);
    await nameOf(/^Notes.*, 1 of 6/).focus();
    await page.keyboard.press('Alt+ArrowRight');
    const sent = await patched();
    expect(sent.version).toBe(7);
    expect(ids(sent.groups[0]!.items).slice(0, 2)).toEqual([first!.items[1]!.id, first!.items[0]!.id]);
    await page.getByRole('status').filter({ hasText: 'Notes: 2 of 6 in First of all' }).waitFor({ state: 'attached' });
    await nameOf(/^Notes.*, 2 of 6/).waitFor();

    forget();
    const down = moved.groups[0]!.items.at(-1)!;
    answerChangeWith({
      ...moved,
      version: 9,
      groups: [
        { ...moved.groups[0]!, items: moved.groups[0]!.items.slice(0, -1) },
        { ...second!, items: [down, ...second!.items] },
        moved.groups[2]!,
      ],
    });
    await nameOf(/^Hidden service.*, 6 of 6/).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(async () => ids((await patched()).groups[1]!.items)[0]).toBe(down.id);
    expect((await patched()).version).toBe(8);
    // The hand that moved it goes on with it.
    await keyTo(page, /^Hidden service.*, 1 of 6 in Paper/, 'Tab', 0);

    forget();
    await page.keyboard.press('w');
    await expect.poll(async () => (await patched()).groups[1]!.items[0]!.size).toBe('wide');
    forget();
    await page.keyboard.press('Delete');
    await expect.poll(async () => ids((await patched()).groups[1]!.items)).not.toContain(down.id);
    await page.reload();
    await page.getByText('Add group').waitFor();
  });

  test('a tile is drawn before another one, and into a group that is empty', async () => {
    answerWith({ ...morning, version: 20 });
    await page.goto(`${web.url}/services/${morning.id}?arrange=true`);
    forget();
    await nameOf(/^Bank.*, 3 of 5/).dragTo(nameOf(/^Dokumenten/), { targetPosition: { x: 10, y: 20 } });
    await expect.poll(async () => ids((await patched()).groups[1]!.items)[0]).toBe(second!.items[2]!.id);
    await nameOf(/^Weather.*, 5 of 5/).waitFor();
    forget();
    await nameOf(/^Weather.*, 5 of 5/).dragTo(page.getByRole('region', { name: 'Read later' }), {
      targetPosition: { x: 300, y: 70 },
    });
    await expect.poll(async () => ids((await patched()).groups[2]!.items)).toEqual([second!.items[4]!.id]);
  });

  test('who was overtaken sees what the other one made of it', async () => {
    answers[`GET ${path}`] = { body: { ...morning, version: 31, name: 'Every evening' } };
    answers[`PATCH ${path}`] = problem(409, 'generation_conflict', 'Changed meanwhile', 'Read it again.', {
      version: 31,
    });
    await nameOf(/^Notes.*, 1 of 6/).focus();
    await page.keyboard.press('Alt+ArrowRight');
    await page.getByText('Somebody changed this board meanwhile').first().waitFor();
    await page.getByRole('heading', { name: 'Every evening' }).waitFor();
    await nameOf(/^Notes.*, 1 of 6/).waitFor();
  });

  test('a board that another person changes is new on the page without a reload', async () => {
    answers[`GET ${path}`] = { body: { ...morning, version: 32, groups: [{ ...first!, name: 'By the window' }] } };
    await page.goto(`${web.url}/services/${morning.id}`);
    await page.getByRole('heading', { name: 'By the window' }).waitFor();
    answers[`GET ${path}`] = { body: { ...morning, version: 33, groups: [{ ...first!, name: 'By the door' }] } };
    happens('gateway.board.updated');
    await page.getByRole('heading', { name: 'By the door' }).waitFor();
  });

  test('a board is made by its name, a link is put on it, and a neighbour is one key away', async () => {
    forget();
    answerWith({ ...morning, version: 40 });
    await page.goto(`${web.url}/services`);
    await keyTo(page, 'New board');
    await page.keyboard.press('Enter');
    await page.locator('[name=board-name]:focus').waitFor();
    await page.keyboard.type('Evening');
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/services/${morning.id}`));
    expect(calls.find(({ method, path: to }) => method === 'POST' && to === '/api/v1/boards')?.body).toEqual({
      name: 'Evening',
      shared: false,
      from_apps: true,
    });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForSelector('[data-tile]');
    await page.keyboard.press('c');
    await page.getByRole('dialog').waitFor();
    await page.getByRole('radio', { name: 'Link' }).click();
    await page.fill('[name=link-url]', 'wiki.lan/start');
    await page.fill('[name=link-title]', 'Handbook');
    forget();
    await page.keyboard.press('Enter');
    expect((await patched()).groups[0]!.items.at(-1)).toEqual({
      ...{ kind: 'link', url: 'https://wiki.lan/start', title: 'Handbook', icon: '', description: '' },
    });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('[');
    await page.waitForURL(new RegExp(`/services/${house.id}`));
    await page.keyboard.press(']');
    await page.waitForURL(new RegExp(`/services/${morning.id}`));
  });

  test('a deleted board can be had back for a while', async () => {
    forget();
    await page.getByRole('button', { name: 'Board menu' }).focus();
    await page.keyboard.press('Enter');
    await keyTo(page, 'Delete board', 'ArrowDown', 8);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/services$/);
    const tabs = page.getByRole('navigation', { name: 'Services' });
    await tabs.getByRole('link', { name: 'Every morning' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await tabs.getByRole('link', { name: 'Every morning' }).waitFor();
    expect(calls.some(({ method }) => method === 'DELETE')).toBe(false);
  });

  test('the palette shows a theme while the hand is on it, and keeps the one that is chosen', async () => {
    const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
    const before = await theme();
    const ask = async () => {
      await page.keyboard.press('Control+k');
      await page.locator('[cmdk-input]:focus').waitFor();
      await page.keyboard.type('change theme');
      await page.locator('[cmdk-item][data-selected=true]:has-text("Change theme")').waitFor();
      await page.keyboard.press('Enter');
      await page.locator('[cmdk-item][data-selected=true]:has-text("Follow the system")').waitFor();
    };
    await ask();
    await page.keyboard.type('pip');
    await expect.poll(theme).toBe('pipboy-amber');
    await page.keyboard.press('ArrowDown');
    await expect.poll(theme).toBe('pipboy-green');
    await page.keyboard.press('Escape');
    await expect.poll(theme).toBe(before);
    await page.locator('[cmdk-input][placeholder^=Search]:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'All', exact: true }).focus();
    answers['PATCH /api/v1/me/preferences'] = { body: { ...me.preferences, theme: 'carbon' } };
    await ask();
    await page.keyboard.type('carbon');
    await page.locator('[cmdk-item][data-selected=true]:has-text("Carbon")').waitFor();
    await page.keyboard.press('Enter');
    await expect
      .poll(() => calls.findLast(({ path: to }) => to === '/api/v1/me/preferences')?.body)
      .toEqual({ theme: 'carbon' });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await theme()).toBe('carbon');
  });
});
