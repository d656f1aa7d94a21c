import {
  type feedBrowse,
  type feedReport,
  type feedStream,
  fingerprintOf,
  type OutputOf,
  type ParsedInputOf,
  type PublicEntry,
  publicKeyOf,
} from '@atrium/protocol';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import type { StreamAnswer } from '../../platform/operations/binding.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryPublic } from './diaries-policy.ts';
import type { PublicRow } from './diaries-rows.ts';
import { fenced } from './diaries-views.ts';
import { FeedHub, type FeedPoint } from './feed-hub.ts';
import { feedStore } from './feed-store.ts';

/** More open reports of one entry say nothing more. */
const reportsKept = 100;
const reportRate = { limit: 5, window_ms: 60_000 };

const viewOf = async (row: PublicRow): Promise<PublicEntry> => ({
  id: row.id,
  title: row.title,
  content: row.content,
  tags: row.tags,
  injection_risk: row.injection_risk,
  created_at: row.created_at.toISOString(),
  author:
    row.public_key === null
      ? null
      : { fingerprint: await fingerprintOf(publicKeyOf(row.public_key)), public_key: row.public_key },
});

/** A model reads strangers here. */
const forDoor = (call: Call, entry: PublicEntry): PublicEntry =>
  call.door === 'mcp'
    ? {
        ...entry,
        title: entry.title === null || entry.title === '' ? entry.title : fenced(entry.title, entry.id),
        content: fenced(entry.content, entry.id),
      }
    : entry;

/** The id of an event of the stream: time and id of an entry. */
const pointOf = (since: string): FeedPoint => {
  const [time = '', id = '', more] = since.split('/');
  const value = new Date(time);
  if (more !== undefined || !isUuid(id) || Number.isNaN(value.getTime()))
    throw new AppError('bad_request', 'Last-Event-ID is not one of this stream.');
  return { value, id: id.toLowerCase() };
};

/** What everybody may read, signed in or not. */
export const createFeedService = ({ database, clock, limiter, onError }: DiariesParts) => {
  const db = database.read;
  const seen = () => entryPublic(clock.now());
  const views = (rows: readonly PublicRow[]): Promise<PublicEntry[]> => Promise.all(rows.map(viewOf));
  const hub = new FeedHub({
    load: async (ids) => views(await feedStore.ofIds(db, seen(), ids)),
    after: async (after, limit) => views(await feedStore.since(db, seen(), { after, limit, tag: undefined })),
    onError: (error) => onError(error, 'new public entries could not be read'),
  });

  const requireRate = async ({ caller, ip }: Call): Promise<void> => {
    const key = caller.credential.id === null ? addressKey(ip) : caller.id;
    const { allowed, retry_after_ms } = await limiter.hit({ bucket: 'diaries.report', key, ...reportRate });
    if (allowed) return;
    const retry_after = Math.ceil(retry_after_ms / 1000);
    throw new AppError('rate_limited', `Too many reports; try again in ${retry_after} seconds.`, {
      extensions: { retry_after },
    });
  };

  return {
    onEvent: hub.onEvent,

    browse: async (call: Call, input: ParsedInputOf<typeof feedBrowse>): Promise<OutputOf<typeof feedBrowse>> => {
      const after = timePosition(input.cursor);
      const rows = await feedStore.page(db, seen(), { limit: input.limit + 1, after, tag: input.tag });
      const page = toPage(
        rows,
        input.limit,
        (row) => ({ value: row.created_at, id: row.id }),
        (row) => row,
      );
      const items = (await views(page.items)).map((entry) => forDoor(call, entry));
      return { items, next_cursor: page.next_cursor };
    },

    read: async (call: Call, entry_id: string): Promise<PublicEntry> => {
      const [row] = await feedStore.ofIds(db, seen(), [entry_id]);
      if (row === undefined) throw notFound('The entry');
      return forDoor(call, await viewOf(row));
    },

    stream: async (call: Call, input: ParsedInputOf<typeof feedStream>): Promise<StreamAnswer> => {
      const since = input.since === undefined ? null : pointOf(input.since);
      return { events: hub.follow(addressKey(call.ip), { tag: input.tag, since, signal: call.signal }) };
    },

    report: async (call: Call, input: ParsedInputOf<typeof feedReport>): Promise<OutputOf<typeof feedReport>> => {
      await requireRate(call);
      const { caller } = call;
      return database.transaction(call, async (tx) => {
        const org_id = await feedStore.orgOf(tx.db, seen(), input.entry_id);
        if (org_id === null) throw notFound('The entry');
        if ((await feedStore.countOpen(tx.db, input.entry_id)) < reportsKept)
          await feedStore.report(tx.db, {
            id: newId(),
            entry_id: input.entry_id,
            org_id,
            reason: input.reason,
            reporter: caller.credential.id === null ? null : actorOf(caller),
            at: clock.now(),
          });
        return { reported: true };
      });
    },
  };
};
