import type { ItemView } from '@atrium/protocol';
import type { BrowserContext, WebSocketRoute } from 'playwright-core';
import * as records from './inbox-records.ts';
import { me, problem, socketReady } from './recorded-api.ts';
import type { ApiHandler, RecordedReply as Reply, ServedWeb } from './serve-web.ts';

type Handler = (request: {
  id: string;
  second: string;
  query: URLSearchParams;
  body: Record<string, unknown>;
}) => Reply;

/** The inbox as a server would answer it, with its items in memory: for pages in a browser without a server. */
export class InboxApi {
  readonly items = new Map<string, ItemView>();
  readonly calls: { key: string; body: Record<string, unknown> }[] = [];
  /** Every reading call, in order. */
  readonly reads: string[] = [];
  readonly #held = new Map<string, Promise<void>>();
  readonly #handlers: [RegExp, Handler][];
  #sockets: WebSocketRoute[] = [];
  #seq = 1;
  offline = false;
  /** Answers that a test puts in front: `POST /api/v1/inbox/items/ID/answer`. */
  readonly overrides = new Map<string, Reply>();

  constructor(items: readonly ItemView[]) {
    for (const item of items) this.items.set(item.id, item);
    this.#handlers = this.#routes();
  }

  async attach(web: ServedWeb, context: BrowserContext): Promise<void> {
    await web.answer(context, this.handler);
    await context.routeWebSocket(/\/ws$/, (socket) => {
      this.#sockets.push(socket);
      socket.send(socketReady(1));
    });
  }

  /** Changes an item and tells every page, as the server does. */
  change(event: string, item: ItemView, actor = item.created_by): void {
    this.items.set(item.id, item);
    this.#seq += 1;
    const message = {
      type: 'event',
      seq: this.#seq,
      org_id: me.org.id,
      kind: `inbox.item.${event}`,
      id: item.id,
      actor,
      at: new Date().toISOString(),
      body: { status: item.status },
    };
    for (const socket of this.#sockets) socket.send(JSON.stringify(message));
  }

  /** Lets calls wait until the returned function is called. */
  hold(method: string, path: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(`${method} ${path}`, promise);
    return resolve;
  }

  present(item: string, principals: readonly object[]): void {
    for (const socket of this.#sockets) socket.send(JSON.stringify({ type: 'presence', item, principals }));
  }

  readonly handler: ApiHandler = async ({ method, url, body: text }) => {
    if (this.offline) return null;
    const key = `${method} ${url.pathname}`;
    let body: Record<string, unknown> = {};
    try {
      body = text ? (JSON.parse(text) as Record<string, unknown>) : {};
    } catch {
      // A file upload.
    }
    if (method === 'GET') this.reads.push(key);
    else this.calls.push({ key, body });
    await this.#held.get(key);
    return this.overrides.get(key) ?? this.#find(key, url, body);
  };

  #find(key: string, url: URL, body: Record<string, unknown>): Reply {
    for (const [expression, handler] of this.#handlers) {
      const match = expression.exec(key);
      if (match) return handler({ id: match[1] ?? '', second: match[2] ?? '', query: url.searchParams, body });
    }
    return problem(404, 'not_found', 'Not found', `Nothing answers ${key}.`);
  }

  #box(box: string): ItemView[] {
    const open = (item: ItemView) => item.status === 'open';
    const snoozed = (item: ItemView) => item.snoozed_until !== null;
    const shown = [...this.items.values()].filter((item) => item.archived_at === null);
    const wanted = shown.filter((item) => {
      if (box === 'snoozed') return open(item) && snoozed(item);
      if (snoozed(item)) return false;
      if (box === 'needs_me') return open(item) && (item.kind !== 'notice' || item.viewed_at === null);
      if (box === 'watching') return item.watching;
      return box === 'done' ? !open(item) : true;
    });
    return wanted.toSorted((first, second) => (first.created_at < second.created_at ? 1 : -1));
  }

  #set(id: string, change: Partial<ItemView>): Reply {
    const item = this.items.get(id);
    if (!item) return problem(404, 'not_found', 'Not found', 'No such item.');
    const next = { ...item, ...change };
    this.items.set(id, next);
    return { body: next };
  }

  #routes(): [RegExp, Handler][] {
    const page = (items: readonly unknown[]): Reply => ({ body: { items, next_cursor: null } });
    const one = (id: string): ItemView | undefined => this.items.get(id);
    const at = '/api/v1/inbox/items/([^/]+)';
    const time = () => new Date().toISOString();
    const act = (verb: string, change: (body: Record<string, unknown>) => Partial<ItemView>): [RegExp, Handler] => [
      new RegExp(`^POST ${at}/${verb}$`),
      ({ id, body }) => this.#set(id, change(body)),
    ];
    return [
      [/^GET \/api\/v1\/me$/, () => ({ body: me })],
      [/^GET \/api\/v1\/me\/preferences$/, () => ({ body: me.preferences })],
      [
        /^GET \/api\/v1\/inbox\/counts$/,
        () => ({
          body: Object.fromEntries(
            ['needs_me', 'watching', 'snoozed', 'done', 'all'].map((box) => [box, this.#box(box).length]),
          ),
        }),
      ],
      [/^GET \/api\/v1\/inbox\/items$/, ({ query }) => this.#list(query)],
      [new RegExp(`^GET ${at}$`), ({ id }) => (one(id) ? { body: one(id) } : this.#set(id, {}))],
      [new RegExp(`^GET ${at}/draft$`), () => ({ body: null })],
      [
        new RegExp(`^PUT ${at}/draft$`),
        ({ body }) => ({ body: { values: body['values'], page: body['page'] ?? null, updated_at: time() } }),
      ],
      [new RegExp(`^GET ${at}/audit$`), ({ id }) => page(one(id) ? records.history(one(id)!) : [])],
      [new RegExp(`^GET ${at}/comments$`), ({ id }) => page(one(id) ? records.comments(one(id)!) : [])],
      [
        new RegExp(`^GET ${at}/responses$`),
        ({ id }) => page(one(id)?.status === 'answered' ? [response(one(id)!)] : []),
      ],
      [
        new RegExp(`^GET ${at}/watchers$`),
        () => page(records.people.slice(1).map(({ id, name }) => ({ type: 'user', id, name }))),
      ],
      [new RegExp(`^GET ${at}/related$`), () => page([])],
      [
        new RegExp(`^GET ${at}/attachments$`),
        ({ id }) => page((one(id)?.attachment_count ?? 0) > 0 ? [attachment(id)] : []),
      ],
      act('answer', (body) => ({
        status: 'answered',
        answered_by: me.principal as ItemView['answered_by'],
        answered_at: time(),
        answer_source: 'person',
        response: (body['values'] ?? null) as ItemView['response'],
        reply: (body['reply'] ?? null) as ItemView['reply'],
        correctable_until: new Date(Date.now() + 60_000).toISOString(),
      })),
      act('correct', (body) => ({ response: (body['values'] ?? null) as ItemView['response'] })),
      act('ack', () => ({ viewed_at: time() })),
      act('dismiss', () => ({ status: 'dismissed', updated_at: time() })),
      act('restore', () => ({ status: 'open', updated_at: time() })),
      act('snooze', (body) => ({ snoozed_until: String(body['until']) })),
      act('unsnooze', () => ({ snoozed_until: null })),
      act('archive', () => ({ archived_at: time() })),
      act('unarchive', () => ({ archived_at: null })),
      act('pin', () => ({ pinned_at: time() })),
      act('unpin', () => ({ pinned_at: null })),
      [/^GET \/api\/v1\/inbox\/channels$/, () => page(records.channels)],
      [/^GET \/api\/v1\/inbox\/channels\/[^/]+\/members$/, () => page(records.members)],
      [
        /^POST \/api\/v1\/inbox\/channels\/[^/]+\/publish-token$/,
        () => ({
          status: 201,
          body: {
            topic_token: 'tp_4kX9sQ',
            url: 'https://atrium.northwind.example/api/v1/inbox/publish/tp_4kX9sQ0mVb2',
          },
        }),
      ],
      [/^GET \/api\/v1\/orgs\/current\/teams$/, () => page([{ id: records.channels[0]!.team!.id, name: 'Platform' }])],
      [
        /^GET \/api\/v1\/orgs\/current\/people$/,
        ({ query }) =>
          page(records.people.filter(({ name }) => name.toLowerCase().includes((query.get('q') ?? '').toLowerCase()))),
      ],
      [/^GET \/api\/v1\/agents$/, () => page(Object.values(records.agents).map(records.agentView))],
      [/^GET \/api\/v1\/agents\/([^/]+)$/, ({ id }) => this.#agent(id)],
      [/^GET \/api\/v1\/inbox\/templates$/, () => page(records.templates)],
      [
        /^GET \/api\/v1\/inbox\/templates\/([^/]+)$/,
        ({ id }) => ({ body: records.templates.find((template) => template.id === id) }),
      ],
      [
        /^GET \/api\/v1\/inbox\/views$/,
        () =>
          page([{ id: records.channels[0]!.id, name: 'Urgent deploys', filter: {}, position: 0, created_at: time() }]),
      ],
      [/^GET \/api\/v1\/inbox\/stats$/, ({ query }) => ({ body: records.stats(Number(query.get('days') ?? 30)) })],
    ];
  }

  #agent(id: string): Reply {
    const actor = Object.values(records.agents).find((agent) => agent.id === id);
    return actor ? { body: records.agentView(actor) } : problem(404, 'not_found', 'Not found', 'No such agent.');
  }

  #list(query: URLSearchParams): Reply {
    const q = query.get('q')?.toLowerCase();
    const all = this.#box(query.get('box') ?? 'all').filter(
      (item) =>
        (!q || item.title.toLowerCase().includes(q)) &&
        (query.getAll('level').length === 0 || query.getAll('level').includes(item.level)),
    );
    const from = Number(query.get('cursor') ?? 0);
    const to = from + Number(query.get('limit') ?? 50);
    return { body: { items: all.slice(from, to), next_cursor: to < all.length ? String(to) : null } };
  }
}

const response = (item: ItemView) => ({
  id: item.id,
  item_id: item.id,
  by: item.answered_by,
  source: 'person',
  values: item.response,
  reply: item.reply,
  device: 'Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
  supersedes: null,
  created_at: item.answered_at,
});

const attachment = (id: string) => ({
  id,
  item_id: id,
  name: 'staging-report-2026-11-20.pdf',
  size: 482_113,
  mime: 'application/pdf',
  sha256: '0',
  uploaded_by: records.agents.release,
  created_at: new Date(records.now - 8 * 60_000).toISOString(),
});
