import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { startToyServer, type ToyServer } from '../../../test/support/mcp-toys.ts';
import type { McpHostOptions } from './mcp-options.ts';

type Form = { message: string };
type Answer = { action: 'accept' | 'decline' | 'cancel'; content?: { answer: string } };
interface Progress {
  progress: number;
  total?: number | undefined;
}

/** What the tests do with a client, whichever package and revision it is. */
interface Driver {
  list: () => Promise<string[]>;
  call: (
    name: string,
    args: object,
    options?: { onprogress?: (p: Progress) => void; signal?: AbortSignal },
  ) => Promise<{
    structuredContent?: unknown;
    isError?: boolean | undefined;
  }>;
  /** Subscribes to one resource; each change calls `tell`. */
  follow: (uri: string, tell: (uri: string) => void) => Promise<void>;
  close: () => Promise<void>;
}
type Connect = (url: string, onForm?: (form: Form, signal: AbortSignal) => Promise<Answer>) => Promise<Driver>;

const headers = { authorization: 'Bearer g' };

const connectOld: Connect = async (url, onForm) => {
  const client = new OldClient({ name: 'old', version: '1' }, { capabilities: onForm ? { elicitation: {} } : {} });
  if (onForm)
    client.setRequestHandler(ElicitRequestSchema, (request, extra) =>
      onForm({ message: request.params.message }, extra.signal),
    );
  await client.connect(new OldTransport(new URL(url), { requestInit: { headers } }) as never);
  return {
    list: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args, options) =>
      (await client.callTool({ name, arguments: { ...args } }, undefined, options as never)) as never,
    follow: async (uri, tell) => {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, (note) => tell(note.params.uri));
      await client.subscribeResource({ uri });
    },
    close: () => client.close(),
  };
};

const connectNew =
  (mode: 'legacy' | 'auto' | { pin: string }): Connect =>
  async (url, onForm) => {
    const client = new Client(
      { name: 'new', version: '2' },
      { capabilities: onForm ? { elicitation: { form: {} } } : {}, versionNegotiation: { mode } },
    );
    if (onForm) {
      client.setRequestHandler('elicitation/create', (request, context) =>
        onForm({ message: request.params.message }, context.mcpReq.signal),
      );
    }
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
    return {
      list: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: async (name, args, options) =>
        (await client.callTool({ name, arguments: { ...args } }, options as never)) as never,
      follow: async (uri, tell) => {
        client.setNotificationHandler('notifications/resources/updated', (note) => tell(note.params.uri));
        if (mode === 'legacy') await client.subscribeResource({ uri });
        else await client.listen({ resourceSubscriptions: [uri] });
      },
      close: () => client.close(),
    };
  };

const clients: [string, string, Connect][] = [
  ['the v1 SDK', '2025-11-25', connectOld],
  ['the v2 SDK with sessions', '2025-11-25', connectNew('legacy')],
  ['the v2 SDK stateless', '2026-07-28', connectNew({ pin: '2026-07-28' })],
];

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});
const start = async (change: Partial<McpHostOptions> = {}): Promise<ToyServer> => {
  const server = await startToyServer(change);
  open.push(server);
  return server;
};
const connected = async (connect: Connect, server: ToyServer, onForm?: Parameters<Connect>[1]): Promise<Driver> => {
  const driver = await connect(server.url, onForm);
  open.push(driver);
  return driver;
};

describe.each(clients)('%s (%s)', (_name, revision, connect) => {
  const stateless = revision === '2026-07-28';

  it('lists and calls tools, and is recognised', async () => {
    const server = await start();
    const driver = await connected(connect, server);
    expect(await driver.list()).toEqual(['toy_echo', 'toy_slow', 'toy_ask', 'toy_fail']);
    const result = await driver.call('toy_echo', { text: 'hi', tags: '["a"]' });
    expect(result.structuredContent).toMatchObject({ text: 'hi', tags: ['a'] });
    expect(server.world.seen).toMatchObject([
      { tool: 'toy_echo', revision, ok: true, client_name: expect.stringMatching(/^(old|new)$/) },
    ]);
    expect(server.host.counts.sessions).toBe(stateless ? 0 : 1);
  });

  it('hears of progress', async () => {
    const driver = await connected(connect, await start());
    const heard: Progress[] = [];
    const result = await driver.call('toy_slow', { steps: 3 }, { onprogress: (p) => heard.push(p) });
    expect(heard.map((p) => p.progress)).toEqual([1, 2, 3]);
    expect(result.structuredContent).toEqual({ result: [1, 2, 3] });
  });

  it('gets the answer of a long silent call', async () => {
    const server = await start({ limits: { patience_ms: 10, keep_alive_ms: 10 } });
    const driver = await connected(connect, server);
    const waiting = driver.call('toy_slow', { steps: 1, until_released: true });
    await server.world.until(() => server.world.started.length > 0);
    setTimeout(() => server.world.release(), 60);
    expect((await waiting).structuredContent).toEqual({ result: [1] });
  });

  it('stops a call by cancelling it', async () => {
    const server = await start();
    const driver = await connected(connect, server);
    const cancelling = new AbortController();
    const waiting = driver.call('toy_slow', { until_released: true }, { signal: cancelling.signal });
    const rejected = expect(waiting).rejects.toThrow();
    await server.world.until(() => server.world.started.length > 0);
    cancelling.abort('enough');
    await rejected;
    await server.world.until(() => server.world.aborted.length > 0);
  });

  it('gets the numbers of the two limits', async () => {
    const driver = await connected(connect, await start());
    await expect(driver.call('toy_fail', { how: 'limit' })).rejects.toMatchObject({
      code: -32002,
      data: { code: 'plan_limit_exceeded' },
    });
    await expect(driver.call('toy_fail', { how: 'rate' })).rejects.toMatchObject({
      code: -32003,
      data: { retry_after_ms: 7000 },
    });
    expect((await driver.call('toy_fail', { how: 'closed' })).isError).toBe(true);
  });

  it('hears that a resource changed', async () => {
    const server = await start();
    const driver = await connected(connect, server);
    let heard!: (uri: string) => void;
    const changed = new Promise<string>((resolve) => {
      heard = resolve;
    });
    await driver.follow('atrium://toy/open', heard);
    await server.world.until(() => server.world.listeners.size > 0);
    expect([...server.world.listeners].map((listener) => listener.caller.id)).toEqual(['g']);
    for (const { tell } of server.world.listeners) tell({ kind: 'toy.changed', id: 'x' });
    expect(await changed).toBe('atrium://toy/open');
  });

  it('shows the form, and the answer given there closes the card', async () => {
    const server = await start();
    const driver = await connected(connect, server, async (form) => ({
      action: 'accept',
      content: { answer: `${form.message} yes` },
    }));
    const result = await driver.call('toy_ask', { question: 'Go?' });
    expect(result.structuredContent).toEqual({ item: 'item-1', answered_in: 'client', answer: 'Go? yes' });
    expect(server.world.items.map((item) => item.closed)).toEqual([true]);
  });

  it('is told when the web was first while its form was open', async () => {
    const server = await start();
    let closed = false;
    const driver = await connected(connect, server, async (_form, signal) => {
      signal.addEventListener('abort', () => {
        closed = true;
      });
      server.world.items[0]!.answer('from the phone');
      // A session's form is closed by the server; a stateless client's own person answers too late.
      if (!stateless) await server.world.until(() => closed);
      return { action: 'accept', content: { answer: 'late' } };
    });
    const result = await driver.call('toy_ask', { question: 'Go?' });
    expect(result.structuredContent).toEqual({ item: 'item-1', answered_in: 'web', answer: 'from the phone' });
    expect(server.world.items).toHaveLength(1);
    if (stateless) expect(closed).toBe(false);
    else await server.world.until(() => closed);
  });

  it('goes on waiting for the web when the person declines here', async () => {
    const server = await start();
    const driver = await connected(connect, server, async () => {
      setTimeout(() => server.world.items[0]!.answer('from the phone'), 20);
      return { action: 'decline' };
    });
    const result = await driver.call('toy_ask', { question: 'Go?' });
    expect(result.structuredContent).toEqual({ item: 'item-1', answered_in: 'web', answer: 'from the phone' });
  });

  it('is not asked when it shows no forms', async () => {
    const server = await start();
    const driver = await connected(connect, server);
    const waiting = driver.call('toy_ask', { question: 'Go?' });
    await server.world.until(() => server.world.items.length > 0);
    server.world.items[0]!.answer('from the phone');
    expect((await waiting).structuredContent).toMatchObject({ answered_in: 'web' });
  });
});

describe('a client that picks the newest revision by itself', () => {
  it('ends up stateless', async () => {
    const server = await start();
    const driver = await connected(connectNew('auto'), server);
    await driver.call('toy_echo', { text: 'hi' });
    expect(server.world.seen[0]!.revision).toBe('2026-07-28');
  });
});

describe('a client whose server restarts', () => {
  it('goes on without noticing', async () => {
    const first = await start();
    let target = first.url;
    const client = new OldClient({ name: 'old', version: '1' });
    const toWhichever = (_url: string | URL, init?: RequestInit) => fetch(target, init);
    await client.connect(
      new OldTransport(new URL(first.url), { requestInit: { headers }, fetch: toWhichever }) as never,
    );
    open.push(client);
    await client.callTool({ name: 'toy_echo', arguments: { text: 'before' } });
    await first.close();
    target = (await start()).url;
    expect((await client.callTool({ name: 'toy_echo', arguments: { text: 'after' } })).structuredContent).toMatchObject(
      { text: 'after' },
    );
  });
});
