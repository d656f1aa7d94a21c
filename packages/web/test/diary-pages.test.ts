import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ids } from './support/admin-answers.ts';
import { newContext } from './support/browser.ts';
import {
  abstained,
  archiveOf,
  type Call,
  diary,
  diaryAnswers,
  diaryIds,
  diaryToRead,
  enrolmentToken,
  entries,
  entry,
  fingerprint,
  found,
  invitation,
  noDiaries,
  relations,
  remembered,
  riskyPath,
  signedEntry,
  signedPath,
  whole,
} from './support/diary-answers.ts';
import { describeStates, serveForTests } from './support/page-states.ts';
import { type Answers, problem, quietSocket, recorded } from './support/recorded-api.ts';

const web = serveForTests();

const root = '/api/v1/diaries';
const diaryPath = `/diaries/${diary.id}`;
const entryPath = `${diaryPath}/${entry.id}`;
const row = '[role=row][data-row]';

const press = (name: string) => async (page: Page) => {
  await page.getByRole('button', { name, exact: true }).first().click();
  await page.waitForSelector('[role=dialog]');
};
/** Chooses from the menu of a diary. */
const menu = (name: string, ready: string) => async (page: Page) => {
  await page.getByRole('button', { name: 'More of this diary' }).click();
  await page.getByRole('menuitem', { name }).click();
  await page.waitForSelector(ready);
};
const choose = (page: Page, name: string, text: string): Promise<void> =>
  page
    .locator('[role=dialog] input[type=file]')
    .setInputFiles({ name, mimeType: 'application/jsonl', buffer: Buffer.from(text) });
const tab = (name: string, ready: string) => async (page: Page) => {
  await page.getByRole('tab', { name }).click();
  await page.waitForSelector(ready);
};
const fails = problem(500, 'internal_error', 'Failed', 'Something failed here.');
const answering = (change: Answers): Answers => ({ ...diaryAnswers, ...change });

/** What stands on these pages by itself is looked at on a real server; here are the states that a seed cannot show. */
const states: [name: string, path: string, ready: string, act?: (page: Page) => Promise<void>, answers?: Answers][] = [
  ['diaries before the first', '/diaries', 'text=Make the first diary', undefined, noDiaries],
  ['diaries of teams that have none', '/diaries?list=team', 'text=None of your teams', undefined, noDiaries],
  ['diaries while the server fails', '/diaries', 'text=Try again', undefined, answering({ [`GET ${root}`]: fails })],
  ['new diary', '/diaries', row, press('New diary')],
  ['diary that is not here', `/diaries/${diaryIds.gone}`, 'text=This diary is not here'],
  ['diary before its first entry', diaryPath, 'text=Write the first entry', undefined, noDiaries],
  ['diary of somebody else before its first entry', `/diaries/${diaryToRead.id}`, 'text=Nothing is written here yet'],
  ['diary that a filter empties', `${diaryPath}?when=day`, 'text=Clear the filter', undefined, noDiaries],
  ['writing an entry', diaryPath, '[data-entry]', press('Write')],
  ['sharing a diary', diaryPath, '[data-entry]', press('Share')],
  ['settings of a diary', diaryPath, '[data-entry]', press('Settings of this diary')],
  [
    'deleting a diary',
    diaryPath,
    '[data-entry]',
    async (page) => {
      await press('Settings of this diary')(page);
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.waitForSelector('text=to go on');
    },
  ],
  ['changing many entries', diaryPath, '[data-entry]', menu('Change many entries', 'text=3 entries would change')],
  ['exporting a diary', diaryPath, '[data-entry]', menu('Export', 'text=Signed archive')],
  [
    'importing what is no archive',
    '/diaries',
    row,
    async (page) => {
      await press('Import a diary')(page);
      await choose(page, 'notes.jsonl', '{"not":"an archive"}\n');
      await page.waitForSelector('text=no archive of a diary');
    },
  ],
  [
    'checking a diary',
    diaryPath,
    '[data-entry]',
    async (page) => {
      await menu('Check that it is whole', '[role=dialog]')(page);
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.waitForSelector('text=Where the chain stands');
    },
  ],
  ['giving a diary away', diaryPath, '[data-entry]', menu('Give it away', 'text=You keep nothing of it')],
  ['diary as it was', `${diaryPath}?as_of=2026-11-20T09:00:00Z`, 'text=Back to now'],
  [
    'choosing a time to go back to',
    diaryPath,
    '[data-entry]',
    async (page) => {
      await page.getByRole('button', { name: 'As of' }).click();
      await page.waitForSelector('text=A week ago');
    },
  ],
  [
    'signed entry, hidden and checked',
    signedPath,
    'text=out of the public',
    async (page) => {
      await tab('Provenance', 'text=Link of the chain')(page);
      await page.getByRole('button', { name: 'Check', exact: true }).click();
      await page.waitForSelector('text=Signed for this diary by');
    },
  ],
  ['editing when an entry holds', signedPath, 'article h2', press('Edit')],
  ['editing an entry', entryPath, 'article h2', press('Edit')],
  ['correcting an entry', entryPath, 'article h2', press('Correct by a new entry')],
  [
    'what changed in an entry',
    entryPath,
    'text=Show changes',
    async (page) => {
      await page.getByRole('button', { name: 'Show changes' }).click();
      await page.waitForSelector('[aria-label=Changes]');
    },
  ],
  ['relations of an entry', entryPath, 'article h2', tab('Relations', 'text=Contradicted by')],
  ['provenance of an entry', entryPath, 'article h2', tab('Provenance', 'text=Content id')],
  ['entry in quarantine', riskyPath, 'text=reads like orders'],
  ['entry that was deleted', `${diaryPath}/${diaryIds.gone}`, 'text=Bring it back'],
  ['search before the first word', '/search', 'text=words in quotes'],
  [
    'search that abstains',
    '/search?q=weather',
    'text=Nothing fits',
    undefined,
    answering({ [`POST ${root}/search`]: { body: abstained } }),
  ],
  [
    'search while the model is away',
    '/search?q=staging',
    'text=the model does not answer',
    undefined,
    answering({ [`POST ${root}/search`]: { body: found({ meaning: 'unavailable' }) } }),
  ],
  [
    'search while the server fails',
    '/search?q=x',
    'text=Try again',
    undefined,
    answering({ [`POST ${root}/search`]: fails }),
  ],
  ['attaching a key', `/agents/${ids.freshAgent}`, 'text=It has no key pair', press('Attach a key')],
  ['trust before the first newcomer', '/agents/trust', 'text=Nobody came in', undefined, noDiaries],
  ['trust with vouchers of others', '/agents/trust', 'text=Switched off', undefined],
];

describeStates(
  web,
  states.map(([name, path, ready, act, answers]) => ({ name, path, ready, act, answers: answers ?? diaryAnswers })),
  ({ answers }) => recorded(answers),
);

/** A page that remembers what it asked. */
const watch = async (path: string, answers: Answers = diaryAnswers): Promise<{ page: Page; calls: Call[] }> => {
  const context = await newContext(web.browser);
  const { calls, handler } = remembered(answers);
  await web.served.answer(context, handler);
  await quietSocket(context);
  const page = await context.newPage();
  await page.goto(`${web.url}${path}`);
  return { page, calls };
};
const callOf = async (calls: Call[], method: string, path: string): Promise<Call> => {
  await expect.poll(() => calls.find((call) => call.method === method && call.path === path)).toBeDefined();
  return calls.find((call) => call.method === method && call.path === path)!;
};

describe('situation 20: an invitation to a diary', () => {
  test('is accepted on the page, which goes to the diary', async () => {
    const { page, calls } = await watch('/diaries');
    await page.waitForSelector('text=Notes of the night shift');
    await page.getByRole('button', { name: 'Accept' }).click();
    await callOf(calls, 'POST', `${root}/invitations/${invitation.id}/accept`);
    await page.waitForURL(`**/diaries/${diaryToRead.id}`);
    await page.context().close();
  });

  test('comes back when the server refuses that it is declined', async () => {
    const { page } = await watch(
      '/diaries',
      answering({
        [`POST ${root}/invitations/${invitation.id}/decline`]: problem(
          409,
          'diary_invitation_closed',
          'The invitation is closed',
          'It was taken back a moment ago.',
        ),
      }),
    );
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.waitForSelector('text=It was taken back a moment ago.');
    await page.waitForSelector('text=Notes of the night shift');
    await page.context().close();
  });
});

describe('the timeline of a diary', () => {
  test('situation 36: shows what was superseded on request alone, and asks the server for it', async () => {
    const { page } = await watch(diaryPath);
    await page.waitForSelector('[data-entry]');
    const asked = page.waitForRequest((request) => request.url().includes('include_superseded=true'));
    await page.getByRole('button', { name: 'Superseded' }).click();
    await asked;
    expect(page.url()).toContain('superseded=true');
    await page.context().close();
  });

  test('is walked by keys, and a reader finds nothing that writes', async () => {
    const { page } = await watch(diaryPath);
    await page.waitForSelector('[data-entry]');
    await page.keyboard.press('j');
    await page.waitForURL(`**${entryPath}`);
    await page.waitForSelector('article h2');
    await page.keyboard.press('Escape');
    await page.waitForURL(`**${diaryPath}`);
    await page.goto(`${web.url}/diaries/${diaryToRead.id}`);
    await page.waitForSelector('text=Nothing is written here yet');
    for (const name of ['Write', 'Share', 'Settings of this diary'])
      expect(await page.getByRole('button', { name, exact: true }).count()).toBe(0);
    await page.context().close();
  });

  test('situation 44: keeps what was typed when the server refuses a duplicate', async () => {
    const { page, calls } = await watch(
      diaryPath,
      answering({
        [`POST ${root}/${diary.id}/entries`]: problem(
          409,
          'entry_duplicate',
          'The entry is there already',
          'This diary holds the same text.',
        ),
      }),
    );
    await page.waitForSelector('[data-entry]');
    await page.keyboard.press('c');
    await page.fill('[name=entry-content]', 'The same text');
    await page.getByRole('dialog').getByRole('button', { name: 'Write' }).click();
    await page.waitForSelector('[role=alert]:has-text("holds the same text")');
    expect(await page.inputValue('[name=entry-content]')).toBe('The same text');
    expect((await callOf(calls, 'POST', `${root}/${diary.id}/entries`)).body).toMatchObject({
      content: 'The same text',
      on_duplicate: 'refuse',
      entry_type: 'semantic',
    });
    await page.context().close();
  });
});

describe('an entry', () => {
  test('situation 45: is deleted, and undone within ten seconds by its history', async () => {
    const { page, calls } = await watch(entryPath);
    await page.waitForSelector('article h2');
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await callOf(calls, 'DELETE', `${root}/${diary.id}/entries/${entry.id}`);
    await page.getByRole('button', { name: 'Undo' }).click();
    await callOf(calls, 'POST', `${root}/${diary.id}/entries/${entry.id}/restore`);
    await page.context().close();
  });

  test('situation 36: is corrected by one that takes its place', async () => {
    const { page, calls } = await watch(entryPath);
    await page.waitForSelector('article h2');
    await press('Correct by a new entry')(page);
    await page.fill('[name=entry-content]', 'It moved to build-11.');
    await page.getByRole('button', { name: 'Write the correction' }).click();
    const { body } = await callOf(calls, 'POST', `${root}/${diary.id}/entries/${entry.id}/supersede`);
    expect(body).toMatchObject({ content: 'It moved to build-11.', title: entry.title, importance: entry.importance });
    await page.context().close();
  });

  test('sends by an edit only what was changed, so that the rest stays as others left it', async () => {
    const { page, calls } = await watch(entryPath);
    await page.waitForSelector('article h2');
    await page.keyboard.press('e');
    await page.fill('[name=entry-title]', 'Database of staging');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    const { body } = await callOf(calls, 'PATCH', `${root}/${diary.id}/entries/${entry.id}`);
    expect(body).toEqual({ title: 'Database of staging' });
    await page.context().close();
  });

  test('leaves the screen once the server no longer gives it, although it was read before', async () => {
    const answers = { ...diaryAnswers };
    const { page } = await watch(entryPath, answers);
    await page.waitForSelector('article h2');
    const gone = problem(404, 'not_found', 'Not found', 'Nothing is here.');
    answers[`GET ${root}/${diary.id}/entries/${entry.id}`] = gone;
    answers[`GET ${root}/${diary.id}/entries/${entry.id}/history`] = gone;
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Archive' }).click();
    await page.waitForSelector('text=This entry is not here');
    expect(await page.locator('article').count()).toBe(0);
    await page.context().close();
  });

  test('tells in its history which lines changed, and what else', async () => {
    const { page } = await watch(entryPath);
    await page.getByRole('button', { name: 'Show changes' }).click();
    const changes = await page.locator('[aria-label=Changes]').textContent();
    expect(changes).toContain('build-07');
    expect(changes).toContain('build-09');
    expect(await page.locator('article').textContent()).toContain('importance 7');
    await page.context().close();
  });

  test('has its proposed relation accepted', async () => {
    const decide = `${root}/${diary.id}/entries/${entry.id}/relations/${relations[1]!.id}/decide`;
    const { page, calls } = await watch(entryPath, answering({ [`POST ${decide}`]: { body: relations[1] } }));
    await tab('Relations', 'text=Contradicted by')(page);
    await page.getByRole('button', { name: 'Accept' }).click();
    expect((await callOf(calls, 'POST', decide)).body).toEqual({ decision: 'accepted' });
    await page.context().close();
  });
});

describe('many entries at once', () => {
  const path = `${root}/${diary.id}/entries/bulk`;
  const runs = (calls: readonly Call[]) =>
    calls.filter((call) => call.path === path && call.body['dry_run'] !== true).map(({ body }) => body);

  test('situation 45: says first how many, takes the filter of the page, and is undone as it was', async () => {
    const answers = { ...diaryAnswers };
    const { page, calls } = await watch(`${diaryPath}?type=["semantic"]`, answers);
    await page.waitForSelector('[data-entry]');
    await page.keyboard.press('b');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('3 entries would change').waitFor();
    await dialog.getByText('Active entries, of type fact').waitFor();
    expect(runs(calls)).toEqual([]);
    await dialog.getByRole('radio', { name: 'Archive them' }).click();
    await dialog.getByRole('button', { name: 'Archive 3 entries' }).click();
    await page.waitForSelector('text=3 entries are archived');
    expect(runs(calls)).toEqual([{ filter: { entry_types: ['semantic'] }, action: 'archive' }]);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => runs(calls).length).toBe(2);
    expect(runs(calls)[1]).toMatchObject({
      action: 'update',
      set: { status: 'active' },
      filter: { ids: entries.map((one) => one.id) },
    });
    await page.context().close();
  });

  test('is refused in words where the filter takes too many', async () => {
    const { page, calls } = await watch(
      diaryPath,
      answering({
        [`POST ${path}`]: problem(409, 'diary_limit_reached', 'Too many', 'The filter takes more than 1000 entries.'),
      }),
    );
    await page.waitForSelector('[data-entry]');
    await menu('Change many entries', '[role=alert]:has-text("more than 1000")')(page);
    await page.getByRole('radio', { name: 'Delete them' }).click();
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Delete entries' }).isDisabled()).toBe(true);
    expect(runs(calls)).toEqual([]);
    await page.context().close();
  });
});

describe('a diary as a file', () => {
  test('situation 51: an archive is checked here, and its policy goes along with it', async () => {
    const { page, calls } = await watch('/diaries');
    await page.waitForSelector(row);
    await press('Import a diary')(page);
    const text = await archiveOf();
    const dialog = page.getByRole('dialog');
    await choose(page, 'runbook.archive.jsonl', text);
    await dialog.getByText('Runbook from elsewhere').waitFor();
    await dialog.getByRole('radio', { name: 'Make them what the archive says' }).click();
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await dialog.getByText('1 of 1 entry came in').waitFor();
    const sent = await callOf(calls, 'POST', `${root}/import`);
    expect(sent.query).toEqual({ policy: 'replace' });
    expect(sent.body).toEqual({ text });
    await page.context().close();
  });

  test('situation 51: an archive that was altered by one letter is refused before it is sent', async () => {
    const { page, calls } = await watch('/diaries');
    await page.waitForSelector(row);
    await press('Import a diary')(page);
    await choose(page, 'runbook.archive.jsonl', (await archiveOf()).replace('build-09', 'build-08'));
    await page.waitForSelector('text=The archive is not whole');
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Import', exact: true }).isDisabled()).toBe(true);
    expect(calls.some((call) => call.path === `${root}/import`)).toBe(false);
    await page.context().close();
  });

  test('is taken out in the form that was chosen', async () => {
    const { page, calls } = await watch(diaryPath);
    await page.waitForSelector('[data-entry]');
    await menu('Export', 'text=Signed archive')(page);
    const file = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    expect((await file).suggestedFilename()).toBe('Platform runbook.archive.jsonl');
    await page.waitForSelector('text=3 entries in the file');
    expect((await callOf(calls, 'POST', `${root}/${diary.id}/export`)).body).toEqual({ format: 'archive' });
    await page.context().close();
  });
});

describe('whether a diary is whole', () => {
  test('situation 50: the first entry that is wrong is named, with what is wrong with it', async () => {
    const { page } = await watch(
      diaryPath,
      answering({
        [`POST ${root}/${diary.id}/verify`]: {
          body: { ...whole, valid: false, broken: { entry_id: entry.id, seq: 7, problem: 'content_mismatch' } },
        },
      }),
    );
    await page.waitForSelector('[data-entry]');
    await menu('Check that it is whole', '[role=dialog]')(page);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.waitForSelector('text=is not what was written');
    expect(await page.getByText('Nothing is wrong').count()).toBe(0);
    await page.getByRole('link', { name: 'Entry number 7' }).click();
    await page.waitForURL(`**${entryPath}`);
    await page.context().close();
  });
});

describe('when an entry holds', () => {
  test('is written with it, and taken off again by an edit', async () => {
    const { page, calls } = await watch(diaryPath);
    await page.waitForSelector('[data-entry]');
    await page.keyboard.press('c');
    await page.fill('[name=entry-content]', 'Closed until Monday');
    await page.getByText('When it holds, when it ends').click();
    await page.getByLabel('Leaves answers').fill('2026-12-07T09:00');
    await page.getByRole('dialog').getByRole('button', { name: 'Write' }).click();
    // The browser of the tests is in Berlin.
    const written = await callOf(calls, 'POST', `${root}/${diary.id}/entries`);
    expect(written.body).toMatchObject({ expires_at: '2026-12-07T08:00:00.000Z' });
    expect(written.body).not.toHaveProperty('valid_from');
    await page.goto(`${web.url}${signedPath}`);
    await page.waitForSelector('article h2');
    await page.keyboard.press('e');
    await page.getByLabel('Holds until').fill('');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    const edited = await callOf(calls, 'PATCH', `${root}/${diary.id}/entries/${signedEntry.id}`);
    expect(edited.body).toEqual({ valid_to: null });
    await page.context().close();
  });

  test('situation 36: a page that tells of a former time asks for it, and strikes through nothing replaced since', async () => {
    const { page } = await watch(`${diaryPath}?as_of=2026-11-01T09:00:00Z&superseded=true`);
    await page.waitForSelector('[data-entry]');
    expect(await page.locator('[data-entry] .line-through').count()).toBe(0);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await expect.poll(() => page.locator('[data-entry] .line-through').count()).toBe(1);
    expect(page.url()).not.toContain('as_of');
    await page.context().close();
  });
});

describe('what a diary gives away or loses', () => {
  test('a whole diary goes to somebody else, and is left then', async () => {
    const { page, calls } = await watch(diaryPath);
    await page.waitForSelector('[data-entry]');
    await menu('Give it away', 'text=You keep nothing of it')(page);
    await page.getByRole('combobox', { name: 'New owner' }).click();
    await page.getByRole('option').first().click();
    await page.getByRole('button', { name: /^Give it to / }).click();
    expect(Object.keys((await callOf(calls, 'POST', `${root}/${diary.id}/transfer`)).body)).toHaveLength(1);
    await page.waitForURL('**/diaries');
    await page.context().close();
  });

  test('a team is offered it, and the list of shares takes one back', async () => {
    const { page, calls } = await watch(diaryPath);
    await page.waitForSelector('[data-entry]');
    await press('Share')(page);
    await page.getByRole('radio', { name: 'Team' }).click();
    await page.getByRole('combobox', { name: 'Team' }).click();
    await page.getByRole('option', { name: 'Finance' }).click();
    await page.getByRole('button', { name: 'Give it to the team' }).click();
    expect((await callOf(calls, 'POST', `${root}/${diary.id}/shares`)).body).toMatchObject({ role: 'reader' });
    await page.getByRole('button', { name: 'Take it back from Scribe' }).click();
    await expect
      .poll(() => calls.some(({ method, path }) => method === 'DELETE' && path.includes('/shares/')))
      .toBe(true);
    await page.context().close();
  });

  test('situation 21: a diary is deleted only once its name is typed', async () => {
    const { page, calls } = await watch(diaryPath);
    await page.waitForSelector('[data-entry]');
    await press('Settings of this diary')(page);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Delete diary' });
    expect(await confirm.isDisabled()).toBe(true);
    await page.getByLabel('Type Platform runbook to go on').fill('Platform runbook');
    await confirm.click();
    await callOf(calls, 'DELETE', `${root}/${diary.id}`);
    await page.waitForURL('**/diaries');
    await page.context().close();
  });
});

describe('search', () => {
  test('situation 32: marks what matched and says that no model is configured', async () => {
    const { page, calls } = await watch('/search');
    await page.getByRole('searchbox', { name: 'Search all diaries' }).fill('"staging database" -old');
    await page.waitForSelector('mark:has-text("staging database")');
    await page.waitForSelector('text=Lexical only: no model is configured');
    await page.waitForSelector('text=Found by its words and entries beside it');
    expect((await callOf(calls, 'POST', `${root}/search`)).body).toMatchObject({ query: '"staging database" -old' });
    // Quotes survive the address.
    await page.reload();
    await page.waitForSelector('mark');
    expect(await page.getByRole('searchbox', { name: 'Search all diaries' }).inputValue()).toBe(
      '"staging database" -old',
    );
    await page.context().close();
  });

  test('situation 35: abstains, and shows the nearest only when asked', async () => {
    const { page, calls } = await watch(
      '/search?q=weather',
      answering({ [`POST ${root}/search`]: { body: abstained } }),
    );
    await page.waitForSelector('text=Nothing fits');
    expect(calls.some(({ body }) => 'abstain' in body)).toBe(false);
    await page.getByRole('button', { name: 'Show the nearest' }).click();
    await expect.poll(() => calls.some(({ body }) => body['abstain'] === false)).toBe(true);
    await page.context().close();
  });

  test('is in the palette, which finds diaries and entries by name', async () => {
    const { page } = await watch('/diaries');
    await page.waitForSelector(row);
    await page.keyboard.press('Control+k');
    await page.locator('[cmdk-input]:focus').waitFor();
    await page.keyboard.type('what scribe');
    await page.waitForSelector('[cmdk-group-heading]:has-text("Entries of diaries")');
    await page.locator('[cmdk-item]:has-text("What Scribe learnt")').click();
    await page.waitForURL(`**/diaries/${diaryToRead.id}`);
    await page.context().close();
  });
});

describe('the identity of an agent', () => {
  test('is shown as drawing, fingerprint and whole key, and a signature is checked against it', async () => {
    const { page, calls } = await watch(`/agents/${ids.agent}`);
    await page.waitForSelector('text=ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=');
    expect(await page.locator('code', { hasText: fingerprint }).count()).toBe(1);
    await page.getByLabel('Check a signature').fill('  c2lnbmF0dXJl  ');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.waitForSelector('text=Signed by this key');
    expect((await callOf(calls, 'POST', `/api/v1/directory/${fingerprint}/verify`)).body).toEqual({
      signature: 'c2lnbmF0dXJl',
    });
    await page.context().close();
  });

  test('a signature by another key is never called good', async () => {
    const { page } = await watch(
      `/agents/${ids.agent}`,
      answering({
        [`POST /api/v1/directory/${fingerprint}/verify`]: {
          body: { valid: false, signer: { fingerprint: '1DE7-6A39-3334-F48E' } },
        },
      }),
    );
    await page.getByLabel('Check a signature').fill('c2lnbmF0dXJl');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.waitForSelector('text=Not by this key: 1DE7-6A39-3334-F48E signed it');
    expect(await page.getByText('Signed by this key').count()).toBe(0);
    await page.context().close();
  });

  test('an enrolment token is shown once and is gone when the dialog opens again', async () => {
    const { page } = await watch(`/agents/${ids.freshAgent}`);
    await press('Attach a key')(page);
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.waitForSelector(`text=${enrolmentToken}`);
    await page.getByRole('button', { name: 'Done' }).click();
    await page.waitForSelector('[role=dialog]', { state: 'detached' });
    await press('Attach a key')(page);
    await page.waitForSelector('text=takes the agent over');
    expect(await page.getByText(enrolmentToken).count()).toBe(0);
    await page.context().close();
  });

  test('a voucher is taken back, and the tree folds', async () => {
    const { page, calls } = await watch(
      '/agents/trust',
      answering({ 'DELETE /api/v1/vouchers/01980000-8700-7000-8000-000000000000': { status: 204, body: null } }),
    );
    await page.waitForSelector('text=depth 4');
    await page.getByRole('button', { name: 'Fold 745E-F056-6855-23F2' }).click();
    await page.waitForSelector('text=depth 4', { state: 'detached' });
    await page.getByRole('button', { name: 'Take back' }).first().click();
    await callOf(calls, 'DELETE', '/api/v1/vouchers/01980000-8700-7000-8000-000000000000');
    await page.context().close();
  });
});
