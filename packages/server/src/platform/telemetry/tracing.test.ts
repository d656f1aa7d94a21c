import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { readTraceParent } from './trace-context.ts';
import { createTracing, type Tracing } from './tracing.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface ReceivedSpan {
  traceId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status: { code: number };
  attributes: { key: string; value: Record<string, unknown> }[];
}

/** A receiver that speaks OTLP over HTTP in JSON and keeps what it is sent. */
const startReceiver = async (): Promise<{ url: string; spans: ReceivedSpan[]; headers: Record<string, unknown>[] }> => {
  const spans: ReceivedSpan[] = [];
  const headers: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    headers.push({ ...request.headers, url: request.url });
    const body = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: ReceivedSpan[] }[] }[] };
    spans.push(...body.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, headers };
};

test('Without an endpoint there is no tracing at all', async () => {
  expect(await createTracing({ endpoint: null, service_name: 'atrium', version: '1' })).toBeNull();
});

test('Spans go to the endpoint as OTLP JSON and continue the trace of the client', async () => {
  const receiver = await startReceiver();
  const tracing = (await createTracing({
    endpoint: `${receiver.url}/`,
    headers: { 'x-key': 'k' },
    service_name: 'atrium',
    version: '1',
  })) as Tracing;
  closing.push(() => tracing.close());
  const parent = readTraceParent('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  const request = tracing.start('GET', 'server', parent, { 'http.request.method': 'GET' });
  expect(request.trace_id).toBe(parent!.trace_id);
  const job = tracing.start('job expire-item', 'internal', {
    trace_id: request.trace_id,
    span_id: request.span_id,
    sampled: true,
  });
  job.end({ failed: true });
  request.end({ failed: false, name: 'GET /api/v1/things/{id}', attributes: { 'http.response.status_code': 200 } });
  await tracing.flush();
  const byName = new Map(receiver.spans.map((s) => [s.name, s]));
  expect(byName.get('GET /api/v1/things/{id}')).toMatchObject({
    traceId: parent!.trace_id,
    parentSpanId: parent!.span_id,
    kind: 2,
  });
  expect(byName.get('job expire-item')).toMatchObject({
    traceId: parent!.trace_id,
    parentSpanId: request.span_id,
    status: { code: 2 },
  });
  expect(receiver.headers[0]).toMatchObject({ url: '/v1/traces', 'content-type': 'application/json', 'x-key': 'k' });
});

test.each([
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00', true],
  ['01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more', true],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more', false],
  ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
  ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', false],
  ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', false],
])('The traceparent %s is read: %s', (header, valid) => {
  expect(readTraceParent(header) !== null).toBe(valid);
});
