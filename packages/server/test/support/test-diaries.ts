import { tmpdir } from 'node:os';
import {
  defaultSettings,
  type diariesCreate,
  diariesCreateEntry,
  diariesListEntries,
  type InputOf,
  type ParsedInputOf,
} from '@atrium/protocol';
import type { DiariesParts, DiarySettings } from '../../src/modules/diaries/diaries-parts.ts';
import { createDiariesServices, type DiariesServices } from '../../src/modules/diaries/diaries-services.ts';
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

/** The services of diaries over a database of their own. */
export const createTestDiaries = async (): Promise<TestDiaries> => {
  const events: StoredEvent[] = [];
  const settings: DiarySettings = { ...defaultSettings };
  const db = await createTestDatabase({ onCommitted: (committed) => void events.push(...committed) });
  const key = await makeKey();
  const parts: DiariesParts = {
    database: db.database,
    clock: db.clock,
    settingsOf: async () => settings,
    archive: { key: async () => key, source: () => 'http://localhost', folder: tmpdir() },
    discovery: { version: 'test', info: async () => ({ identity: {}, register: [], recover: [], sign: [] }) },
    limiter: createPostgresLimiter(db.database.read, db.clock),
    onError: (error) => void db.background.push(error),
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
