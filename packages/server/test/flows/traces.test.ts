import { afterAll, expect, it } from 'vitest';
import { setUp } from '../support/first-owner.ts';
import { post } from '../support/mcp-wire.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type RunningServer, removeDataDir, startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

let server: RunningServer;
let receiver: OtlpReceiver;
afterAll(async () => {
  await server.stop();
  await receiver.close();
  removeDataDir(server.dataDir);
});

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';

it('requests, MCP tool calls and jobs are told to the collector, in the trace of the client, without content', async () => {
  receiver = await startOtlpReceiver();
  server = await startServer({ own_process: true, env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } });
  const people = await setUp(server);
  const traceparent = `00-${trace}-${parent}-01`;
  const item = await people.ask({ title: 'A title nobody else may read', ttl_ms: 1000 });
  await people.owner.get(`/api/v1/inbox/items/${item}`, { headers: { traceparent } });

  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const called = await post(
    `${server.url}/mcp`,
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'inbox_notify', arguments: { title: 'Another such title' }, _meta: meta },
    },
    { traceparent, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'inbox_notify' },
    people.agent.token,
  );
  expect(called.status).toBe(200);
  await until(
    async () => (await people.owner.get(`/api/v1/inbox/items/${item}`)).body.status === 'expired',
    'the job expired the item',
  );
  // The batch is sent when the server stops, at the latest.
  expect(await server.stop()).toBe(0);

  const named = (name: string): ReceivedSpan => {
    const found = receiver.spans.find(
      (span) => span.name === name && (span.traceId === trace || name.startsWith('job')),
    );
    if (found === undefined) throw new Error(`no ${name} among ${receiver.spans.map((span) => span.name).join(', ')}`);
    return found;
  };
  const request = named('GET /api/v1/inbox/items/{id}');
  expect(request).toMatchObject({ traceId: trace, parentSpanId: parent, kind: 2 });
  const mcp = named('POST /mcp');
  expect(mcp).toMatchObject({ traceId: trace, parentSpanId: parent, kind: 2 });
  expect(named('tools/call inbox_notify')).toMatchObject({ traceId: trace, parentSpanId: mcp.spanId });
  expect(named('job expire-item').status.code).not.toBe(2);
  for (const hidden of [
    'such title',
    'nobody else may read',
    'ada@example.org',
    people.agent.token,
    people.owner.token,
  ])
    expect(receiver.received()).not.toContain(hidden);
}, 60_000);
