import { createInterface } from 'node:readline';
import type { AgentCredentials } from '@atrium/sdk/node';
import type { Io } from './io.ts';

type Message = Record<string, unknown>;
const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What events of a stream carry, without the ones that carry nothing. */
async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of body.pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>) {
    const events = `${rest}${piece}`.replaceAll('\r\n', '\n').split('\n\n');
    rest = events.pop()!;
    for (const event of events) {
      const lines = event.split('\n').filter((line) => line.startsWith('data:'));
      if (lines.length > 0) yield lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
    }
  }
}

/**
 * Passes MCP between standard input and output, one message a line, and the server. The secret goes into the headers
 * of each request and nowhere else.
 */
export const bridgeMcp = async (io: Io, credentials: AgentCredentials, signal: AbortSignal): Promise<void> => {
  const url = `${credentials.url}/mcp`;
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  let session: string | null = null;
  let revision: string | null = null;

  const say = (message: unknown): void => void io.stdout.write(`${JSON.stringify(message)}\n`);
  const headers = (): Record<string, string> => ({
    accept: 'application/json, text/event-stream',
    'x-client-id': credentials.client_id,
    'x-client-secret': credentials.client_secret,
    ...(session === null ? {} : { 'mcp-session-id': session }),
    ...(revision === null ? {} : { 'mcp-protocol-version': revision }),
  });

  const hand = (text: string): void => {
    const message = parsed(text);
    if (message === undefined) return;
    const result = isMessage(message) ? message['result'] : undefined;
    if (isMessage(result) && typeof result['protocolVersion'] === 'string') revision = result['protocolVersion'];
    say(message);
  };

  const readAnswer = async (response: Response): Promise<void> => {
    if (response.body === null) return;
    const kind = response.headers.get('content-type') ?? '';
    if (kind.includes('text/event-stream')) for await (const data of eventData(response.body)) hand(data);
    else if (kind.includes('json')) hand(await response.text());
    else await response.body.cancel();
  };

  /** Whoever asked is told; a notification that fails is told to nobody but the log of the client. */
  const failed = (message: unknown, why: string): void => {
    const id = isMessage(message) ? message['id'] : undefined;
    if (id === undefined || (isMessage(message) && message['method'] === undefined)) io.stderr.write(`${why}\n`);
    else say({ jsonrpc: '2.0', id, error: { code: -32000, message: why } });
  };

  const send = async (text: string, message: unknown): Promise<void> => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers(), 'content-type': 'application/json', ...modernHeaders(message) },
        body: text,
        signal: until,
      });
      session = response.headers.get('mcp-session-id') ?? session;
      if (response.ok) return await readAnswer(response);
      const answer = await response.text();
      const told = parsed(answer);
      if (isMessage(told) && told['jsonrpc'] === '2.0') say(told);
      else failed(message, problemOf(told) ?? `${url} answered ${response.status}.`);
    } catch (error) {
      if (until.aborted) return;
      failed(message, `${url} cannot be reached: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  /** What the server says unasked. Not every server has a stream for it. */
  const listen = async (): Promise<void> => {
    try {
      const response = await fetch(url, { headers: headers(), signal: until });
      if (response.ok && response.body !== null) for await (const data of eventData(response.body)) hand(data);
      else await response.body?.cancel();
    } catch {
      // The client finds out with its next request.
    }
  };

  const underWay = new Set<Promise<void>>();
  const begin = (work: Promise<void>): void => {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  };
  let listening: Promise<void> | null = null;
  const lines = createInterface({ input: io.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  until.addEventListener('abort', () => lines.close());
  for await (const text of lines) {
    if (text.trim() === '') continue;
    const message = parsed(text);
    const method = isMessage(message) ? message['method'] : undefined;
    // Which session it is, is known only then.
    if (method === 'initialize') await send(text, message);
    else begin(send(text, message));
    if (method === 'notifications/initialized' && session !== null) listening ??= listen();
  }
  await Promise.all(underWay);
  // So that the server need not keep it until it counts as forgotten.
  if (session !== null && !until.aborted)
    await fetch(url, { method: 'DELETE', headers: headers(), signal: until }).catch(() => {});
  ending.abort();
  await listening;
};

/** Revisions without sessions repeat in headers what a request is about. */
const modernHeaders = (message: unknown): Record<string, string> => {
  if (!isMessage(message) || typeof message['method'] !== 'string') return {};
  const { params } = message;
  const meta = isMessage(params) && isMessage(params['_meta']) ? params['_meta'] : {};
  const named = meta['io.modelcontextprotocol/protocolVersion'];
  if (typeof named !== 'string') return {};
  const name = isMessage(params) ? (params['name'] ?? params['uri']) : undefined;
  return {
    'mcp-protocol-version': named,
    'mcp-method': message['method'],
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
};

const problemOf = (told: unknown): string | null => {
  if (!isMessage(told)) return null;
  const said = told['detail'] ?? told['error_description'] ?? told['error'];
  return typeof said === 'string' ? said : null;
};
