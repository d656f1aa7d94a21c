import { type Kysely, sql } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';
import type { Position } from '../../../platform/paging/keyset.ts';

type Db = Kysely<Schema>;

/** How far the writing of a backup is. */
export interface WriteProgress {
  step: 'database' | 'files' | 'check';
  done: number;
  total: number;
  bytes: number;
}

export interface BackupRow {
  id: string;
  state: 'running' | 'done' | 'failed';
  cause: 'manual' | 'schedule' | 'found';
  file_name: string;
  encrypted: boolean;
  size: number | null;
  sha256: string | null;
  table_count: number | null;
  row_count: number | null;
  file_count: number | null;
  lost_files: number | null;
  version: string | null;
  key_ids: string[];
  progress: WriteProgress | null;
  error: string | null;
  test_state: 'running' | 'passed' | 'failed' | null;
  tested_at: Date | null;
  test_error: string | null;
  created_by_type: 'user' | 'agent' | 'device' | 'service' | 'system';
  created_by_id: string | null;
  created_by_name: string;
  created_at: Date;
  ended_at: Date | null;
}

/** What is known of a file once it is whole. */
export interface Finished {
  size: number;
  sha256: string;
  table_count: number;
  row_count: number;
  file_count: number;
  lost_files: number;
  version: string;
  key_ids: string[];
}

export interface ScheduleRow {
  enabled: boolean | null;
  every_s: number | null;
  cron: string | null;
  time_zone: string;
  retention: number | null;
  passphrase_sealed: string | null;
  test: boolean;
  next_at: Date | null;
  next_test_at: Date | null;
  last_at: Date | null;
  last_state: 'done' | 'failed' | null;
  last_error: string | null;
  failures: number;
  version: number;
}

const columns = sql`id, state, cause, file_name, encrypted, size, sha256, table_count, row_count, file_count, lost_files,
  version, key_ids, progress, error, test_state, tested_at, test_error, created_by_type, created_by_id, created_by_name,
  created_at, ended_at`;

export const backupsStore = {
  /** False while another one is written. */
  begin: async (
    db: Db,
    row: Pick<
      BackupRow,
      | 'id'
      | 'cause'
      | 'file_name'
      | 'encrypted'
      | 'created_by_type'
      | 'created_by_id'
      | 'created_by_name'
      | 'created_at'
    > & { holder: string },
  ): Promise<boolean> =>
    (
      await sql`insert into admin_backups (id, state, cause, file_name, encrypted, holder, beat_at, created_by_type, created_by_id,
          created_by_name, created_at)
        values (${row.id}, 'running', ${row.cause}, ${row.file_name}, ${row.encrypted}, ${row.holder}, ${row.created_at},
          ${row.created_by_type}, ${row.created_by_id}, ${row.created_by_name}, ${row.created_at})
        on conflict do nothing returning 1`.execute(db)
    ).rows.length > 0,

  /** A file that nobody here knows of. */
  insertFound: async (
    db: Db,
    row: Pick<BackupRow, 'id' | 'file_name' | 'encrypted' | 'size' | 'created_at'> & Partial<Finished>,
  ): Promise<void> => {
    await sql`insert into admin_backups (id, state, cause, file_name, encrypted, size, sha256, table_count, row_count, file_count,
        lost_files, version, key_ids, created_by_type, created_by_name, created_at, ended_at)
      values (${row.id}, 'done', 'found', ${row.file_name}, ${row.encrypted}, ${row.size}, ${row.sha256 ?? null},
        ${row.table_count ?? null}, ${row.row_count ?? null}, ${row.file_count ?? null}, ${row.lost_files ?? null},
        ${row.version ?? null}, ${row.key_ids ?? []}, 'system', 'Atrium', ${row.created_at}, ${row.created_at})
      on conflict do nothing`.execute(db);
  },

  /** A row of a restored database says that it runs, and its file is whole: it was read after it. */
  settleFound: async (db: Db, fileName: string, done: Finished, at: Date): Promise<void> => {
    await sql`update admin_backups set state = 'done', progress = null, error = null, holder = null, size = ${done.size},
        sha256 = ${done.sha256}, table_count = ${done.table_count}, row_count = ${done.row_count}, file_count = ${done.file_count},
        lost_files = ${done.lost_files}, version = ${done.version}, key_ids = ${done.key_ids}, ended_at = ${at}
      where file_name = ${fileName} and state = 'running'`.execute(db);
  },

  beat: async (db: Db, id: string, holder: string, at: Date, progress: WriteProgress | null): Promise<void> => {
    await sql`update admin_backups set beat_at = ${at}, progress = coalesce(${progress === null ? null : JSON.stringify(progress)}::jsonb, progress)
      where id = ${id} and holder = ${holder}`.execute(db);
  },

  finish: async (db: Db, id: string, done: Finished, at: Date): Promise<boolean> =>
    (
      await sql`update admin_backups set state = 'done', progress = null, holder = null, size = ${done.size}, sha256 = ${done.sha256},
          table_count = ${done.table_count}, row_count = ${done.row_count}, file_count = ${done.file_count},
          lost_files = ${done.lost_files}, version = ${done.version}, key_ids = ${done.key_ids}, ended_at = ${at}
        where id = ${id} and state = 'running' returning 1`.execute(db)
    ).rows.length > 0,

  fail: async (db: Db, id: string, error: string, at: Date): Promise<boolean> =>
    (
      await sql`update admin_backups set state = 'failed', progress = null, holder = null, error = ${error}, ended_at = ${at}
        where id = ${id} and state = 'running' returning 1`.execute(db)
    ).rows.length > 0,

  /** Those whose process is gone. */
  abandoned: async (db: Db, before: Date): Promise<BackupRow[]> =>
    (
      await sql<BackupRow>`select ${columns} from admin_backups where state = 'running' and beat_at < ${before}`.execute(
        db,
      )
    ).rows,

  page: async (
    db: Db,
    filter: { state: string | undefined; after: Position<Date> | null; limit: number },
  ): Promise<BackupRow[]> =>
    (
      await sql<BackupRow>`select ${columns} from admin_backups
        where (${filter.state ?? null}::text is null or state = ${filter.state ?? null})
          and (${filter.after?.value ?? null}::timestamptz is null
            or (created_at, id) < (${filter.after?.value ?? null}, ${filter.after?.id ?? null}::uuid))
        order by created_at desc, id desc limit ${filter.limit}`.execute(db)
    ).rows,

  find: async (db: Db, id: string): Promise<BackupRow | null> =>
    (await sql<BackupRow>`select ${columns} from admin_backups where id = ${id}`.execute(db)).rows[0] ?? null,

  fileNames: async (db: Db): Promise<Map<string, BackupRow['state']>> =>
    new Map(
      (
        await sql<{ file_name: string; state: BackupRow['state'] }>`select file_name, state from admin_backups`.execute(
          db,
        )
      ).rows.map((row) => [row.file_name, row.state]),
    ),

  orgExists: async (db: Db, id: string): Promise<boolean> =>
    (await sql`select 1 from core_event_heads where org_id = ${id}`.execute(db)).rows.length > 0,

  remove: async (db: Db, id: string): Promise<void> => {
    await sql`delete from admin_backups where id = ${id}`.execute(db);
  },

  /** Scheduled ones beyond those that are kept, and what failed long ago. */
  surplus: async (db: Db, kept: number, failedBefore: Date): Promise<BackupRow[]> =>
    (
      await sql<BackupRow>`select ${columns} from (
          select b.*, row_number() over (order by created_at desc, id desc) as place from admin_backups b
            where cause = 'schedule' and state = 'done') ranked where place > ${kept}
        union all
        select ${columns} from admin_backups where state = 'failed' and created_at < ${failedBefore}`.execute(db)
    ).rows,

  newestScheduled: async (db: Db): Promise<BackupRow | null> =>
    (
      await sql<BackupRow>`select ${columns} from admin_backups where cause = 'schedule' and state = 'done'
        order by created_at desc, id desc limit 1`.execute(db)
    ).rows[0] ?? null,

  beginTest: async (db: Db, id: string, at: Date): Promise<boolean> =>
    (
      await sql`update admin_backups set test_state = 'running', tested_at = ${at}, test_error = null
        where id = ${id} and test_state is distinct from 'running' returning 1`.execute(db)
    ).rows.length > 0,

  endTest: async (db: Db, id: string, error: string | null, at: Date): Promise<void> => {
    await sql`update admin_backups set test_state = ${error === null ? 'passed' : 'failed'}, tested_at = ${at}, test_error = ${error}
      where id = ${id}`.execute(db);
  },

  /** A test takes hours at the very most; what is older died with its process. */
  settleTests: async (db: Db, before: Date): Promise<void> => {
    await sql`update admin_backups set test_state = 'failed', test_error = 'The server ended while it was tested.'
      where test_state = 'running' and tested_at < ${before}`.execute(db);
  },

  schedule: async (db: Db, lock = false): Promise<ScheduleRow> =>
    (
      await sql<ScheduleRow>`select enabled, every_s, cron, time_zone, retention, passphrase_sealed, test, next_at, next_test_at,
          last_at, last_state, last_error, failures, version
        from admin_backup_schedule ${lock ? sql`for update` : sql``}`.execute(db)
    ).rows[0]!,

  setSchedule: async (db: Db, row: ScheduleRow): Promise<void> => {
    await sql`update admin_backup_schedule set enabled = ${row.enabled}, every_s = ${row.every_s}, cron = ${row.cron},
      time_zone = ${row.time_zone}, retention = ${row.retention}, passphrase_sealed = ${row.passphrase_sealed}, test = ${row.test},
      next_at = ${row.next_at}, next_test_at = ${row.next_test_at}, version = version + 1`.execute(db);
  },

  /** Takes nothing back that somebody set meanwhile. */
  planNext: async (db: Db, version: number, next_at: Date | null): Promise<void> => {
    await sql`update admin_backup_schedule set next_at = ${next_at} where version = ${version}`.execute(db);
  },

  planTest: async (db: Db, next_test_at: Date): Promise<void> => {
    await sql`update admin_backup_schedule set next_test_at = ${next_test_at}`.execute(db);
  },

  ended: async (db: Db, end: { at: Date; state: 'done' | 'failed'; error: string | null }): Promise<void> => {
    await sql`update admin_backup_schedule set last_at = ${end.at}, last_state = ${end.state}, last_error = ${end.error},
      failures = case when ${end.state === 'done'}::boolean then 0 else failures + 1 end`.execute(db);
  },

  reseal: async (db: Db, old: string, sealed: string): Promise<void> => {
    await sql`update admin_backup_schedule set passphrase_sealed = ${sealed} where passphrase_sealed = ${old}`.execute(
      db,
    );
  },
};
