import type { Transaction } from '../../platform/db/database.ts';
import type { DiaryRow, EntryRow, ShareRow } from './diaries-rows.ts';

/* What this module announces. Bodies carry ids, titles and flags, never what an entry says. */

export const deletedKind = 'diary.deleted';
export const entriesChangedKind = 'diary.entries.changed';

type Share = Pick<ShareRow, 'id' | 'diary_id' | 'org_id' | 'subject_kind' | 'shared_with' | 'role'>;

export const emitDiary = (
  tx: Transaction,
  event: 'created' | 'updated',
  diary: Pick<DiaryRow, 'id' | 'org_id' | 'name' | 'visibility'>,
  more: Record<string, unknown> = {},
): void =>
  tx.emit({
    kind: `diary.${event}`,
    id: diary.id,
    org_id: diary.org_id,
    body: { diary_id: diary.id, name: diary.name, visibility: diary.visibility, ...more },
  });

/** The diary is gone when its readers hear of it, so the event says itself who they were; the filter takes that off. */
export const emitDeleted = (
  tx: Transaction,
  diary: Pick<DiaryRow, 'id' | 'org_id'>,
  readers: { everybody: boolean; ids: readonly string[] },
): void => tx.emit({ kind: deletedKind, id: diary.id, org_id: diary.org_id, body: { diary_id: diary.id, readers } });

export const emitShare = (
  tx: Transaction,
  event: 'shared' | 'share_updated' | 'share_accepted' | 'share_declined' | 'share_revoked',
  share: Share,
): void =>
  tx.emit({
    kind: `diary.${event}`,
    id: share.id,
    org_id: share.org_id,
    body: {
      diary_id: share.diary_id,
      share_id: share.id,
      role: share.role,
      subject: { kind: share.subject_kind, id: share.shared_with },
    },
  });

export const emitEntry = (
  tx: Transaction,
  event: 'created' | 'updated' | 'superseded' | 'deleted' | 'flagged' | 'restored' | 'related',
  entry: EntryRow,
  more: Record<string, unknown> = {},
): void =>
  tx.emit({
    kind: `diary.entry.${event}`,
    id: entry.id,
    org_id: entry.org_id,
    body: {
      diary_id: entry.diary_id,
      title: entry.title,
      entry_type: entry.entry_type,
      tags: entry.tags,
      importance: entry.importance,
      status: entry.status,
      injection_risk: entry.injection_risk,
      version: entry.version,
      ...more,
    },
  });

/** Its meaning can be searched from now on. */
export const emitEmbedded = (
  tx: Transaction,
  entry: Pick<EntryRow, 'id' | 'org_id' | 'diary_id' | 'title'>,
  model: string,
): void =>
  tx.emit({
    kind: 'diary.entry.embedded',
    id: entry.id,
    org_id: entry.org_id,
    body: { diary_id: entry.diary_id, title: entry.title, model },
  });

/** Many at once: ids alone. */
export const emitEntries = (
  tx: Transaction,
  diary: Pick<DiaryRow, 'id' | 'org_id'>,
  op: string,
  ids: readonly string[],
): void =>
  tx.emit({ kind: entriesChangedKind, id: diary.id, org_id: diary.org_id, body: { diary_id: diary.id, op, ids } });

/** Audit lines hold ids and flags; names and text of diaries are for their readers. */
export const auditDiary = (
  tx: Transaction,
  action: string,
  diary: Pick<DiaryRow, 'id' | 'org_id'>,
  details: Record<string, unknown> = {},
): void => tx.audit({ action, target_type: 'diary', target_id: diary.id, org_id: diary.org_id, details });

export const auditEntry = (
  tx: Transaction,
  action: string,
  entry: Pick<EntryRow, 'id' | 'org_id' | 'diary_id'>,
  details: Record<string, unknown> = {},
): void =>
  tx.audit({
    action,
    target_type: 'diary_entry',
    target_id: entry.id,
    org_id: entry.org_id,
    details: { diary_id: entry.diary_id, ...details },
  });
