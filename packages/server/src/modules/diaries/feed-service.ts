import {
  type feedBrowse,
  type feedReport,
  type feedSearch,
  type feedStream,
  fingerprintOf,
  type OutputOf,
  type ParsedInputOf,
  type PublicEntry,
  publicKeyOf,
} from '@atrium/protocol';
import type { Rate } from '../../platform/config/value-types.ts';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import { isUuid, newId } from '../../platform/ids/ids.ts';
import { addressKey } from '../../platform/limits/rate-limiter.ts';
import type { StreamAnswer } from '../../platform/operations/binding.ts';
import type { Call } from '../../platform/operations/call.ts';
import { actorOf } from '../../platform/operations/caller.ts';
import { timePosition, toPage } from '../../platform/paging/keyset.ts';
import type { AccessService } from './access-service.ts';
import type { DiariesParts } from './diaries-parts.ts';
import { entryPublic } from './diaries-policy.ts';
import { counterKeyOf, tooMany, waitFor } from './diaries-rates.ts';
import type { PublicRow } from './diaries-rows.ts';
import { fenced, shortened } from './diaries-views.ts';
import { FeedHub, type FeedPoint } from './feed-hub.ts';
import { feedStore } from './feed-store.ts';
import type { SearchService } from './search-service.ts';

/** More open reports of one entry say nothing more. */
const reportsKept = 100;
const reportRate: Rate = { max: 5, windowMs: 60_000 };

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

/** A model reads strangers here, and looks through many before it reads one. */
const forDoor = (call: Call, entry: PublicEntry, mode: 'full' | 'snippet' | undefined): PublicEntry => {
  const isModel = call.door === 'mcp';
  const content = shortened(entry.content, mode ?? (isModel ? 'snippet' : 'full'));
  if (!isModel) return { ...entry, content };
  const title = entry.title === null || entry.title === '' ? entry.title : fenced(entry.title, entry.id);
  return { ...entry, title, content: fenced(content, entry.id) };
};

/** The id of an event of the stream: time and id of an entry. */
const pointOf = (since: string): FeedPoint => {
  const [time = '', id = '', more] = since.split('/');
  const value = new Date(time);
  if (more !== undefined || !isUuid(id) || Number.isNaN(value.getTime()))
    throw new AppError('bad_request', 'Last-Event-ID is not one of this stream.');
  return { value, id: id.toLowerCase() };
};

/** What everybody may read, signed in or not. */
export const createFeedService = (
  { database, clock, limiter, rates, onError }: DiariesParts,
  { searchPublic }: Pick<SearchService, 'searchPublic'>,
  access: Pick<AccessService, 'read' | 'found'>,
) => {
  const db = database.read;
  const seen = () => entryPublic(clock.now());
  const views = (rows: readonly PublicRow[]): Promise<PublicEntry[]> => Promise.all(rows.map(viewOf));
  const hub = new FeedHub({
    load: async (ids) => views(await feedStore.ofIds(db, seen(), ids)),
    after: async (after, limit) => views(await feedStore.since(db, seen(), { after, limit, tag: undefined })),
    onError: (error) => onError(error, 'new public entries could not be read'),
  });

  const requireRate = async (call: Call, what: 'report' | 'search', rate: Rate): Promise<void> => {
    const wait = await waitFor(limiter, `diaries.public_${what}`, counterKeyOf(call), rate);
    if (wait !== null) throw tooMany(wait, what === 'report' ? 'reports' : 'searches');
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
      const items = (await views(page.items)).map((entry) => forDoor(call, entry, input.content));
      return { items, next_cursor: page.next_cursor };
    },

    search: async (call: Call, input: ParsedInputOf<typeof feedSearch>): Promise<OutputOf<typeof feedSearch>> => {
      await requireRate(call, 'search', rates.public_search);
      const { ids, search_type, abstained } = await searchPublic(call, input);
      const rows = new Map((await feedStore.ofIds(db, seen(), ids)).map((row) => [row.id, row]));
      const found = ids.flatMap((id) => rows.get(id) ?? []);
      access.found(found.map((row) => row.id));
      const items = (await views(found)).map((entry) => forDoor(call, entry, input.content));
      return { items, query: input.query, search_type, abstained };
    },

    read: async (call: Call, entry_id: string): Promise<PublicEntry> => {
      const [row] = await feedStore.ofIds(db, seen(), [entry_id]);
      if (row === undefined) throw notFound('The entry');
      access.read(row.id);
      return forDoor(call, await viewOf(row), 'full');
    },

    stream: async (call: Call, input: ParsedInputOf<typeof feedStream>): Promise<StreamAnswer> => {
      const since = input.since === undefined ? null : pointOf(input.since);
      return { events: hub.follow(addressKey(call.ip), { tag: input.tag, since, signal: call.signal }) };
    },

    report: async (call: Call, input: ParsedInputOf<typeof feedReport>): Promise<OutputOf<typeof feedReport>> => {
      await requireRate(call, 'report', reportRate);
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
