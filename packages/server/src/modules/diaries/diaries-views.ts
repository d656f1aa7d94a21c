import type {
  Actor,
  DiaryView,
  EntryView,
  entryRevisionView,
  MergeView,
  RelationView,
  ShareView,
} from '@atrium/protocol';
import type { z } from 'zod';
import type { Call } from '../../platform/operations/call.ts';
import type {
  EntryRow,
  LinkRow,
  MergeRow,
  PrincipalKind,
  RelationRow,
  RevisionRow,
  SeenDiary,
  ShareRow,
} from './diaries-rows.ts';

/* Rows as the contract shows them. */

export const isSigned = (entry: EntryRow): entry is EntryRow & LinkRow => entry.signature !== null;

export const text = (at: Date | null): string | null => at?.toISOString() ?? null;
export const actorFrom = (type: PrincipalKind, id: string | null, name: string): Actor => ({ type, id, name });

const roles = { 1: 'reader', 2: 'writer', 3: 'owner' } as const;

const scopeOf = ({ level, direct, visibility }: SeenDiary): DiaryView['scope'] => {
  if (level === null) return visibility === 'public' ? 'public' : 'network';
  if (level === 3) return 'own';
  return direct ? 'shared' : 'team';
};

export const diaryViewOf = (diary: SeenDiary): DiaryView => ({
  id: diary.id,
  name: diary.name,
  visibility: diary.visibility,
  owner: { type: diary.owner_kind, id: diary.owner_id, name: diary.owner_name ?? '' },
  role: diary.level === null ? 'reader' : roles[diary.level as 1 | 2 | 3],
  scope: scopeOf(diary),
  language: diary.language,
  injection_policy: diary.injection_policy,
  signed: diary.signed,
  chain_id: diary.chain_id,
  revision: diary.revision,
  created_at: diary.created_at.toISOString(),
  updated_at: diary.updated_at.toISOString(),
});

/** A model reads this as an answer of a tool: what others wrote is marked off, so that it is taken for data. */
export const fenced = (said: string, id: string): string =>
  `<untrusted entry="${id}">\n${said.replaceAll(/<(\/?untrusted)/gi, '&lt;$1')}\n</untrusted>`;

export const isForeign = (call: Call, entry: Pick<EntryRow, 'author_id'>): boolean =>
  entry.author_id !== call.caller.id || call.caller.kind === 'system';

export type ContentMode = 'full' | 'snippet' | 'none';
const snippetLength = 280;

export const shortened = (content: string, mode: ContentMode): string => {
  if (mode === 'none') return '';
  if (mode === 'full' || content.length <= snippetLength) return content;
  // Not in the middle of a character of two units.
  return `${content.slice(0, snippetLength).replace(/[\ud800-\udbff]$/, '')}…`;
};

export const proofOf = (entry: EntryRow): EntryView['proof'] =>
  isSigned(entry)
    ? {
        seq: entry.chain_seq,
        prev_hash: entry.prev_hash,
        chain_hash: entry.chain_hash,
        signature: entry.signature,
        public_key: entry.signer_key,
      }
    : null;

export const entryViewOf = (call: Call, entry: EntryRow, mode: ContentMode = 'full'): EntryView => {
  const untrusted = isForeign(call, entry);
  const shown = shortened(entry.content, mode);
  const fence = call.door === 'mcp' && (untrusted || entry.injection_risk);
  const title = entry.title !== null && entry.title !== '' && fence ? fenced(entry.title, entry.id) : entry.title;
  return {
    id: entry.id,
    diary_id: entry.diary_id,
    title,
    content: fence && shown !== '' ? fenced(shown, entry.id) : shown,
    tags: entry.tags,
    entry_type: entry.entry_type,
    importance: entry.importance,
    injection_risk: entry.injection_risk,
    untrusted,
    status: entry.status,
    confidence: entry.confidence,
    superseded_by: entry.superseded_by,
    superseded_at: text(entry.superseded_at),
    hidden_at: text(entry.hidden_at),
    valid_from: text(entry.valid_from),
    valid_to: text(entry.valid_to),
    expires_at: text(entry.expires_at),
    author: actorFrom(entry.author_kind, entry.author_id, entry.author_name),
    version: entry.version,
    content_id: entry.content_id,
    proof: proofOf(entry),
    length: entry.length,
    embedding_state: entry.embedding_state,
    created_at: entry.created_at.toISOString(),
    updated_at: entry.updated_at.toISOString(),
  };
};

const charactersPerToken = 4;

/** What texts cost a model that reads them, roughly. */
export const tokensIn = (...texts: (string | null)[]): number =>
  Math.ceil(texts.reduce((sum, one) => sum + (one?.length ?? 0), 0) / charactersPerToken);

/** The first of them whose texts hold no more tokens than that, and one in any case. */
export const withinBudget = <View extends Pick<EntryView, 'title' | 'content' | 'tags'>>(
  views: readonly View[],
  budget: number | undefined,
): View[] => {
  if (budget === undefined) return [...views];
  let tokens = 0;
  return views.filter(({ title, content, tags }, at) => {
    tokens += tokensIn(title, content, tags.join(' '));
    return at === 0 || tokens <= budget;
  });
};

export const revisionViewOf = (call: Call, entry_id: string, row: RevisionRow): z.infer<typeof entryRevisionView> => {
  const fence = call.door === 'mcp' && row.actor_id !== call.caller.id;
  return {
    version: row.version,
    act: row.act,
    actor: actorFrom(row.actor_kind, row.actor_id, row.actor_name),
    at: row.at.toISOString(),
    title: row.title !== null && row.title !== '' && fence ? fenced(row.title, entry_id) : row.title,
    content: fence ? fenced(row.content, entry_id) : row.content,
    tags: row.tags,
    entry_type: row.entry_type,
    importance: row.importance,
    status: row.status,
    confidence: row.confidence,
    valid_from: text(row.valid_from),
    valid_to: text(row.valid_to),
    expires_at: text(row.expires_at),
    superseded_by: row.superseded_by,
    content_id: row.content_id,
  };
};

/** An invitation that nobody answered in time is over, although no row says so. */
export const shareStatusOf = (share: ShareRow, now: Date): ShareView['status'] =>
  share.status === 'pending' && share.invitation_expires_at <= now ? 'expired' : share.status;

export const shareViewOf = (share: ShareRow, now: Date): ShareView => ({
  id: share.id,
  diary_id: share.diary_id,
  diary_name: share.diary_name,
  subject: {
    kind: share.subject_kind,
    id: share.shared_with,
    name: share.subject_name ?? share.fingerprint ?? '',
    fingerprint: share.fingerprint,
  },
  role: share.role,
  status: shareStatusOf(share, now),
  invited_by: actorFrom(share.invited_by_kind, share.invited_by_id, share.invited_by_name),
  invited_at: share.invited_at.toISOString(),
  responded_at: text(share.responded_at),
  invitation_expires_at: share.invitation_expires_at.toISOString(),
  expires_at: text(share.expires_at),
  revision: share.revision,
});

export const relationViewOf = (row: RelationRow): RelationView => ({
  id: row.id,
  kind: row.kind,
  status: row.status,
  from: row.from,
  to: row.to,
  changed_since: row.from.content_id !== row.from_content_id || row.to.content_id !== row.to_content_id,
  proposed_by: actorFrom(row.proposed_by_kind, row.proposed_by_id, row.proposed_by_name),
  decided_by:
    row.decided_by_kind === null ? null : actorFrom(row.decided_by_kind, row.decided_by_id, row.decided_by_name ?? ''),
  created_at: row.created_at.toISOString(),
  decided_at: text(row.decided_at),
});

export const mergeViewOf = (row: MergeRow): MergeView => ({
  ...relationViewOf(row),
  reason: row.reason,
  similarity: Math.round(row.similarity * 1000) / 1000,
});
