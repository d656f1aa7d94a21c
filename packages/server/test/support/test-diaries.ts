import { tmpdir } from 'node:os';
import {
  defaultSettings,
  type diariesCreate,
  diariesCreateEntry,
  diariesListEntries,
  diariesSearch,
  type InputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { DiariesParts, DiarySettings } from '../../src/modules/diaries/diaries-parts.ts';
import { createDiariesServices, type DiariesServices } from '../../src/modules/diaries/diaries-services.ts';
import type { Clock } from '../../src/platform/clock/clock.ts';
import type { Database } from '../../src/platform/db/database.ts';
import { createPostgresLimiter } from '../../src/platform/limits/postgres-limiter.ts';
import type { StoredEvent } from '../../src/platform/module.ts';
import { makeKey } from './agent-key.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

export interface TestDiaries extends TestDatabase {
  services: DiariesServices;
  parts: DiariesParts;
  settings: DiarySettings;
  /** Events committed so far, oldest first. */
  events: StoredEvent[];
}

/** What the server's other parts give to diaries, where there are none. */
export const diarySurroundings = async (
  database: Database,
  clock: Clock,
): Promise<Pick<DiariesParts, 'archive' | 'discovery' | 'identityOf' | 'limiter' | 'rates'>> => {
  const key = await makeKey();
  return {
    archive: { key: async () => key, source: () => 'http://localhost', folder: tmpdir() },
    discovery: {
      version: 'test',
      info: async () => ({ public_url: 'http://localhost', identity: {}, register: [], recover: [], sign: [] }),
    },
    identityOf: async ({ caller }) => ({
      ...{ identity_id: caller.id, kind: caller.kind, name: caller.name, org_id: caller.org_id },
      ...{ public_key: null, fingerprint: null, client_id: null },
    }),
    limiter: createPostgresLimiter(database.read, clock),
    rates: { public_search: { max: 1_000_000, windowMs: 60_000 }, meaning: { max: 1_000_000, windowMs: 60_000 } },
  };
};

/** The services of diaries over a database of their own. */
export const createTestDiaries = async (more: Pick<DiariesParts, 'embedder'> = {}): Promise<TestDiaries> => {
  const events: StoredEvent[] = [];
  const settings: DiarySettings = { ...defaultSettings };
  const db = await createTestDatabase({ onCommitted: (committed) => void events.push(...committed) });
  const parts: DiariesParts = {
    database: db.database,
    clock: db.clock,
    settingsOf: async () => settings,
    ...(await diarySurroundings(db.database, db.clock)),
    onError: (error) => void db.background.push(error),
    ...more,
  };
  return { ...db, services: createDiariesServices(parts), parts, settings, events };
};

/** Inputs as the hosts hand them over: checked, defaults filled in. */
export const naming = (
  name: string,
  more: Partial<ParsedInputOf<typeof diariesCreate>> = {},
): ParsedInputOf<typeof diariesCreate> => ({
  name,
  visibility: 'private',
  language: 'english',
  injection_policy: 'flag',
  signed: false,
  ...more,
});
export const writing = (
  diary_ref: string,
  content: string,
  more: Partial<InputOf<typeof diariesCreateEntry>> = {},
): ParsedInputOf<typeof diariesCreateEntry> => diariesCreateEntry.input.parse({ diary_ref, content, ...more });
export const listing = (
  diary_ref: string,
  more: Partial<InputOf<typeof diariesListEntries>> = {},
): ParsedInputOf<typeof diariesListEntries> => diariesListEntries.input.parse({ diary_ref, limit: 200, ...more });
export const searching = (
  query: string | undefined,
  more: Partial<InputOf<typeof diariesSearch>> = {},
): ParsedInputOf<typeof diariesSearch> => diariesSearch.input.parse({ query, ...more });
