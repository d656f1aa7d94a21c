import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createRestClient, type RestClient } from '../../server/test/support/rest-client.ts';
import { type RunningServer, removeDataDir, startServer } from '../../server/test/support/start-server.ts';
import { launchBrowser } from './support/browser.ts';
import { choose, keyTo, strike } from './support/keys.ts';

/** One story on one real server: from the setup to the last setting, and no hand ever leaves the keyboard. */

let server: RunningServer;
let browser: Browser;
let origin: string;
let page: Page;
let owner: RestClient;
let agent: RestClient;
let tom: string;

const password = 'a quiet court at noon';

vi.setConfig({ testTimeout: 90_000 });

beforeAll(async () => {
  [server, browser] = await Promise.all([
    startServer({ web: true, env: { ATRIUM_RATE_LIMIT_REST: '100000', ATRIUM_TRUSTED_PROXIES: '127.0.0.1' } }),
    launchBrowser(),
  ]);
  origin = server.url.replace('127.0.0.1', 'localhost');
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  if (server) removeDataDir(server.dataDir);
});

const press = (...keys: string[]): Promise<void> =>
  keys.reduce<Promise<void>>((before, key) => before.then(() => strike(page, key)), Promise.resolve());
const type = (text: string): Promise<void> => page.keyboard.type(text);
const command = async (words: string, title: string): Promise<void> => {
  await press('Control+k');
  await page.locator('[cmdk-input]').waitFor();
  await type(words);
  await page.locator(`[cmdk-item][data-selected=true]:has-text("${title}")`).waitFor();
  await press('Enter');
};
const ask = async (input: Record<string, unknown>): Promise<string> => {
  const made = await agent.post('/api/v1/inbox/ask', input);
  expect(made.status).toBe(201);
  return made.body.id;
};
const itemOf = async (id: string) => (await owner.get(`/api/v1/inbox/items/${id}`)).body;
/** Goes to an item of the list by the keys of the list. */
const open = async (title: string): Promise<void> => {
  await page.goto(`${origin}/inbox`);
  await page.locator(`[data-item]:has-text("${title}")`).waitFor();
  await keyTo(page, title, 'j');
  await press('Enter');
  await page.locator(`article[aria-label="${title}"] h2`).waitFor();
};
const approval = { tool: 'shell.run', arguments: { command: 'git push' } };
const yesno = { fields: [{ type: 'yesno', id: 'go', label: 'Go ahead?', required: true }] };

test('setting up, and signing in', async () => {
  await page.goto(`${origin}/setup?token=${server.setupToken}`);
  await page.locator('[name=name]:focus').waitFor();
  await type('Mara Lindqvist');
  await keyTo(page, 'E-mail');
  await type('mara@example.org');
  await keyTo(page, 'Password');
  await type(password);
  await keyTo(page, /^Organisation/);
  await type('Northwind Trading');
  await press('Enter');
  await page.waitForURL(/\/(welcome|inbox)/);
  await page.locator('main h1').first().waitFor();
  // Not from the app: once nobody is signed in it goes to that page by itself, and one of the two would be aborted.
  await page.goto('about:blank');
  await page.context().clearCookies();
  await page.goto(`${origin}/sign-in`);
  await page.locator('[name=email]:focus').waitFor();
  await type('mara@example.org');
  await keyTo(page, 'Password');
  await type(password);
  await press('Enter');
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  const [session] = await page.context().cookies();
  owner = createRestClient(server.url, session!.value);
  expect((await owner.get('/api/v1/me')).body.org.name).toBe('Northwind Trading');
});

test('making an agent and copying its key', async () => {
  await page.goto(`${origin}/agents`);
  await page.locator('main').waitFor();
  await command('connect an agent', 'Connect an agent');
  await page.locator('[name=agent-name]:focus').waitFor();
  await type('Release agent');
  await press('Enter');
  await page.getByText('Shown once').first().waitFor();
  await keyTo(page, 'Copy');
  await press('Enter');
  const key = await page.evaluate(() => navigator.clipboard.readText());
  agent = createRestClient(server.url, key);
  expect((await agent.get('/api/v1/me')).body.principal.name).toBe('Release agent');
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('answering a form of many kinds of fields', async () => {
  const id = await ask({
    title: 'A customer of many fields',
    form: {
      fields: [
        { type: 'text', id: 'name', label: 'Name', required: true },
        { type: 'number', id: 'seats', label: 'Seats', required: true },
        {
          type: 'select',
          id: 'plan',
          label: 'Plan',
          required: true,
          options: [
            { value: 'team', label: 'Team' },
            { value: 'enterprise', label: 'Enterprise' },
          ],
        },
        { type: 'toggle', id: 'trial', label: 'Trial', required: true },
        { type: 'checkbox', id: 'mail', label: 'Mail' },
        { type: 'rating', id: 'fit', label: 'Fit', required: true },
        {
          type: 'radio',
          id: 'way',
          label: 'Way',
          required: true,
          options: [
            { value: 'a', label: 'By post' },
            { value: 'b', label: 'By hand' },
          ],
        },
        {
          type: 'multiselect',
          id: 'regions',
          label: 'Regions',
          options: [{ value: 'eu' }, { value: 'us' }],
        },
        { type: 'slider', id: 'share', label: 'Share', min: 0, max: 10, step: 1, default: 5 },
        { type: 'date', id: 'start', label: 'Starts on', required: true },
        { type: 'textarea', id: 'note', label: 'Note', required: true },
      ],
    },
  });
  await open('A customer of many fields');
  await keyTo(page, 'Name');
  await type('Fjord');
  await keyTo(page, 'Seats');
  await type('12');
  await keyTo(page, /^Plan|Choose/);
  await choose(page, 'Enterprise');
  await keyTo(page, 'Trial');
  await press('Space');
  await keyTo(page, /^Mail/);
  await press('Space');
  await keyTo(page, /^1/);
  await keyTo(page, /^4/, 'ArrowRight', 4);
  await keyTo(page, 'By post');
  await press('ArrowDown');
  await keyTo(page, 'us');
  await press('Space');
  await keyTo(page, /^Share/);
  await press('ArrowRight');
  await keyTo(page, 'Starts on');
  await type('03082027');
  await keyTo(page, 'Note');
  await type('With a blue ribbon');
  await press('Control+Enter');
  await page.locator('[aria-label=Outcome]').waitFor();
  await expect
    .poll(async () => (await itemOf(id)).response)
    .toEqual({
      name: 'Fjord',
      seats: 12,
      plan: 'enterprise',
      trial: true,
      mail: true,
      fit: 4,
      way: 'b',
      regions: ['us'],
      share: 6,
      start: '2027-03-08',
      note: 'With a blue ribbon',
    });
});

test('approving, approving with changes, and rejecting with a reason', async () => {
  const plain = await ask({ title: 'Push to main?', approval });
  await open('Push to main?');
  await press('1');
  await page.locator('[aria-label=Outcome]').waitFor();
  await expect.poll(async () => (await itemOf(plain)).reply).toEqual({ kind: 'accept' });

  const changed = await ask({ title: 'Push elsewhere?', approval });
  await open('Push elsewhere?');
  await keyTo(page, 'Edit');
  await press('Enter');
  await keyTo(page, /^command/i);
  await press('Control+a');
  await type('git push origin next');
  await keyTo(page, /^Approve with one change/);
  await press('Enter');
  await page.locator('[aria-label=Outcome]').waitFor();
  await expect
    .poll(async () => (await itemOf(changed)).reply)
    .toEqual({ kind: 'edit', arguments: { command: 'git push origin next' } });

  const refused = await ask({ title: 'Push by force?', approval });
  await open('Push by force?');
  await press('2');
  await keyTo(page, /^Tell the agent why|^Tell /);
  await type('Never by force');
  await keyTo(page, 'Reject call');
  await press('Enter');
  await page.locator('[aria-label=Outcome]').waitFor();
  await expect
    .poll(async () => (await itemOf(refused)).reply)
    .toMatchObject({ kind: 'reject', text: 'Never by force' });
});

test('acknowledging, dismissing, snoozing, commenting', async () => {
  const notice = await agent.post('/api/v1/inbox/notify', { title: 'The backup is done' });
  await page.goto(`${origin}/inbox`);
  await page.locator('[data-item]:has-text("The backup is done")').waitFor();
  await keyTo(page, 'The backup is done', 'j');
  await press('a');
  await expect.poll(async () => (await itemOf(notice.body.id)).viewed_at).not.toBeNull();

  const dismissed = await ask({ title: 'Let this go?', form: yesno });
  await open('Let this go?');
  await press('d');
  await expect.poll(async () => (await itemOf(dismissed)).status).toBe('dismissed');

  const snoozed = await ask({ title: 'Later then?', form: yesno });
  await open('Later then?');
  await press('s');
  await page.getByRole('dialog').waitFor();
  await press('1');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(async () => (await itemOf(snoozed)).snoozed_until).not.toBeNull();
  // The key that chose the time is not an answer as well.
  expect((await itemOf(snoozed)).status).toBe('open');

  const talked = await ask({ title: 'Talk about it?', form: yesno });
  await open('Talk about it?');
  await keyTo(page, 'Comment');
  await type('Let us see');
  await press('Control+Enter');
  await page.locator('article').getByText('Let us see').waitFor();
  await expect.poll(async () => (await itemOf(talked)).comment_count).toBe(1);
});

test('inviting a member and changing a role', async () => {
  await page.goto(`${origin}/members`);
  await page.locator('[role=row][data-row]').first().waitFor();
  await keyTo(page, 'Invite');
  await press('Enter');
  await page.locator('[name=invite-email]:focus').waitFor();
  await type('tom@example.org');
  await press('Enter');
  await page.getByText('Copy link').waitFor();
  await keyTo(page, 'Copy link');
  await press('Enter');
  const link = await page.evaluate(() => navigator.clipboard.readText());
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // The focus is where it was before the dialog, not at the top of the page.
  await keyTo(page, 'Invite', 'Tab', 0);

  const made = await createRestClient(server.url).post('/auth/register', {
    email: 'tom@example.org',
    password,
    name: 'Tom Okafor',
    invite_code: link.split('/').at(-1),
  });
  expect(made.status).toBe(201);
  tom = made.body.user.id;

  await page.reload();
  await page.locator('[role=row]:has-text("Tom Okafor")').waitFor();
  await keyTo(page, 'Find a member');
  await type('Tom');
  await page.locator('[role=row]:has-text("Mara")').waitFor({ state: 'detached' });
  await keyTo(page, /^Tom Okafor/);
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await keyTo(page, 'Role');
  await choose(page, /^Viewer/);
  await page.getByText('Tom Okafor is Viewer now').first().waitFor();
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('making a team', async () => {
  await page.goto(`${origin}/members/teams`);
  await keyTo(page, 'New team');
  await press('Enter');
  await keyTo(page, 'Name');
  await type('Night watch');
  await press('Enter');
  await page.waitForURL(/\/members\/teams\/.+/);
  await keyTo(page, /^Add a member/);
  await press('Enter');
  await page.locator('[cmdk-item]:has-text("Tom")').waitFor();
  await type('Tom');
  await press('Enter');
  await expect.poll(async () => (await owner.get('/api/v1/orgs/current/teams')).body.items[0].members).toBe(1);
});

test('claiming, assigning and handing on by the menu of an item', async () => {
  const members = await owner.post(`/api/v1/orgs/current/members/${tom}/role`, { role: 'member' });
  expect(members.status).toBe(200);
  const id = await ask({ title: 'Who takes this?', form: yesno });
  await open('Who takes this?');
  await keyTo(page, 'More');
  await choose(page, /^Claim/);
  await expect.poll(async () => (await itemOf(id)).claimed_by?.name).toBe('Mara Lindqvist');
  for (const [entry, button, member] of [
    [/^Assign/, 'Assign', 'assignee'],
    [/^Hand on/, 'Hand on', 'assignee'],
  ] as const) {
    await keyTo(page, 'More');
    await choose(page, entry);
    await page.getByRole('dialog').waitFor();
    await keyTo(page, /^Person/);
    await press('Enter');
    await page.locator('[cmdk-item]:has-text("Tom")').waitFor();
    await type('Tom');
    await page.locator('[cmdk-item][data-selected=true]:has-text("Tom")').waitFor();
    await press('Enter');
    await keyTo(page, button);
    await press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(async () => (await itemOf(id))[member]?.name).toBe('Tom Okafor');
    await keyTo(page, 'More', 'Tab', 0);
  }
});

test('making a channel and a template', async () => {
  await page.goto(`${origin}/channels`);
  await keyTo(page, /^New channel/);
  await press('Enter');
  await keyTo(page, /^Name/);
  await type('harbour');
  await press('Enter');
  await page.getByRole('heading', { name: '#harbour' }).waitFor();

  await page.goto(`${origin}/templates`);
  await keyTo(page, /^New template/);
  await press('Enter');
  await page.waitForURL(/\/templates\/new/);
  await keyTo(page, /^Name/);
  await type('go-ahead');
  await keyTo(page, 'Form document as JSON');
  await press('Control+a');
  await page.keyboard.insertText(JSON.stringify(yesno));
  await page.getByText('The form is valid.').waitFor();
  // Tab writes no tab: one must be able to leave the editor.
  await keyTo(page, 'Create template', 'Shift+Tab');
  await press('Enter');
  await expect
    .poll(async () => (await owner.get('/api/v1/inbox/templates')).body.items.map((one: { name: string }) => one.name))
    .toEqual(['go-ahead']);
});

test('G63: a board by keys; what is changed elsewhere shows without a reload, and a reload shows the same', async () => {
  const route = { targets: [{ url: 'http://203.0.114.9:8080' }], health: { skip: true } };
  const app = (await owner.post('/api/v1/apps', { slug: 'notes', name: 'Notes', route })).body;
  await page.goto(`${origin}/services`);
  await page.locator('[data-service]').waitFor();
  await command('new board', 'New board');
  await page.locator('[name=board-name]:focus').waitFor();
  await type('Desk');
  await press('Enter');
  await page.waitForURL(/\/services\/[0-9a-f-]{36}/);
  await page.locator('[data-tile]').waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.locator('[data-tile]').waitFor();
  const order = () => other.locator('[data-tile]').allTextContents();

  await press('c');
  await page.locator('[aria-label="Find a service"]:focus').waitFor();
  await keyTo(page, 'Services');
  await press('ArrowRight');
  await keyTo(page, 'Address');
  await type('handbook.example/start');
  await keyTo(page, 'Title');
  await type('Handbook');
  await press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(async () => (await order())[1]).toMatch(/^Handbook/);
  await press('e');
  await keyTo(page, /^Notes/);
  await press('Alt+ArrowRight');
  await expect.poll(async () => (await order())[0]).toMatch(/^Handbook/);
  await page.reload();
  await page.getByText('Add group').waitFor();
  expect((await page.locator('[data-tile]').allTextContents())[0]).toMatch(/^Handbook/);

  const path = `/api/v1/routes/${app.routes[0].id}`;
  await other.goto(`${origin}/routes/${app.routes[0].id}`);
  await expect.poll(() => other.inputValue('[name=path-base]')).toBe('/apps/notes/');
  await owner.send('PATCH', path, { path_base: '/apps/desk/' });
  await expect.poll(() => other.inputValue('[name=path-base]')).toBe('/apps/desk/');
  await other.close();
});

test('ending a session, choosing a theme, changing to another organisation', async () => {
  const other = await createRestClient(server.url).post('/auth/login', { email: 'mara@example.org', password });
  await page.goto(`${origin}/settings/security`);
  await keyTo(page, /^End the session of/);
  await press('Enter');
  await expect
    .poll(async () => (await createRestClient(server.url, other.body.access_token).get('/api/v1/me')).status)
    .toBe(401);

  await command('nord', 'Nord');
  await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'nord');
  await page.goto(`${origin}/settings/preferences`);
  await keyTo(page, /^Nord/);
  await press('ArrowRight');
  await page.waitForFunction(() => document.documentElement.dataset['theme'] === 'solarized-light');

  await keyTo(page, 'Northwind Trading', 'Shift+Tab');
  await choose(page, /^Mara Lindqvist/);
  await expect.poll(async () => (await page.locator('nav').first().textContent())?.startsWith('Northwind')).toBe(false);
});
