import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
}, 60_000);
afterAll(async () => {
  await server.stop();
  removeDataDir(server.dataDir);
});

const password = 'correct horse battery staple';
// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
type Answer = { status: number; body: any; cookie: string | null };
const call = async (method: string, path: string, body?: unknown, token?: string): Promise<Answer> => {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    body: text === '' ? null : JSON.parse(text),
    cookie: answer.headers.get('set-cookie'),
  };
};

/** Opens a socket and waits until it is ready; `closed` gives the code it ends with. */
const openSocket = async (token: string) => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`);
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.on('open', () => socket.send(JSON.stringify({ type: 'auth', token })));
    socket.on('message', (data) => JSON.parse(String(data)).type === 'ready' && resolve());
    socket.on('error', reject);
    void closed.then((code) => reject(new Error(`closed with ${code}`)));
  });
  return { closed };
};

it('situations 1, 36, 43 and 60: an owner sets up, invites, shuts out and deletes, and sockets close with each', async () => {
  const owner = { token: server.setupToken, email: 'ada@example.org', password, name: 'Ada', org_name: 'Works' };
  const setup = await call('POST', '/api/v1/setup', owner);
  expect(setup).toMatchObject({ status: 201, body: { org: { name: 'Works' } } });
  expect(await call('POST', '/api/v1/setup', owner)).toMatchObject({ status: 409, body: { code: 'setup_done' } });
  const login = await call('POST', '/auth/login', { email: 'ada@example.org', password });
  expect(login).toMatchObject({
    status: 200,
    cookie: expect.stringMatching(/^atrium_session=ats_.+HttpOnly; SameSite=Lax/),
  });
  const ada: string = login.body.access_token;
  const invite = await call('POST', '/api/v1/orgs/current/invitations', { role: 'admin' }, ada);
  const guest = { email: 'bob@example.org', password, name: 'Bob', invite_code: invite.body.invite_code };
  const joined = await call('POST', '/auth/register', guest);
  expect(joined).toMatchObject({ status: 201, body: { org: { name: 'Works' } } });
  const bob: string = joined.body.access_token;

  const escalation = await call('POST', '/api/v1/orgs/current/invitations', { role: 'owner' }, bob);
  expect(escalation).toMatchObject({ status: 403, body: { code: 'escalation_denied' } });
  const demotion = await call(
    'POST',
    `/api/v1/orgs/current/members/${setup.body.user.id}/role`,
    { role: 'member' },
    ada,
  );
  expect(demotion).toMatchObject({ status: 409, body: { code: 'last_owner', error: 'cannot demote the last Owner' } });

  const { ticket } = (await call('POST', '/auth/ticket', undefined, bob)).body;
  const socket = await openSocket(ticket);
  await expect(openSocket(ticket)).rejects.toThrow('4401');
  expect(
    (await call('POST', `/api/v1/orgs/current/members/${joined.body.user.id}/deactivate`, undefined, ada)).status,
  ).toBe(200);
  expect(await socket.closed).toBe(4403);
  expect((await call('GET', '/api/v1/me', undefined, bob)).status).toBe(401);

  const agent = (await call('POST', '/api/v1/agents', { name: 'Claude' }, ada)).body;
  const agentSocket = await openSocket(agent.api_key);
  expect((await call('PATCH', `/api/v1/agents/${agent.agent.id}`, { active: false }, ada)).status).toBe(200);
  expect(await agentSocket.closed).toBe(4403);

  const own = await openSocket(ada);
  expect((await call('DELETE', '/api/v1/orgs/current?confirm=Works', undefined, ada)).status).toBe(204);
  expect(await own.closed).toBe(4403);
  const back = await call('POST', '/auth/login', { email: 'ada@example.org', password });
  expect(back.body.org).toMatchObject({ name: 'Ada', is_personal: true });
  const trail = await call('GET', '/api/v1/audit?action=orgs.delete', undefined, back.body.access_token);
  expect(trail.body.items).toMatchObject([{ action: 'orgs.delete', details: { name: 'Works' } }]);
}, 60_000);
