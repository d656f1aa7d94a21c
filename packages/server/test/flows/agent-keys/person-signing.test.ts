import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey } from '../../support/agent-key.ts';
import { newCliHome, runCli } from '../../support/cli.ts';
import { freePort } from '../../support/free-port.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { openSocket } from '../../support/live-socket.ts';
import { makeSigner } from '../../support/make-signer.ts';
import { connectV1 } from '../../support/mcp-drivers.ts';
import { ok, type Person } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';

let world: KeyWorld;
let origin: string;
let agent: KeyedAgent;
beforeAll(async () => {
  const port = await freePort();
  // A name and no address: passkeys are for names alone.
  origin = `http://localhost:${port}`;
  world = await openKeyWorld({ port, env: { ATRIUM_PUBLIC_URL: origin } });
  agent = await world.agent();
});
afterAll(async () => {
  await world?.close();
});

const path = '/api/v1/crypto/signing-requests';

const newSigner = (name: string) => makeSigner(world, origin, name);

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
