import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import type { Io } from './io.ts';
import { bridgeMcp } from './mcp-bridge.ts';

interface Seen {
  method: string;
  headers: IncomingMessage['headers'];
  body: string;
}
interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
}

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

const serverThat = async (answer: (seen: Seen) => Answer) => {
  const seen: Seen[] = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const one = { method: request.method!, headers: request.headers, body };
    seen.push(one);
    const { status = 200, headers = {}, body: text = '' } = answer(one);
    response.writeHead(status, headers).end(text);
  });
  await new Promise<void>((done) => server!.listen(0, '127.0.0.1', done));
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

const bridged = async (url: string, messages: readonly unknown[]) => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const io: Io = { stdin, stdout, stderr, environment: {}, cwd: '/' };
  stdin.end(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
  const credentials = { url, client_id: 'agent_1', client_secret: 'acs_secret', source: 'file' } as const;
  await bridgeMcp(io, credentials, new AbortController().signal);
  stdout.end();
  stderr.end();
  const text = async (stream: PassThrough): Promise<string> => (await stream.toArray()).join('');
  const lines = (await text(stdout)).trim().split('\n');
  return { out: lines.filter((line) => line !== '').map((line) => JSON.parse(line)), err: await text(stderr) };
};

const json = { 'content-type': 'application/json' };
const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: {} };
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'x' } };
const result = (id: number, value: object) => ({ jsonrpc: '2.0', id, result: value });

it('keeps the session and the revision, reads answers that stream, and ends what it began', async () => {
  const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: {} };
  const unasked = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };
  const event = (message: unknown) => `event: message\r\nid: 1\r\ndata: ${JSON.stringify(message)}\r\n\r\n`;
  const stream = { 'content-type': 'text/event-stream' };
  const { seen, url } = await serverThat(({ method, body }) => {
    if (method === 'GET') return { headers: stream, body: `: nothing\n\n${event(unasked)}` };
    if (method === 'DELETE') return { status: 204 };
    if (body.includes('"initialize"')) {
      const answer = result(1, { protocolVersion: '2025-06-18' });
      return { headers: { ...json, 'mcp-session-id': 's1' }, body: JSON.stringify(answer, null, 2) };
    }
    if (body.includes('tools/call')) return { headers: stream, body: event(progress) + event(result(2, {})) };
    return { status: 202 };
  });
  const { out, err } = await bridged(url, [initialize, initialized, call]);
  expect(out[0]).toEqual(result(1, { protocolVersion: '2025-06-18' }));
  expect(out.filter((message) => message.id === 2 || message.method === progress.method)).toEqual([
    progress,
    result(2, {}),
  ]);
  expect(err).toBe('');
  const [first, ...later] = seen;
  expect(first!.headers['mcp-session-id']).toBeUndefined();
  for (const { headers } of later)
    expect(headers).toMatchObject({ 'mcp-session-id': 's1', 'mcp-protocol-version': '2025-06-18' });
  for (const { headers } of seen)
    expect(headers).toMatchObject({ 'x-client-id': 'agent_1', 'x-client-secret': 'acs_secret' });
  expect(seen.map(({ method }) => method)).toContain('DELETE');
});

it('tells whoever asked why there is no answer, and nothing of the secret', async () => {
  const refusal = { status: 401, headers: json, body: JSON.stringify({ error_description: 'The secret is wrong.' }) };
  const { url } = await serverThat(({ body }) =>
    body.includes('tools/call')
      ? { status: 400, headers: json, body: JSON.stringify({ jsonrpc: '2.0', id: 2, error: { code: -32600 } }) }
      : refusal,
  );
  const { out, err } = await bridged(url, [initialize, call, initialized]);
  expect(out).toContainEqual({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'The secret is wrong.' } });
  expect(out).toContainEqual({ jsonrpc: '2.0', id: 2, error: { code: -32600 } });
  expect(err).toBe('The secret is wrong.\n');
  server!.closeAllConnections();
  server!.close();
  const gone = await bridged(url, [call]);
  expect(gone.out).toEqual([
    { jsonrpc: '2.0', id: 2, error: { code: -32000, message: expect.stringContaining('cannot be reached') } },
  ]);
  expect(JSON.stringify(gone)).not.toContain('acs_secret');
});

it('repeats in headers what a request of a revision without sessions is about', async () => {
  const { seen, url } = await serverThat(() => ({ headers: json, body: JSON.stringify(result(2, {})) }));
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
  await bridged(url, [{ ...call, params: { name: 'agent_whoami', _meta } }]);
  expect(seen.map(({ method }) => method)).toEqual(['POST']);
  expect(seen[0]!.headers).toMatchObject({
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'agent_whoami' },
  });
});
