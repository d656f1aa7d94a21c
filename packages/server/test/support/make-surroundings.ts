import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SurroundingParts } from '../../src/modules/inbox/surrounding-parts.ts';
import { createSurroundingServices, type SurroundingServices } from '../../src/modules/inbox/surrounding-services.ts';
import { createAuditStore } from '../../src/platform/audit/audit-store.ts';
import { createDiskStore } from '../../src/platform/files/disk-store.ts';
import { createPostgresLimiter } from '../../src/platform/limits/postgres-limiter.ts';
import { createTestInbox, type TestInbox } from './test-inbox.ts';

export interface TestSurroundings extends TestInbox, SurroundingParts {
  around: SurroundingServices;
}

/** The whole inbox over a database of its own, with its files in a folder of their own. */
export const createTestSurroundings = async (): Promise<TestSurroundings> => {
  const db = await createTestInbox();
  const folder = await mkdtemp(join(tmpdir(), 'inbox-files-'));
  const own: SurroundingParts = {
    files: await createDiskStore(folder),
    max_upload_bytes: 1_000_000,
    limiter: createPostgresLimiter(db.database.read, db.clock),
    public_url: () => 'https://atrium.test',
    audit: createAuditStore(db.database.read, [new Uint8Array(32)]),
  };
  return {
    ...db,
    ...own,
    around: createSurroundingServices({ ...db.parts, ...own }, db.inbox.creation),
    drop: async () => {
      await db.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
