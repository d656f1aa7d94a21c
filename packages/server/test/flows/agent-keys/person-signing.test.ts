import { personalKeyProof } from '@atrium/protocol';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBrowser } from '../../../../../scripts/open-browser.ts';
import { seriousViolations } from '../../../../web/test/support/axe.ts';
import { makeKey, type TestKey } from '../../support/agent-key.ts';
import { createAuthenticator } from '../../support/authenticator.ts';
import { newCliHome, runCli } from '../../support/cli.ts';
import { freePort } from '../../support/free-port.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { openSocket } from '../../support/live-socket.ts';
import { connectV1 } from '../../support/mcp-drivers.ts';
import { ok, type Person, password } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';

// Several pages, each judged by axe, on a machine that does other things as well.
vi.setConfig({ testTimeout: 240_000 });

let world: KeyWorld;
let browser: Browser;
let origin: string;
let agent: KeyedAgent;
beforeAll(async () => {
  const port = await freePort();
  // A name and no address: passkeys are for names alone.
  origin = `http://localhost:${port}`;
  world = await openKeyWorld({ port, web: true, env: { ATRIUM_PUBLIC_URL: origin } });
  agent = await world.agent();
  browser = await openBrowser();
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const path = '/api/v1/crypto/signing-requests';

/** A member with a passkey and a key, in software. */
const newSigner = async (name: string): Promise<{ person: Person; key: TestKey }> => {
  const person = await world.org.member(name);
  const device = createAuthenticator(origin);
  const made = ok(await person.post('/api/v1/me/passkeys/options'));
  const passkey = { ceremony_id: made.ceremony_id, credential: device.create(made.options) };
  ok(await person.post('/api/v1/me/passkeys', passkey));
  const key = await makeKey();
  const { ceremony_id, options, nonce } = ok(
    await person.post('/api/v1/me/personal-keys/options', { public_key: key.public_key }),
  );
  const proof = await key.sign(personalKeyProof(person.id, key.public_key, nonce));
  const input = { ceremony_id, credential: device.get(options), proof, label: 'Software' };
  ok(await person.post('/api/v1/me/personal-keys', input));
  return { person, key };
};

const itemOf = async (person: Person, requestId: string): Promise<Json> => {
  const { id } = await world.row('select id from inbox_items where decides_id = $1', [requestId]);
  return ok(await person.get(`/api/v1/inbox/items/${id}`));
};

describe('by every door', () => {
  it('an agent asks over MCP, the person signs over REST, and the agent hears of it', async () => {
    const { person, key } = await newSigner('Rest Signer');
    const client = await connectV1(world.url, ok(await world.tokenAnswer(agent, '/mcp')).access_token);
    const socket = await openSocket(world.url, agent.token);
    const message = 'Pay **100** to <A>\n\n[not a link](https://example.org)';
    const asked = (await client.call('crypto_prepare_signature', { message, person: person.id })).structuredContent;
    expect(asked).toMatchObject({ status: 'pending', agent_id: null, person_id: person.id });
    const item = await itemOf(person, asked.id);
    expect(item).toMatchObject({ status: 'open', approval: { arguments: { request_id: asked.id, message } } });
    const [signature, { fingerprint }] = [await key.signMessage(message, asked.nonce), key];
    const done = ok(await person.post(`${path}/${asked.id}/sign`, { signature, fingerprint }));
    expect(done).toMatchObject({ status: 'completed', valid: true });
    expect((await client.call('crypto_signing_status', { request_id: asked.id })).structuredContent).toEqual(done);
    const event = await socket.event((one) => one.kind === 'identity.signing.completed' && one.id === asked.id);
    expect(event.body).toEqual({ user_id: person.id, asker_id: agent.id, valid: true });
    expect((await itemOf(person, asked.id)).status).toBe('withdrawn');
    const verdict = { valid: true, signer: { fingerprint } };
    expect((await client.call('crypto_verify', { signature })).structuredContent).toEqual(verdict);
    expect(ok(await world.anonymous.post('/api/v1/crypto/verify', { signature }))).toEqual(verdict);
    expect(ok(await world.anonymous.post(`/api/v1/directory/${fingerprint}/verify`, { signature }))).toEqual(verdict);
    expect((await world.anonymous.get(`/api/v1/directory/${fingerprint}`)).status).toBe(404);
    const named = { valid: true, signer: { fingerprint, person_id: person.id } };
    expect(ok(await world.org.owner.post('/api/v1/crypto/verify', { signature }))).toEqual(named);
    expect(JSON.stringify(ok(await agent.get('/api/v1/directory/agents')))).not.toContain(fingerprint);
    socket.close();
    await client.close();
  });

  it('rejected in the inbox it is declined; approving there is no signature', async () => {
    const { person, key } = await newSigner('Inbox Signer');
    const asked = ok(await agent.post(path, { message: 'release', person: person.id }));
    const { id } = await itemOf(person, asked.id);
    const approved = await person.post(`/api/v1/inbox/items/${id}/answer`, { reply: { kind: 'accept' } });
    expect([approved.status, approved.body.code]).toEqual([409, 'signing_request_unsigned']);
    expect(ok(await agent.get(`${path}/${asked.id}`))).toMatchObject({ status: 'pending', decision: null });
    ok(await person.post(`/api/v1/inbox/items/${id}/answer`, { reply: { kind: 'reject' } }));
    expect(ok(await agent.get(`${path}/${asked.id}`))).toMatchObject({ status: 'declined', decision: 'declined' });
    const input = { signature: await key.signMessage('release', asked.nonce), fingerprint: key.fingerprint };
    const late = await person.post(`${path}/${asked.id}/sign`, input);
    expect([late.status, late.body.code]).toEqual([409, 'signing_request_declined']);
    const back = ok(await agent.post(path, { message: 'release', person: person.id }));
    ok(await agent.post(`${path}/${back.id}/cancel`));
    expect((await itemOf(person, back.id)).status).toBe('withdrawn');
  });

  it('neither an API key nor the command line signs for a person, and is told where it is done', async () => {
    const { person, key } = await newSigner('Cli Signer');
    const { api_key } = ok(
      await person.post('/api/v1/me/api-keys', {
        name: 'Key',
        scopes: ['crypto:sign', 'account:read', 'account:write'],
      }),
    );
    const asked = ok(await agent.post(path, { message: 'release', person: person.id }));
    const signature = await key.signMessage('release', asked.nonce);
    const env = { ATRIUM_URL: world.url, ATRIUM_TOKEN: api_key };
    const home = newCliHome();
    const args = ['signing-requests', 'sign', asked.id, '--signature', signature, '--fingerprint', key.fingerprint];
    const refused = await runCli(home, args, { env });
    expect(refused.code).not.toBe(0);
    expect(refused.out + refused.err).toContain('A person signs in the browser that holds their key');
    const list = await runCli(home, ['signing-requests', 'list', '--json'], { env });
    expect(list.out).toContain(asked.id);
    const byKey = createRestClient(() => world.url, api_key);
    const begun = await byKey.post('/api/v1/me/personal-keys/options', { public_key: (await makeKey()).public_key });
    expect([begun.status, begun.body.code]).toEqual([403, 'permission_denied']);
    const { items } = ok(await byKey.get('/api/v1/me/personal-keys'));
    expect((await byKey.delete(`/api/v1/me/personal-keys/${items[0].id}`)).status).toBe(403);
    expect(ok(await agent.get(`${path}/${asked.id}`)).status).toBe('pending');
  });
});

describe('in a real browser', () => {
  const open = async (person: Person): Promise<{ page: Page; context: BrowserContext; refused: string[] }> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, serviceWorkers: 'block' });
    context.setDefaultTimeout(90_000);
    const page = await context.newPage();
    const refused: string[] = [];
    page.on('console', (line) => line.text().includes('Content Security Policy') && refused.push(line.text()));
    const cdp = await context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
        ...{ isUserVerified: true, automaticPresenceSimulation: true },
      },
    });
    await page.goto(`${origin}/sign-in`);
    await page.fill('[name=email]', person.email);
    await page.fill('[name=password]', password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(/\/inbox/);
    return { page, context, refused };
  };

  it('a person makes a key that a passkey approves, signs what an agent asks, and revokes it', async () => {
    const person = await world.org.member('Browser Signer');
    const { page, context, refused } = await open(person);
    await page.goto(`${origin}/settings/security`);
    // It says what is needed first.
    await page.waitForSelector('text=Add a passkey above first');
    expect(await page.getByRole('button', { name: 'Make a signing key' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.waitForSelector('text=On one device only');
    await page.getByRole('button', { name: 'Make a signing key' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make a signing key' });
    await dialog.getByLabel('Name').fill('Workshop');
    await dialog.getByRole('button', { name: 'Approve with your passkey' }).click();
    await page.waitForSelector('text=In this browser');
    expect(await seriousViolations(page, 'all')).toEqual([]);
    const [held] = ok(await person.get('/api/v1/me/personal-keys')).items;
    expect(held.label).toBe('Workshop');
    // No script of this origin can read what the browser keeps.
    const kept = await page.evaluate(
      () =>
        new Promise<unknown>((resolve, reject) => {
          const opening = indexedDB.open('atrium-signing-keys', 1);
          opening.onsuccess = () => {
            const all = opening.result.transaction('keys').objectStore('keys').getAll();
            all.onsuccess = async () => {
              const { key } = all.result[0];
              const exported = await crypto.subtle.exportKey('pkcs8', key).catch((error: Error) => error.name);
              opening.result.close();
              resolve([all.result.length, key.extractable, exported]);
            };
          };
          opening.onerror = () => reject(opening.error);
        }),
    );
    expect(kept).toEqual([1, false, 'InvalidAccessError']);

    const message = '# Release 1.4.1\n\n[a link](https://example.org) and \u202ehidden';
    const asked = ok(await agent.post(path, { message, person: person.id }));
    const { id } = await itemOf(person, asked.id);
    await page.goto(`${origin}/inbox/${id}`);
    await page.getByRole('link', { name: 'Read and sign' }).click();
    await page.waitForURL(new RegExp(`/sign/${asked.id}`));
    await page.getByRole('button', { name: 'Sign', exact: true }).waitFor();
    const shown = page.getByRole('figure', { name: 'Message' });
    // As it is: no heading, no link, and what does not show is said.
    expect(await shown.textContent()).toBe(message.replace('\u202e', 'U+202E'));
    expect(await shown.getByRole('link').count()).toBe(0);
    expect(await seriousViolations(page, 'all')).toEqual([]);
    await page.getByRole('button', { name: 'Sign', exact: true }).click();
    await page.waitForSelector('text=Signed');
    const done = ok(await agent.get(`${path}/${asked.id}`));
    expect(done).toMatchObject({ status: 'completed', valid: true, fingerprint: held.fingerprint });
    expect(ok(await world.anonymous.post('/api/v1/crypto/verify', { signature: done.signature }))).toEqual({
      ...{ valid: true, signer: { fingerprint: held.fingerprint } },
    });

    const unwanted = ok(await agent.post(path, { message: 'unwanted', person: person.id }));
    await page.goto(`${origin}/settings/security`);
    await page.getByRole('list', { name: 'Waiting for your signature' }).getByRole('link').click();
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.waitForSelector('text=Declined. No signature');
    expect(ok(await agent.get(`${path}/${unwanted.id}`)).status).toBe('declined');

    await page.goto(`${origin}/settings/security`);
    await page.getByRole('button', { name: 'Revoke the key Workshop' }).click();
    await page.getByRole('button', { name: 'Revoke key', exact: true }).click();
    await page.waitForSelector('text=Revoked');
    const refusedAsk = await agent.post(path, { message: 'x', person: person.id });
    expect([refusedAsk.status, refusedAsk.body.code]).toEqual([409, 'personal_key_missing']);
    expect(refused).toEqual([]);
    await context.close();
  });

  it('another browser has no key and says so, with the message still to be read and declined', async () => {
    const { person } = await newSigner('Elsewhere Signer');
    const { page, context } = await open(person);
    const asked = ok(await agent.post(path, { message: 'from elsewhere', person: person.id }));
    await page.goto(`${origin}/sign/${asked.id}`);
    await page.waitForSelector('text=Your key is in another browser: Software');
    expect(await page.getByRole('button', { name: 'Sign', exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Decline' }).waitFor();
    expect(await seriousViolations(page, 'all')).toEqual([]);
    await context.close();
  });
});
