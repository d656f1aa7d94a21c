import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestHost, type TestHost } from './http-host.testkit.ts';

let t: TestHost;
beforeAll(async () => {
  t = await startTestHost();
});
afterAll(() => t.host.close());

/** Sends bytes as they are and reads until the server closes. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(t.port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
  });

const get = (path: string, headers = ''): Promise<string> =>
  raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);

test('Headers beyond the limit get 431 and a problem document', async () => {
  const answer = await get('/health', `X-Long: ${'a'.repeat(70_000)}\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(answer).toContain('"code":"bad_request"');
});

test('What is no HTTP gets 400 and the connection ends', async () => {
  const answer = await raw('HELLO\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('application/problem+json');
});

test('A path that cannot be decoded is 400 with a request id', async () => {
  const answer = await get('/api/v1/things/%E0%A4%A');
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toMatch(/"request_id":"[0-9a-f-]{36}"/);
});

test('Contradicting lengths, the stuff of request smuggling, are refused', async () => {
  const answer = await raw(
    'POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

test('Line breaks in header values and control bytes in a token are refused', async () => {
  expect(await get('/api/v1/things', 'Authorization: Bearer a b\r\n')).toMatch(/^HTTP\/1\.1 401 /);
  expect(await get('/api/v1/things', `Authorization: Bearer ${'a'.repeat(9000)}\r\n`)).toMatch(/^HTTP\/1\.1 401 /);
});

test('A parameter beyond the longest is a 4xx problem, not a crash', async () => {
  expect(await get(`/api/v1/things/${'a'.repeat(2000)}`, 'Authorization: Bearer owner\r\n')).toMatch(
    /^HTTP\/1\.1 4\d\d /,
  );
});

test('Deeply nested JSON is refused without ending the server', async () => {
  const body = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const answer = await t.call('/api/v1/things', { method: 'POST', body });
  expect([400, 422]).toContain(answer.status);
  expect((await t.call('/health')).status).toBe(200);
});

test('Methods nobody knows get an answer in the form of all others', async () => {
  for (const method of ['TRACE', 'PROPFIND']) {
    const answer = await raw(`${method} /api/v1/things HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).toContain('application/problem+json');
  }
});

test.for([
  ['no such path', 'GET /nothing', '', 404, 'not_found'],
  ['a body', 'GET /ws', 'Content-Length: 2\r\n', 400, 'bad_request'],
  ['two hosts', 'GET /ws', 'Host: localhost\r\n', 400, 'bad_request'],
  ['a host of nobody', 'GET /ws', '', 421, 'gateway_unknown_host'],
  ['a tunnel to anywhere', 'CONNECT example.org:443', '', 405, 'method_not_allowed'],
] as const)('An upgrade that is not made says why: %s', async ([name, line, more, status, code]) => {
  const host = name === 'a host of nobody' ? 'elsewhere.test' : 'localhost';
  const answer = await raw(
    `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`,
  );
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  expect(head.toLowerCase()).toContain('connection: close');
  expect(JSON.parse(body)).toMatchObject({ status, code, request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
});

test('A tunnel that is asked for behind a request which still waits for its answer ends the connection', async () => {
  const answer = await raw(
    'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nCONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n',
  );
  expect(answer).not.toContain('405');
  expect((await t.call('/health')).status).toBe(200);
});

test('A client that leaves in the middle of its body is forgotten', async () => {
  const socket = connect(t.port, '127.0.0.1');
  socket.write(
    'POST /api/v1/things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer owner\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"title"',
  );
  await expect.poll(() => t.host.in_flight.size).toBe(1);
  socket.destroy();
  await expect.poll(() => t.host.in_flight.size).toBe(0);
});

test('An OPTIONS request tells the methods of a path', async () => {
  const answer = await t.call('/api/v1/things', { method: 'OPTIONS', token: null });
  expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS']);
});
