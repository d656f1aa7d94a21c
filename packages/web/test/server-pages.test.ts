import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { describeStates, serveForTests } from './support/page-states.ts';
import { noPeersAnswers, peerAnswers } from './support/peers-answers.ts';
import { type Answers, problem, recorded } from './support/recorded-api.ts';
import {
  approvals,
  certificateClientId,
  clientId,
  clients,
  keysClientId,
  ownerAnswers,
  quietServerAnswers,
  serverAnswers,
} from './support/server-answers.ts';

const web = serveForTests();
const { open } = web;

const row = '[role=row][data-row], ul[aria-label] > li > button';
const item = '[role=row][data-row], ul[aria-label] > li > div';
const press = (name: string) => async (page: Page) => {
  await page.getByRole('button', { name, exact: true }).first().click();
  await page.waitForSelector('[role=dialog]');
};
const openSecond = async (page: Page) => {
  await page.locator('[role=row][data-row="1"], ul[aria-label] > li:nth-child(2) > button').first().click();
  await page.waitForSelector('[role=dialog]');
};

const restoreSecond = async (page: Page) => {
  await openSecond(page);
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.waitForSelector('[name=restore-passphrase]');
};
const openNth = (n: number) => async (page: Page) => {
  await page
    .locator(`[role=row][data-row="${n}"], ul[aria-label] > li:nth-child(${n + 1}) > button`)
    .first()
    .click();
  await page.waitForSelector('[role=dialog]');
};
const choose = (view: string, then: string) => async (page: Page) => {
  await page.getByRole('radio', { name: view }).click();
  await page.waitForSelector(`text=${then}`);
};
const makeInvitation = async (page: Page) => {
  await press('Invite a server')(page);
  await page.getByRole('button', { name: 'Make invitation' }).click();
  await page.waitForSelector('text=Shown once');
};
const peers: Answers = { ...serverAnswers, ...peerAnswers };
const noPeers: Answers = { ...serverAnswers, ...noPeersAnswers };

const newClientBy = (method: string) => async (page: Page) => {
  await press('New client')(page);
  await page.getByRole('combobox', { name: 'How it proves itself' }).click();
  await page.getByRole('option', { name: method }).click();
};

const approvalsFail: Answers = {
  ...serverAnswers,
  'GET /api/v1/admin/oauth/approval-requests': problem(500, 'internal_error', 'Failed', 'Something failed here.'),
};

/** What stands on these pages by itself is looked at on a real server; here are the states that a seed cannot show. */
const pages: [name: string, path: string, ready: string, act?: (page: Page) => Promise<void>, answers?: Answers][] = [
  ['overview of a quiet server', '/server/overview', 'text=No token was issued', undefined, quietServerAnswers],
  ['metrics of a busy server', '/server/metrics', '[data-route]'],
  ['metrics before the first request', '/server/metrics', 'text=Nothing was asked for', undefined, quietServerAnswers],
  ['security events', '/server/events', row, openSecond],
  ['clients before the first', '/server/clients', 'text=Register the first client', undefined, quietServerAnswers],
  ['new client', '/server/clients', row, press('New client')],
  ['new client with a certificate of an authority', '/server/clients', row, newClientBy('Certificate of a CA')],
  ['new client with its own certificate', '/server/clients', row, newClientBy('Own certificate')],
  ['new client with keys', '/server/clients', row, newClientBy('Signed assertion')],
  ['client with a certificate', `/server/clients/${certificateClientId}`, 'h1', press('Change name')],
  ['client with keys', `/server/clients/${keysClientId}`, 'h1', press('Change keys')],
  ['approvals', '/server/approvals', row, openSecond],
  ['approvals before the first', '/server/approvals', 'text=No request waits', undefined, quietServerAnswers],
  ['approvals while the server fails', '/server/approvals', 'text=Try again', undefined, approvalsFail],
  ['tokens', '/server/tokens', row, openSecond],
  ['grants', '/server/grants', row, openSecond],
  ['registration tokens', '/server/registration', item, press('New token')],
  ['people', '/server/people', row, openSecond],
  ['sessions', '/server/sessions', row, openSecond],
  ['resources', '/server/resources', row, press('New resource')],
  ['trusted issuers', '/server/issuers', row, press('Trust an issuer')],
  ['certificates with one of this server', '/server/certificates', row, openSecond],
  ['new certificate', '/server/certificates', row, press('New certificate')],
  ['backups with one that is tested', '/server/backups', row, openSecond],
  ['restore of a backup', '/server/backups', row, restoreSecond],
  ['new backup', '/server/backups', row, press('Back up now')],
  ['schedule of backups', '/server/backups', row, press('Change schedule')],
  ['peer that is linked', '/server/peers', row, openNth(0), peers],
  ['peer that shows another certificate', '/server/peers', row, openNth(2), peers],
  ['invitation of a server', '/server/peers', row, makeInvitation, peers],
  ['joining a server', '/server/peers', row, press('Join a server'), peers],
  ['servers of the local network', '/server/peers', row, choose('Nearby', 'Barn'), peers],
  ['apps of peers', '/server/peers', row, choose('Their apps', 'Paperless'), peers],
  ['published apps', '/server/peers', row, choose('Our apps', 'Wiki'), peers],
  ['federation that is off', '/server/peers', 'text=Federation is off', undefined, noPeers],
  ['denied addresses', '/server/denylist', item, press('Deny a range')],
  ['one-time secret', '/server/reveal#token', 'text=Show its secret'],
  [
    'connected apps before the first',
    '/settings/connected-apps',
    'text=No application acts',
    undefined,
    quietServerAnswers,
  ],
];

describeStates(
  web,
  pages.map(([name, path, ready, act, answers = serverAnswers]) => ({ name, path, ready, act, answers })),
  ({ answers }) => recorded(answers),
);

describe('the section of the server', () => {
  test('is in the rail of an operator and of nobody else, who is told what it is', async () => {
    const operator = await open('/settings/profile', serverAnswers);
    await operator.getByRole('link', { name: 'Server', exact: true }).waitFor();
    await operator.context().close();
    const owner = await open('/server/clients', ownerAnswers);
    await owner.waitForSelector('text=people who run the server');
    expect(await owner.getByRole('link', { name: 'Server', exact: true }).count()).toBe(0);
    await owner.context().close();
  });

  test('registers a client by keys alone and shows its secret once', async () => {
    const page = await open('/server/clients', serverAnswers);
    await page.waitForSelector(row);
    await page.keyboard.press('c');
    await page.waitForSelector('[name=client-name]');
    await page.fill('[name=client-name]', 'Customer portal');
    await page.fill('[name=redirect-uris]', 'https://portal.northwind.example/callback');
    const asked = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('/oauth/clients'),
    );
    await page.getByRole('button', { name: 'Register client' }).click();
    expect((await asked).postDataJSON()).toMatchObject({
      name: 'Customer portal',
      auth_method: 'client_secret_basic',
      redirect_uris: ['https://portal.northwind.example/callback'],
    });
    await page.waitForSelector('text=Shown once');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.waitForSelector('[role=dialog]', { state: 'detached' });
    expect(await page.content()).not.toContain('acs_xxx');
    await page.context().close();
  });

  test('registers a client by the name in its certificate, and names what the server has switched off at its field', async () => {
    const page = await open('/server/clients', {
      ...serverAnswers,
      'POST /api/v1/admin/oauth/clients': problem(
        422,
        'validation_failed',
        'Validation failed',
        'Something is wrong.',
        {
          errors: [{ path: 'auth_method', message: 'client certificates are switched off on this server' }],
        },
      ),
    });
    await page.waitForSelector(row);
    await page.keyboard.press('c');
    await page.getByRole('radio', { name: /^Service/ }).check();
    await page.fill('[name=client-name]', 'Billing');
    await page.getByRole('combobox', { name: 'How it proves itself' }).press('Enter');
    await page.getByRole('option', { name: 'Certificate of a CA' }).press('Enter');
    const subject = page.getByRole('textbox', { name: 'Subject' });
    const isAboveFooter = (field: Element) =>
      field.getBoundingClientRect().bottom <
      field.closest('[role=dialog]')!.querySelector('footer')!.getBoundingClientRect().top;
    await expect.poll(() => subject.evaluate(isAboveFooter), { timeout: 15_000 }).toBe(true);
    const register = page.getByRole('button', { name: 'Register client' });
    expect(await register.isDisabled()).toBe(true);
    await page.getByRole('combobox', { name: 'Name in the certificate' }).press('Enter');
    await page.getByRole('option', { name: 'DNS name' }).press('Enter');
    await page.getByRole('textbox', { name: 'DNS name' }).fill('billing.northwind.example');
    await page.getByRole('switch', { name: 'Bind tokens to its certificate' }).press('Space');
    const asked = page.waitForRequest((request) => request.method() === 'POST');
    await register.click();
    const sent = (await asked).postDataJSON();
    expect(sent).toMatchObject({
      ...{ name: 'Billing', auth_method: 'tls_client_auth', grant_types: ['client_credentials'], redirect_uris: [] },
      certificate_name: { kind: 'san_dns', value: 'billing.northwind.example' },
      certificate_required: true,
    });
    expect(sent).not.toHaveProperty('jwks');
    await page.waitForSelector('text=client certificates are switched off');
    const method = page.getByRole('combobox', { name: 'How it proves itself' });
    expect(await method.getAttribute('aria-invalid')).toBe('true');
    await page.context().close();
  });

  test('keys are read before they travel: a private one stays here, one alone is a set, and refusals stand at them', async () => {
    const page = await open('/server/clients', {
      ...serverAnswers,
      'POST /api/v1/admin/oauth/clients': problem(
        422,
        'validation_failed',
        'Validation failed',
        'Something is wrong.',
        {
          errors: [{ path: 'jwks.keys.0', message: 'needs its certificate as x5c' }],
        },
      ),
    });
    const sent: { jwks?: unknown }[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/oauth/clients')) sent.push(request.postDataJSON());
    });
    await page.waitForSelector(row);
    await newClientBy('Own certificate')(page);
    await page.fill('[name=client-name]', 'Scanner');
    await page.fill('[name=redirect-uris]', 'https://scanner.northwind.example/done');
    const keys = page.getByRole('textbox', { name: 'JWK set' });
    const register = page.getByRole('button', { name: 'Register client' });
    for (const [text, said] of [
      ['-----BEGIN CERTIFICATE-----', 'This is PEM'],
      ['keys', 'This is not JSON'],
      ['{"keys": [{"kty": "EC"}, {"kty": "EC", "d": "secret"}]}', 'Key 2: must be a public key'],
      ['{}', 'A JWK set is'],
    ] as const) {
      await keys.fill(text);
      await register.click();
      await page.waitForSelector(`text=${said}`);
      expect(await keys.getAttribute('aria-invalid')).toBe('true');
    }
    expect(sent).toEqual([]);
    await keys.fill('{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}');
    await register.click();
    await page.waitForSelector('text=needs its certificate as x5c');
    expect(await keys.getAttribute('aria-invalid')).toBe('true');
    expect(sent).toMatchObject([
      {
        ...{ auth_method: 'self_signed_tls_client_auth', jwks_uri: null, certificate_required: false },
        jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] },
      },
    ]);
    await page.context().close();
  });

  test('a client that signs gets other keys, on the version that was read', async () => {
    const page = await open(`/server/clients/${keysClientId}`, serverAnswers);
    await page.getByRole('button', { name: 'Change keys' }).click();
    const address = page.getByRole('textbox', { name: 'Address of its JWK set' });
    expect(await address.inputValue()).toBe('https://ledger.northwind.example/oauth/jwks.json');
    await page.getByRole('radio', { name: 'Pasted here' }).click();
    await page.getByRole('textbox', { name: 'JWK set' }).fill('{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "x"}]}');
    const asked = page.waitForRequest((request) => request.method() === 'PATCH');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    expect((await asked).postDataJSON()).toEqual({
      version: 3,
      jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'x' }] },
      jwks_uri: null,
    });
    await page.context().close();
  });

  test('a request that waits is ended by keys alone, and one that was decided offers no end', async () => {
    const [first] = approvals;
    const page = await open('/server/approvals', {
      ...serverAnswers,
      [`POST /api/v1/admin/oauth/approval-requests/${first!.id}/cancel`]: { body: { ...first, state: 'withdrawn' } },
    });
    await page.waitForSelector(row);
    await page.getByRole('row', { name: /Approved/ }).click();
    await page.getByRole('dialog').waitFor();
    expect(await page.getByRole('button', { name: 'End request' }).count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('[role=row][data-row="0"]').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'End request' }).focus();
    await page.keyboard.press('Enter');
    const asked = page.waitForRequest((request) => request.method() === 'POST');
    await page
      .getByRole('dialog', { name: 'End this request' })
      .getByRole('button', { name: 'End request' })
      .press('Enter');
    expect((await asked).url()).toContain(`${first!.id}/cancel`);
    await page.waitForSelector(`text=The request of ${first!.client.name} is ended`);
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('whoever acts for a person is named in the list and in the sheet of a grant', async () => {
    const page = await open('/server/grants', serverAnswers);
    await page.getByRole('row', { name: /Scribe/ }).click();
    await page
      .getByRole('dialog')
      .getByRole('group', { name: /^Acts for/ })
      .getByText('Scribe')
      .waitFor();
    await page.context().close();
  });

  test('situation 97: who saves after somebody else is told so, and keeps what was typed', async () => {
    const page = await open(`/server/clients/${clientId}`, {
      ...serverAnswers,
      [`PATCH /api/v1/admin/oauth/clients/${clientId}`]: problem(
        409,
        'generation_conflict',
        'Changed meanwhile',
        'The client was changed meanwhile; it is at version 4 now.',
        { current_version: 4 },
      ),
    });
    const field = page.getByRole('textbox', { name: 'Name' });
    await field.fill('My name for it');
    const asked = page.waitForRequest((request) => request.method() === 'PATCH');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    expect((await asked).postDataJSON()).toEqual({ version: 3, name: 'My name for it' });
    await page.waitForSelector('text=This client has changed since you began');
    expect(await field.inputValue()).toBe('My name for it');
    await page.getByRole('button', { name: 'Take what is new' }).click();
    expect(await field.inputValue()).toBe(clients[0]!.name);
    await page.context().close();
  });

  test('a one-time link leaves no token in the address and shows the secret when asked', async () => {
    const page = await open('/server/reveal#the-token', serverAnswers);
    await page.waitForSelector('text=Show its secret');
    expect(page.url()).not.toContain('the-token');
    const asked = page.waitForRequest((request) => request.url().endsWith('/secret-reveals/open'));
    await page.getByRole('button', { name: 'Show its secret' }).click();
    expect((await asked).postDataJSON()).toEqual({ token: 'the-token' });
    await page.waitForSelector('text=acs_yyy');
    await page.context().close();
  });

  test('an application says which agents act for the person through it', async () => {
    const page = await open('/settings/connected-apps', serverAnswers);
    const editor = page.getByRole('listitem').filter({ hasText: 'Editor' }).first();
    await editor.waitFor();
    expect((await editor.textContent())!).toContain(
      'Through it, the agent Scribe and the device Front desk of the warehouse in Göteborg act for you',
    );
    const portal = page.getByRole('listitem').filter({ hasText: 'Customer portal' }).first();
    expect(await portal.textContent()).not.toContain('Through it');
    await page.context().close();
  });

  test('an application that is withdrawn leaves the list at once', async () => {
    const page = await open('/settings/connected-apps', {
      ...serverAnswers,
      'DELETE /api/v1/me/grants/01980000-0043-7000-8000-000000000000': { status: 204, body: null },
    });
    await page.getByRole('button', { name: 'Withdraw the access of Customer portal' }).click();
    const sent = page.waitForRequest((request) => request.method() === 'DELETE');
    await page.getByRole('dialog').getByRole('button', { name: 'Withdraw access' }).click();
    await sent;
    await page.waitForSelector('text=Its access is ended');
    await page.context().close();
  });
});
