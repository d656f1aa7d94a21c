/** MCP by hand, for what an SDK client would never send. */
export const mcpHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export interface Rpc {
  jsonrpc: '2.0';
  id?: number | string | null;
  method?: string;
  params?: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire holds
  result?: any;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what the wire holds
  error?: any;
}

export const post = (
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
  token = 'g',
  signal?: AbortSignal,
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { ...mcpHeaders, authorization: `Bearer ${token}`, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal !== undefined && { signal }),
  });

/** Every message of an answer, whichever of the two forms it has. */
export const messagesOf = async (response: Response): Promise<Rpc[]> => {
  const text = await response.text();
  if (!response.headers.get('content-type')?.includes('event-stream')) {
    const body = JSON.parse(text) as Rpc | Rpc[];
    return Array.isArray(body) ? body : [body];
  }
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)) as Rpc);
};

export const initialize = (protocolVersion: string, capabilities: object = {}): Rpc => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion, capabilities, clientInfo: { name: 'by-hand', version: '1.2.3' } },
});

/** A session by hand: its id, and a way to send within it. */
export const openSession = async (url: string, revision = '2025-03-26', capabilities: object = {}, token = 'g') => {
  const response = await post(url, initialize(revision, capabilities), {}, token);
  const [answer] = await messagesOf(response);
  const id = response.headers.get('mcp-session-id')!;
  const headers = { 'mcp-session-id': id, 'mcp-protocol-version': revision };
  await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers, token);
  return {
    id,
    headers,
    answer: answer!,
    send: (body: unknown, signal?: AbortSignal) => post(url, body, headers, token, signal),
  };
};

/** Reads server-sent events one by one. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #buffer = '';
  readonly comments: string[] = [];

  constructor(response: Response) {
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next message, or null when the stream ended. Comments on the way are kept. */
  async next(): Promise<Rpc | null> {
    for (;;) {
      const end = this.#buffer.indexOf('\n\n');
      if (end !== -1) {
        const frame = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + 2);
        const data = frame.split('\n').find((line) => line.startsWith('data: '));
        if (data !== undefined) return JSON.parse(data.slice(6)) as Rpc;
        this.comments.push(frame);
        continue;
      }
      const { value, done } = await this.#reader.read();
      if (done) return null;
      this.#buffer += value;
    }
  }

  async comment(): Promise<string> {
    while (this.comments.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error('The stream ended without a comment.');
      this.#buffer += value;
      for (const frame of this.#buffer.split('\n\n')) if (frame.startsWith(':')) this.comments.push(frame);
    }
    return this.comments[0]!;
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}
