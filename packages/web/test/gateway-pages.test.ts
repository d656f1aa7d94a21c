import { toRequest } from '@atrium/protocol';
import type { Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newContext } from './support/browser.ts';
import { type Call, remembered } from './support/diary-answers.ts';
import {
  gatewayAnswers,
  gatewayRecords,
  jellyfin,
  lineOf,
  notesRoute,
  routeSince,
  shareSecret,
  shareUrl,
  staleRoute,
} from './support/gateway-answers.ts';
import { gatewayPages } from './support/gateway-pages.ts';
import { choose, keyTo } from './support/keys.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { type Answers, me, recorded, socketReady } from './support/recorded-api.ts';

test('every recorded answer of the gateway is one that the contract allows, to a call that it allows', () => {
  expect(gatewayRecords.length).toBeGreaterThan(40);
  for (const { operation, input, body } of gatewayRecords) {
    expect(() => operation.input.parse(input), operation.name).not.toThrow();
    // Without members that the contract does not know: what it does not answer, no page may lean on.
    expect(operation.output.parse(body), operation.name).toEqual(body);
    expect(toRequest(operation, input as Record<string, unknown>).method).toBe(operation.method);
  }
});

const web = serveForTests();

/** Pages as they simply open are looked at among all pages; here are the states that they do not get into by themselves. */
const states = gatewayPages.filter(({ variant, answers, act }) => !variant && (answers !== gatewayAnswers || act));

describeStates(web, states, ({ answers }) => recorded(answers));

const routeApi = `/api/v1/routes/${notesRoute.id}`;
const routePath = `/routes/${notesRoute.id}`;

describe('G63: by keys alone, and live', () => {
  let page: Page;
  let calls: Call[];
  let socket: WebSocketRoute | undefined;
  let seq = 10;
  const answers: Answers = { ...gatewayAnswers };
  const opened: string[] = [];

  beforeAll(async () => {
    const context = await newContext(web.browser);
    const { calls: heard, handler } = remembered(answers);
    calls = heard;
    await web.served.answer(context, handler);
    await context.routeWebSocket(/\/ws$/, (route) => {
      socket = route;
      route.send(socketReady(seq));
    });
    // What leads out of the dashboard is no page of it.
    await context.route('https://**', (route) => {
      opened.push(route.request().url());
      return route.fulfill({ contentType: 'text/html', body: '<title>An app</title>' });
    });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  }, 60_000);
  afterAll(async () => {
    await page?.context().close();
  });

  const happens = (kind: string): void => {
    seq += 1;
    socket?.send(
      JSON.stringify({
        type: 'event',
        seq,
        org_id: me.org.id,
        kind,
        id: notesRoute.id,
        actor: me.principal,
        at: new Date().toISOString(),
        body: {},
      }),
    );
  };
  const sent = async (method: string, path: string): Promise<Call> => {
    const last = () => calls.findLast((call) => call.method === method && call.path === path);
    await expect.poll(last, { message: `${method} ${path}` }).toBeDefined();
    return last()!;
  };
  const forget = (): void => void calls.splice(0);

  test('services are reached by arrows, pinned, found as one types, and opened in a tab of their own', async () => {
    await page.goto(`${web.url}/services`);
    await page.waitForSelector('[data-service]');
    await page.keyboard.press('ArrowDown');
    await keyTo(page, /^Notes/, 'Home', 1);
    await keyTo(page, /^Home media/, 'ArrowRight', 3);
    await keyTo(page, /^Old wiki/, 'End', 1);
    await keyTo(page, /^Photos|^Home media/, 'ArrowUp', 1);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('p');
    expect((await sent('PUT', '/api/v1/apps/media/pin')).body).toEqual({ pinned: true });
    await page.keyboard.press('/');
    await page.keyboard.type('film');
    await page.waitForURL(/[?]q=film/);
    expect(await page.locator('[data-service]').count()).toBe(1);
    const tab = page.context().waitForEvent('page');
    await page.keyboard.press('Enter');
    await (await tab).waitForURL('https://media.home.example/');
    await (await tab).close();
    expect(opened).toEqual(['https://media.home.example/']);
    await page.reload();
    await page.waitForSelector('[data-service]');
    expect(await page.locator('[data-service]').count()).toBe(1);
  });

  test('an app is added from any page in three fields', async () => {
    forget();
    await page.keyboard.press('Control+k');
    await page.locator('[cmdk-input]').waitFor();
    await page.keyboard.type('add an app');
    await page.locator('[cmdk-item][data-selected=true]:has-text("Add an app")').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('[name=app-name]:focus').waitFor();
    await page.keyboard.type('Home media');
    await page.getByText('/apps/home-media/').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.type('192.168.1.7:8096');
    await keyTo(page, /^Members/);
    await keyTo(page, /^Share links only/, 'ArrowDown', 2);
    await keyTo(page, 'Add app');
    await page.keyboard.press('Enter');
    expect((await sent('POST', '/api/v1/apps')).body).toEqual({
      slug: 'home-media',
      name: 'Home media',
      route: { targets: [{ url: 'http://192.168.1.7:8096' }], access: 'share' },
    });
    await page.waitForURL(new RegExp(`${routePath}$`));
  });

  test('a route sends what was changed and nothing else; one that somebody changed meanwhile keeps the draft', async () => {
    forget();
    answers[`PATCH ${routeApi}`] = staleRoute;
    await page.waitForSelector('text=connection refused');
    await keyTo(page, 'Path (optional)');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('/apps/board/');
    await page.getByText('One change: path').waitFor();
    answers[`GET ${routeApi}`] = { body: routeSince };
    await page.keyboard.press('Control+s');
    const refused = await sent('PATCH', routeApi);
    expect(refused.body).toEqual({ version: 3, path_base: '/apps/board/' });
    const list = page.getByRole('list', { name: 'Changed meanwhile' });
    await list.waitFor();
    expect(await list.textContent()).toBe(
      'Choice of target: In turn → The same for each visitorWho may open it: Members → Everybody',
    );
    expect(await page.inputValue('[name=path-base]')).toBe('/apps/board/');
    forget();
    answers[`PATCH ${routeApi}`] = { body: { ...routeSince, version: 5, path_base: '/apps/board/' } };
    await page.getByRole('button', { name: 'Put mine on top' }).focus();
    await page.keyboard.press('Enter');
    await list.waitFor({ state: 'detached' });
    await page.keyboard.press('Control+s');
    expect((await sent('PATCH', routeApi)).body).toEqual({ version: 4, path_base: '/apps/board/' });
    await page.getByText('Saved').first().waitFor();
  });

  test('a route that another person changes is new on the page without a reload', async () => {
    answers[`GET ${routeApi}`] = {
      body: { ...routeSince, version: 6, path_base: '/apps/wall/', access: 'signed_in' },
    };
    happens('gateway.route.updated');
    await expect.poll(() => page.inputValue('[name=path-base]')).toBe('/apps/wall/');
    answers[`GET ${routeApi}`] = { body: notesRoute };
  });

  test('a share link shows its address and PIN once', async () => {
    forget();
    await page.getByRole('button', { name: 'Share', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=dialog]');
    await keyTo(page, 'Link');
    await keyTo(page, 'Link and PIN', 'ArrowRight', 2);
    await keyTo(page, 'Uses at most');
    await page.keyboard.type('3');
    await page.keyboard.press('Enter');
    const made = await sent('POST', `${routeApi}/shares`);
    expect(made.body).toEqual({ name: '', kind: 'pin', max_uses: 3, expires_in: 86_400 });
    const dialog = page.getByRole('dialog');
    await dialog.getByText(shareUrl).waitFor();
    await dialog.getByText(shareSecret).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByText(shareSecret).count()).toBe(0);
    // The form of the route around the dialog was not sent with it.
    expect(calls.some(({ method }) => method === 'PATCH')).toBe(false);
  });

  test('deleting a route asks for its name and says what is lost', async () => {
    forget();
    await page.getByRole('button', { name: 'Delete route' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Share links of it end').waitFor();
    await page.keyboard.type('note');
    await page.keyboard.press('Enter');
    await page.keyboard.type('s');
    expect(calls.some(({ method }) => method === 'DELETE')).toBe(false);
    await page.keyboard.press('Enter');
    await sent('DELETE', routeApi);
    await page.waitForURL(/\/routes$/);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.waitForSelector('[role=row][data-row]');
  });

  test('a found service is approved by one key, dismissed by another, and a dismissal is undone', async () => {
    forget();
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.waitForSelector('[data-proposal]');
    await keyTo(page, 'Jellyfin', 'j', 2);
    await keyTo(page, 'Grafana', 'j', 4);
    const id = await page.evaluate(() => (document.activeElement as HTMLElement).dataset['proposal']);
    await page.keyboard.press('d');
    await sent('POST', `/api/v1/discovery/proposals/${id}/dismiss`);
    await page.getByRole('button', { name: 'Undo' }).focus();
    await page.keyboard.press('Enter');
    await sent('POST', `/api/v1/discovery/proposals/${id}/restore`);
    await page.locator(`[data-proposal="${jellyfin.id}"]`).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('[name=found-name]');
    await keyTo(page, 'Port');
    await choose(page, '8920');
    await keyTo(page, 'Approve');
    await page.keyboard.press('Enter');
    const approved = await sent('POST', `/api/v1/discovery/proposals/${jellyfin.id}/approve`);
    expect(approved.body).toEqual({ port: 8920 });
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('the access log grows while it is looked at, and holds still when asked', async () => {
    answers['GET /api/v1/gateway/access-log/stream'] = {
      body: null,
      events: [
        { event: 'line', id: 'req_new', data: lineOf(0, { id: 'req_new', path: '/just-now', status: 503 }) },
        { event: 'line', id: 'req_else', data: lineOf(1, { id: 'req_else', path: '/elsewhere', status: 200 }) },
      ],
    };
    await page.goto(`${web.url}/traffic/log?status=5xx`);
    await page.locator('[role=row]:has-text("/just-now")').waitFor();
    expect(await page.locator('[role=row]:has-text("/elsewhere")').count()).toBe(0);
    expect((await sent('GET', '/api/v1/gateway/access-log')).query['status']).toBe('5xx');
    await page.keyboard.press('h');
    await page.getByText('Held').waitFor();
    await page.keyboard.press('h');
    await page.getByText('Live').waitFor();
  });

  test('a version is gone back to after a word of what that costs', async () => {
    forget();
    await page.goto(`${web.url}/routes/versions?version=39`);
    await page.getByRole('button', { name: 'Roll back to this' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('Share links and kept cookies').waitFor();
    await keyTo(page, 'Roll back');
    await page.keyboard.press('Enter');
    await sent('POST', '/api/v1/gateway/config/versions/39/rollback');
    await page.getByText('that is version 43').first().waitFor();
  });
});

describe('what a person may not do', () => {
  test('a viewer opens services and finds nothing that decides or changes', async () => {
    const page = await web.open('/services', {
      ...gatewayAnswers,
      'GET /api/v1/me': { body: { ...me, permissions: ['apps.open', 'items.read'], is_operator: false } },
    });
    await page.waitForSelector('[data-service]');
    expect(await page.getByRole('button', { name: 'Add app' }).count()).toBe(0);
    expect(await page.getByText('for your decision').count()).toBe(0);
    expect(await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Routes' }).count()).toBe(0);
    await page.goto(`${web.url}/found`);
    await page.waitForSelector('text=discovery.decide');
    await page.context().close();
  });
});
