import type { ItemView } from '@atrium/protocol';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { newContext } from './support/browser.ts';
import { InboxApi } from './support/inbox-api.ts';
import { closed, grouped, item, items, many, request, seven, templates } from './support/inbox-records.ts';
import { keyTo } from './support/keys.ts';
import { describeStates, type PageState, serveForTests } from './support/page-states.ts';
import { me, problem } from './support/recorded-api.ts';

const web = serveForTests();

const open = async (
  path: string,
  shown: readonly ItemView[],
  options: Parameters<typeof newContext>[1] = {},
): Promise<{ page: Page; api: InboxApi }> => {
  const context = await newContext(web.browser, options);
  const api = new InboxApi(shown);
  await api.attach(web.served, context);
  const page = await context.newPage();
  await page.goto(`${web.url}${path}`);
  return { page, api };
};

const all = [...grouped, ...closed, request];
const row = (title: string): string => `[data-item]:has-text("${title}")`;

/** States of pages; as they simply open they are looked at on a real server. */
const pages: PageState[] = [
  {
    name: 'inbox with filters and a selection',
    path: '/inbox',
    ready: '[data-item]',
    async act(page) {
      await page.keyboard.press('f');
      await page.keyboard.press('x');
      await page.waitForSelector('[role=toolbar]');
    },
  },
  {
    name: 'approval being edited',
    path: `/inbox/${items.approval.id}`,
    ready: 'article h2',
    async act(page) {
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByLabel('Version').fill('2.4');
      await page.getByRole('button', { name: 'Always allow calls like this' }).waitFor({ state: 'detached' });
      await page.getByRole('button', { name: /^Approve with one change/ }).click();
      await page.waitForSelector('[aria-invalid=true]');
    },
  },
  { name: 'request of an application', path: `/inbox/${request.id}`, ready: 'article h2' },
  {
    name: 'refused wizard',
    path: `/inbox/${items.wizard.id}`,
    ready: 'article form',
    async act(page) {
      await page.getByRole('button', { name: 'Next' }).click();
      await page.waitForSelector('[aria-invalid=true]');
    },
  },
];

describeStates(web, pages, () => new InboxApi(all).handler);

describe('the list', () => {
  test('takes in an item that arrives, at its place and without a reload', async () => {
    const { page, api } = await open('/inbox', seven);
    await page.waitForSelector(row('Deploy to production?'));
    const lists = () => api.reads.filter((key) => key === 'GET /api/v1/inbox/items').length;
    const before = lists();
    api.change('created', item({ title: 'Just in', form: items.yesNo.form }, 0));
    await page.waitForSelector(row('Just in'));
    expect(await page.locator('[data-item]').first().textContent()).toBe('Just in');
    expect(lists()).toBe(before);
    await page.context().close();
  });

  test('lets an item go that somebody else answered', async () => {
    const { page, api } = await open('/inbox', seven);
    await page.waitForSelector(row('Deploy to production?'));
    api.change('answered', { ...items.yesNo, status: 'answered' });
    await page.waitForSelector(row('Deploy to production?'), { state: 'detached' });
    await page.context().close();
  });

  test('keeps 5,000 items to the rows on screen and comes back to its place from a detail page', async () => {
    const { page } = await open('/inbox', many(5000), { phone: true });
    await page.waitForSelector('[data-item]');
    expect(await page.locator('[data-item]').count()).toBeLessThan(60);
    await page.evaluate(() => {
      document.querySelector('[data-list]')!.scrollTop = 3000;
    });
    const title = 'no. 10048';
    await page.waitForSelector(row(title));
    await page.locator(row(title)).click();
    await page.getByRole('button', { name: 'Back to the list' }).click();
    await page.waitForSelector(row(title));
    await page.context().close();
  });

  test('collapses the items of a run into one line that opens', async () => {
    const { page } = await open('/inbox', grouped);
    const run = page.locator('[data-run="nightly-4471"]');
    await run.waitFor();
    expect(await page.locator(row('Update 14 snapshots')).count()).toBe(0);
    await run.click();
    await page.waitForSelector(row('Update 14 snapshots'));
    await page.context().close();
  });

  test('is driven by keys: down, select a range, dismiss, undo', async () => {
    const { page, api } = await open('/inbox', seven);
    await page.waitForSelector('[data-item]');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('Shift+J');
    await page.getByText('2 selected').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('d');
    await expect.poll(() => api.calls.some(({ key }) => key.endsWith('/dismiss'))).toBe(true);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => api.calls.some(({ key }) => key.endsWith('/restore'))).toBe(true);
    await expect.poll(() => page.locator('[data-item]').count()).toBe(7);
    await page.context().close();
  });

  test('puts a refused act back and says why', async () => {
    const { page, api } = await open('/inbox', seven);
    await page.waitForSelector(row('Deploy to production?'));
    api.overrides.set(
      `POST /api/v1/inbox/items/${items.yesNo.id}/dismiss`,
      problem(409, 'item_closed', 'The item is no longer open', 'The item is already answered by Tom Okafor.'),
    );
    await page.locator(row('Deploy to production?')).focus();
    await page.keyboard.press('d');
    await page.getByText('The item is already answered by Tom Okafor.').first().waitFor();
    await page.waitForSelector(row('Deploy to production?'));
    await page.context().close();
  });
});

describe('answering', () => {
  test('says sent before the server has answered', async () => {
    const { page, api } = await open(`/answer/${items.yesNo.id}`, seven, { phone: true });
    const button = page.getByRole('button', { name: 'Deploy', exact: true });
    await button.waitFor();
    const release = api.hold('POST', `/api/v1/inbox/items/${items.yesNo.id}/answer`);
    await button.click();
    await page.getByText('Sent', { exact: true }).waitFor();
    release();
    await page.getByRole('button', { name: /Change answer/ }).waitFor();
    await page.context().close();
  });

  test('does not send what a link suggests until somebody presses it', async () => {
    const { page, api } = await open(`/answer/${items.yesNo.id}?action=yes`, seven, { phone: true });
    const button = page.getByRole('button', { name: 'Deploy', exact: true });
    await button.waitFor();
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(api.calls.some(({ key }) => key.endsWith('/answer'))).toBe(false);
    await page.context().close();
  });

  test('keeps an answer given offline and sends it once the connection is back', async () => {
    const { page, api } = await open(`/answer/${items.yesNo.id}`, seven, { phone: true });
    const button = page.getByRole('button', { name: 'Wait', exact: true });
    await button.waitFor();
    api.offline = true;
    await button.click();
    await page.getByText('Kept on this device').waitFor();
    api.offline = false;
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.getByText('Your answer was sent', { exact: true }).waitFor();
    expect(api.calls.findLast(({ key }) => key.endsWith('/answer'))?.body).toEqual({ values: { go: false } });
    await page.context().close();
  });

  test('tells honestly that somebody was first', async () => {
    const { page, api } = await open(`/inbox/${items.yesNo.id}`, seven);
    await page.getByRole('button', { name: /^Deploy/ }).waitFor();
    api.overrides.set(
      `POST /api/v1/inbox/items/${items.yesNo.id}/answer`,
      problem(409, 'item_closed', 'The item is no longer open', 'Already answered.', {
        item_status: 'answered',
        answered_by: { type: 'user', id: null, name: 'Tom Okafor' },
      }),
    );
    await page.getByRole('button', { name: /^Deploy/ }).click();
    await page.getByText('Tom Okafor answered first.').waitFor();
    await page.context().close();
  });

  test('keeps the draft in sight when the agent takes the question back', async () => {
    const { page, api } = await open(`/inbox/${items.question.id}`, seven);
    await page.getByLabel('Anything the letter must say').fill('Mention the old price');
    api.change('withdrawn', { ...items.question, status: 'withdrawn' });
    await page.getByText('took this back while you were typing').waitFor();
    await page.getByText('Show what you had written').click();
    await page.getByText('Mention the old price').waitFor();
    await page.context().close();
  });

  test('saves the draft, never a sealed value', async () => {
    const sealed = item({
      title: 'The key',
      form: {
        fields: [
          { id: 'token', type: 'text', label: 'Token', sealed: true },
          { id: 'note', type: 'text', label: 'Note' },
        ],
      },
    });
    const { page, api } = await open(`/inbox/${sealed.id}`, [sealed]);
    await page.getByLabel('Token').fill('s3cret');
    await page.getByLabel('Note').fill('for the registry');
    await page.getByText('Draft saved').waitFor();
    const drafts = api.calls.filter(({ key }) => key.endsWith('/draft'));
    expect(drafts.at(-1)?.body).toEqual({ values: { note: 'for the registry' }, page: null });
    expect(JSON.stringify(drafts)).not.toContain('s3cret');
    await page.context().close();
  });

  test('walks a wizard, remembers its pages and sends typed values', async () => {
    const { page, api } = await open(`/inbox/${items.wizard.id}`, seven);
    await page.getByText('Step 1 of 3').waitFor();
    await page.getByLabel('Name').fill('Brandt');
    await page.getByText('Demo for a customer').click();
    await page.getByLabel('Take it down at').fill('2026-12-01T18:00');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('This does not match the required pattern.').waitFor();
    await page.getByLabel('Name').fill('brandt-demo');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Step 2 of 3').waitFor();
    await page.getByRole('button', { name: 'Back' }).click();
    expect(await page.getByLabel('Name').inputValue()).toBe('brandt-demo');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('textbox', { name: 'Host', exact: true }).fill('build-07');
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Step 3 of 3').waitFor();
    await page.keyboard.press('Tab');
    await page.getByRole('radio', { name: '4' }).click();
    await page.getByRole('button', { name: 'Create environment' }).click();
    await page.waitForSelector('[aria-label=Outcome]');
    expect(api.calls.find(({ key }) => key.endsWith('/answer'))?.body).toEqual({
      values: {
        name: 'brandt-demo',
        purpose: 'demo',
        until: '2026-12-01T17:00:00.000Z',
        copies: 2,
        hosts: [{ host: 'build-07', port: 8080 }],
        share: 10,
        public: false,
        confidence: 4,
        extra: { region: 'eu-central', tier: 'small' },
      },
    });
    await page.context().close();
  });

  test('approves a tool call with changed arguments, checked against its schema first', async () => {
    const { page, api } = await open(`/inbox/${items.approval.id}`, seven);
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Version').fill('2.4');
    await page.getByRole('button', { name: /^Approve with one change/ }).click();
    await page.waitForSelector('[aria-invalid=true]');
    expect(api.calls.some(({ key }) => key.endsWith('/answer'))).toBe(false);
    await page.getByLabel('Version').fill('2.4.2');
    await page.getByRole('button', { name: /^Approve with one change/ }).click();
    await page.waitForSelector('[aria-label=Outcome]');
    const { reply } = api.calls.find(({ key }) => key.endsWith('/answer'))!.body as { reply: object };
    expect(reply).toEqual({ kind: 'edit', arguments: { ...items.approval.approval!.arguments, version: '2.4.2' } });
    await page.context().close();
  });

  test('seeds the reply to the agent from the chosen reason of a rejection', async () => {
    const { page, api } = await open(`/inbox/${items.approval.id}`, seven);
    await page.getByRole('button', { name: /^Reject/ }).click();
    expect(await page.getByLabel('Tell the agent why').inputValue()).toContain('Monday 09:00');
    await page.getByText('Wrong version').click();
    await page.getByLabel('Tell the agent why').fill('2.4.1 has the broken index');
    await page.getByRole('button', { name: 'Reject call' }).click();
    await expect
      .poll(() => api.calls.find(({ key }) => key.endsWith('/answer'))?.body)
      .toEqual({
        reply: { kind: 'reject', option: 'wrong', text: '2.4.1 has the broken index' },
      });
    await page.context().close();
  });

  test('asks by keys alone who the person is before a request counts, and says nothing is sent until it does', async () => {
    const { page, api } = await open(`/inbox/${request.id}`, [request]);
    const path = `POST /api/v1/inbox/items/${request.id}/answer`;
    const more = { methods: ['password'], max_age: 900 };
    api.overrides.set(path, problem(403, 'identity_step_up_required', 'Prove again', 'Prove once more.', more));
    api.overrides.set('POST /auth/step-up', {
      body: { access_token: 'ats_next', token_type: 'Bearer', expires_in: 900, user: me.user, org: me.org },
    });
    await page.getByText('Your decision is final.').waitFor();
    expect(await page.getByRole('button', { name: /Edit|Respond|Dismiss/ }).count()).toBe(0);
    await keyTo(page, /^Approve/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Is it still you?' }).waitFor();
    expect(await page.locator('[aria-label=Outcome]').count()).toBe(0);
    await page.keyboard.type('correct horse');
    api.overrides.delete(path);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[aria-label=Outcome]');
    const sent = api.calls.filter(({ key }) => key === path || key === 'POST /auth/step-up');
    expect(sent.map(({ body }) => body)).toEqual([
      { reply: { kind: 'accept' } },
      { password: 'correct horse' },
      { reply: { kind: 'accept' } },
    ]);
    await page.context().close();
  });

  test('leaves a request open whose person would rather not prove who they are', async () => {
    const { page, api } = await open(`/inbox/${request.id}`, [request]);
    const path = `POST /api/v1/inbox/items/${request.id}/answer`;
    const more = { methods: ['password'], max_age: 900 };
    api.overrides.set(path, problem(403, 'identity_step_up_required', 'Prove again', 'Prove once more.', more));
    await page.getByText('Your decision is final.').waitFor();
    await page.keyboard.press('d');
    await page.getByText('Approve or reject this request').first().waitFor();
    await page.keyboard.press('2');
    await keyTo(page, 'Reject for good');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Is it still you?' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Prove once more.').waitFor();
    expect(await page.locator('[aria-label=Outcome]').count()).toBe(0);
    expect(api.calls.filter(({ key }) => key === path).map(({ body }) => body)).toEqual([
      { reply: { kind: 'reject' } },
    ]);
    await page.context().close();
  });

  test('shows who else is answering', async () => {
    const { page, api } = await open(`/inbox/${items.question.id}`, seven);
    await page.waitForSelector('article form');
    api.present(items.question.id, [
      { type: 'user', id: '01980053-0000-7000-8000-000000000003', name: 'Ada Brandt', state: 'answering' },
      { ...me.principal, state: 'viewing' },
    ]);
    await page.locator('article').getByText('Ada Brandt is answering').waitFor();
    await page.context().close();
  });
});

describe('the template page', () => {
  test('names what is wrong with a form and previews the last good one', async () => {
    const { page } = await open(`/templates/${templates[1]!.id}`, []);
    const editor = page.getByLabel('Form document as JSON');
    await page.getByText('The form is valid.').waitFor();
    await editor.fill('{"fields":[{"id":"a","type":"hologram"}]}');
    await page.getByText('is no field type').waitFor();
    await editor.fill('{"fields":[{"id":"a","type":"text","label":"Alpha","pattern":"(?=x)"}]}');
    await page.getByText('uses a lookahead').waitFor();
    await editor.fill('{"fields":[{"id":"a","type":"text","label":"Alpha"}]}');
    await page.getByLabel('Alpha').waitFor();
    await page.context().close();
  });
});
