import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { defineOperation, nothing } from '@atrium/protocol';
import Fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ManualClock } from '../../src/platform/clock/clock.ts';
import { AppError, notFound } from '../../src/platform/errors/app-error.ts';
import type { McpResources, ToolCallSeen } from '../../src/platform/mcp/mcp-face.ts';
import { type McpHost, mountMcp } from '../../src/platform/mcp/mcp-host.ts';
import type { McpHostOptions } from '../../src/platform/mcp/mcp-options.ts';
import { type Binding, bind } from '../../src/platform/operations/binding.ts';
import type { Call } from '../../src/platform/operations/call.ts';
import { type Caller, systemCaller } from '../../src/platform/operations/caller.ts';
import type { Elicit } from '../../src/platform/operations/elicit.ts';

const common = { method: 'POST', access: 'signed_in', status: 200, errors: [] } as const;

const echo = defineOperation({
  ...common,
  name: 'toy.echo',
  summary: 'Say it again.',
  path: '/toy/echo',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({
    text: z.string().min(1).max(100),
    tags: z.array(z.string()).max(3).default([]),
    at: z.iso.datetime({ offset: true }).optional(),
    count: z.int().optional(),
    loud: z.boolean().optional(),
    options: z.strictObject({ deep: z.array(z.int()) }).optional(),
  }),
  output: z.object({
    text: z.string(),
    tags: z.array(z.string()),
    count: z.int().nullable(),
    loud: z.boolean(),
    deep: z.array(z.int()),
  }),
  mcp: { tool: 'toy_echo', aliases: ['klaxon.echo'], title: 'Echo', read_only: true },
});

const slow = defineOperation({
  ...common,
  name: 'toy.slow',
  summary: 'Wait and tell how it goes.',
  path: '/toy/slow',
  scope: 'inbox:read',
  permission: 'items.read',
  input: z.strictObject({ steps: z.int().min(0).max(10).default(3), until_released: z.boolean().default(false) }),
  output: z.array(z.int()),
  mcp: { tool: 'toy_slow', title: 'Slow', read_only: true, metered: false },
});

type Answered = { answered_in: 'client' | 'web' | 'nowhere'; answer: string };

const ask = defineOperation({
  ...common,
  name: 'toy.ask',
  summary: 'Ask the person here and on the web.',
  path: '/toy/ask',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ question: z.string() }),
  output: z.object({ item: z.string(), answered_in: z.enum(['client', 'web', 'nowhere']), answer: z.string() }),
  mcp: { tool: 'toy_ask', title: 'Ask' },
});

const fail = defineOperation({
  ...common,
  name: 'toy.fail',
  summary: 'Fail as told.',
  path: '/toy/fail',
  scope: 'inbox:write',
  permission: 'items.write',
  input: z.strictObject({ how: z.enum(['closed', 'limit', 'rate', 'bug']) }),
  output: nothing,
  mcp: { tool: 'toy_fail', title: 'Fail', destructive: true, metered: false },
});

const administer = defineOperation({
  ...common,
  name: 'toy.administer',
  summary: 'Only for admins.',
  path: '/toy/administer',
  scope: 'org:admin',
  permission: 'org.manage',
  input: z.strictObject({}),
  output: nothing,
  mcp: { tool: 'toy_administer', title: 'Administer', metered: false },
});

/** An item of the toy inbox: asked once, answered by whoever is first. */
export interface ToyItem {
  id: string;
  answered: Promise<string>;
  answer: (text: string) => void;
  closed: boolean;
}

/** What the toy operations did, and the handles by which a test moves them. */
export class ToyWorld {
  readonly items: ToyItem[] = [];
  readonly aborted: string[] = [];
  readonly seen: ToolCallSeen[] = [];
  readonly logged: object[] = [];
  readonly started: string[] = [];
  readonly #waiters = new Set<() => void>();
  #release: () => void = () => {};
  released = new Promise<void>((resolve) => {
    this.#release = resolve;
  });
  resource = { open: 1 };
  meter: NonNullable<McpHostOptions['meter']> = async () => ({ allowed: true, retry_after_ms: 0 });
  readonly listeners = new Set<{ caller: Caller; tell: (event: { kind: string; id: string }) => void }>();

  release(): void {
    this.#release();
  }

  changed(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Resolves once `what` holds; looked at whenever something happens here. */
  async until(what: () => boolean): Promise<void> {
    while (!what()) {
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
        // Sockets close without telling this object.
        setTimeout(resolve, 5);
      });
    }
  }

  newItem(): ToyItem {
    let answer!: (text: string) => void;
    const answered = new Promise<string>((resolve) => {
      answer = resolve;
    });
    const item: ToyItem = { id: `item-${this.items.length + 1}`, answered, closed: false, answer: () => {} };
    item.answer = (text) => {
      if (item.closed) return;
      item.closed = true;
      answer(text);
    };
    this.items.push(item);
    this.changed();
    return item;
  }
}

/** The pattern of inbox_ask: one item, two places to answer it, the first one wins and closes the other. */
const askBoth = async (world: ToyWorld, call: Call, question: string): Promise<Answered & { item: string }> => {
  const resumed = call.elicit?.resumed ?? null;
  const item = resumed === null ? world.newItem() : world.items.find((i) => i.id === resumed['item'])!;
  if (item.closed) return { item: item.id, answered_in: 'web', answer: await item.answered };
  const web = item.answered.then((answer): Answered => ({ answered_in: 'web', answer }));
  const left = new Promise<Answered>((resolve) =>
    call.signal.addEventListener('abort', () => resolve({ answered_in: 'nowhere', answer: '' }), { once: true }),
  );
  const webFirst = new AbortController();
  const here = call.elicit === undefined ? [] : [askHere(call.elicit, item, question, web, webFirst.signal)];
  const first = await Promise.race([web, left, ...here]);
  webFirst.abort();
  return { item: item.id, ...first };
};

const askHere = async (
  elicit: Elicit,
  item: ToyItem,
  message: string,
  web: Promise<Answered>,
  webFirst: AbortSignal,
): Promise<Answered> => {
  const requested_schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };
  const given = await elicit.ask({ message, requested_schema, state: { item: item.id } }, webFirst);
  if (given.action !== 'accept') return web;
  item.answer(String(given.content['answer']));
  return { answered_in: 'client', answer: String(given.content['answer']) };
};

export const toyBindings = (world: ToyWorld): Binding[] => [
  bind(echo, async (_call, input) => ({
    text: input.text,
    tags: input.tags,
    count: input.count ?? null,
    loud: input.loud ?? false,
    deep: input.options?.deep ?? [],
  })),
  bind(slow, async (call, input) => {
    world.started.push('toy_slow');
    world.changed();
    for (let step = 1; step <= input.steps; step++)
      call.progress({ progress: step, total: input.steps, message: `step ${step}` });
    if (input.until_released) {
      const aborted = new Promise<'aborted'>((resolve) =>
        call.signal.addEventListener('abort', () => resolve('aborted'), { once: true }),
      );
      if ((await Promise.race([world.released, aborted])) === 'aborted') {
        world.aborted.push('toy_slow');
        world.changed();
        throw call.signal.reason;
      }
    }
    return Array.from({ length: input.steps }, (_, index) => index + 1);
  }),
  bind(ask, (call, input) => askBoth(world, call, input.question)),
  bind(fail, async (_call, input) => {
    if (input.how === 'closed')
      throw new AppError('item_closed', 'Ann answered first.', { extensions: { answered_by: 'Ann' } });
    if (input.how === 'limit')
      throw new AppError('plan_limit_exceeded', 'No notifications left.', {
        extensions: { limit: 'monthly_notifications' },
      });
    if (input.how === 'rate') throw new AppError('rate_limited', 'Slow down.', { extensions: { retry_after: 7 } });
    if (input.how === 'bug') throw new Error('secret detail');
    return null;
  }),
  bind(administer, async () => null),
];

const toyResources = (world: ToyWorld): McpResources => ({
  list: [{ uri: 'atrium://toy/open', name: 'open', description: 'What is open' }],
  templates: [{ uri_template: 'atrium://toy/item/{id}', name: 'item', description: 'One item' }],
  canonical: (uri) => (uri === 'klaxon/open' ? 'atrium://toy/open' : uri),
  read: async (call, uri) => {
    if (uri === 'atrium://toy/open' || uri === 'klaxon/open') return { ...world.resource, reader: call.caller.id };
    if (uri.startsWith('atrium://toy/item/')) throw notFound('The item');
    return null;
  },
  changedBy: (event) => (event.kind === 'toy.changed' ? ['atrium://toy/open'] : []),
});

/** Callers by token. `renewed` is the agent `g` after its access token was refreshed. */
export const toyCallers = (): Map<string, Caller> => {
  const agent = (id: string, token: string, scopes: string[]): Caller => ({
    ...systemCaller({ id: 'org-1' }),
    kind: 'agent',
    id,
    name: id,
    system_role: null,
    permissions: ['items.read', 'items.write'],
    scopes,
    credential: { kind: 'access_token', id: token, expires_at: null },
  });
  return new Map([
    ['g', agent('g', 'g', ['inbox:read', 'inbox:write'])],
    ['renewed', agent('g', 'renewed', ['inbox:read', 'inbox:write'])],
    ['reader', agent('reader', 'reader', ['inbox:read'])],
    ['other', agent('other', 'other', ['inbox:read', 'inbox:write'])],
  ]);
};

export interface ToyServer {
  url: string;
  host: McpHost;
  world: ToyWorld;
  clock: ManualClock;
  callers: Map<string, Caller>;
  close: () => Promise<void>;
}

/** A Fastify app with the MCP host and five toy operations on a free port. */
export const startToyServer = async (
  change: Partial<McpHostOptions> = {},
  world: ToyWorld = new ToyWorld(),
): Promise<ToyServer> => {
  const fastify: FastifyInstance = Fastify({ genReqId: () => randomBytes(6).toString('hex') });
  const clock = new ManualClock('2026-08-01T00:00:00Z');
  const callers = toyCallers();
  let url = 'http://localhost';
  const host = await mountMcp(fastify, {
    bindings: toyBindings(world),
    resources: [toyResources(world)],
    version: '0.0.1',
    instructions: 'Ask people.',
    public_url: () => url,
    key: new Uint8Array(32).fill(7),
    authenticate: async (request) => {
      const token = request.headers.authorization?.replace(/^Bearer /, '');
      if (token === undefined) return null;
      const caller = callers.get(token);
      if (caller === undefined) throw new AppError('unauthorized', 'Unknown token.');
      return caller;
    },
    meter: (caller) => world.meter(caller),
    events: {
      subscribe: (caller, tell) => {
        const listener = { caller, tell };
        world.listeners.add(listener);
        world.changed();
        return () => world.listeners.delete(listener);
      },
    },
    onToolCall: (seen) => world.seen.push(seen),
    clock,
    log: { error: (detail) => world.logged.push(detail) },
    ...change,
  });
  await fastify.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}`;
  const close = async () => {
    await host.close();
    fastify.server.closeAllConnections();
    const closed = fastify.server.listening ? once(fastify.server, 'close') : Promise.resolve();
    await fastify.close();
    await closed;
  };
  return { url: `${url}/mcp`, host, world, clock, callers, close };
};
