import type { Actor, DiaryVisibility, EntryStatus, EntryType, RelationKind, ShareRole } from '@atrium/protocol';

/* Rows of this module's tables as stores hand them out. */

export type PrincipalKind = Actor['type'];

export interface DiaryRow {
  id: string;
  org_id: string;
  owner_kind: 'agent' | 'user';
  owner_id: string;
  owner_name: string | null;
  name: string;
  visibility: DiaryVisibility;
  signed: boolean;
  chain_id: string | null;
  origin_id: string | null;
  language: string;
  injection_policy: 'flag' | 'quarantine' | 'refuse';
  revision: number;
  created_at: Date;
  updated_at: Date;
}

/** A diary with what its reader was given on it. */
export interface SeenDiary extends DiaryRow {
  level: number | null;
  direct: boolean;
}

/** What an entry says; a change of it makes a new version. */
export interface EntryFields {
  title: string | null;
  content: string;
  tags: string[];
  entry_type: EntryType;
  importance: number;
  status: EntryStatus;
  confidence: number | null;
  valid_from: Date | null;
  valid_to: Date | null;
  expires_at: Date | null;
}

export interface EntryRow extends EntryFields {
  id: string;
  diary_id: string;
  org_id: string;
  injection_risk: boolean;
  injection_rules: string[];
  superseded_by: string | null;
  superseded_at: Date | null;
  hidden_at: Date | null;
  author_kind: PrincipalKind;
  author_id: string | null;
  author_name: string;
  content_hash: string;
  content_id: string;
  chain_seq: number | null;
  prev_hash: string | null;
  chain_hash: string | null;
  signature: string | null;
  signer_key: string | null;
  erased_at: Date | null;
  /** The entry elsewhere that this one was imported from. */
  origin_id: string | null;
  length: number;
  embedding_state: 'none' | 'pending' | 'ready' | 'failed';
  version: number;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
}

/** Texts of an entry as PostgreSQL is to analyse them. */
export interface EntryAnalysis {
  language: string;
  title: string;
  tags: string;
  content: string;
  date: string;
  asks: boolean;
}

export interface RevisionRow extends EntryFields {
  version: number;
  act: string;
  actor_kind: PrincipalKind;
  actor_id: string | null;
  actor_name: string;
  at: Date;
  superseded_by: string | null;
  content_id: string;
}

export interface ShareRow {
  id: string;
  diary_id: string;
  org_id: string;
  diary_name: string;
  revision: number;
  subject_kind: 'agent' | 'user' | 'team';
  shared_with: string;
  subject_name: string | null;
  fingerprint: string | null;
  role: ShareRole;
  status: 'pending' | 'accepted' | 'declined' | 'revoked';
  invited_by_kind: PrincipalKind;
  invited_by_id: string | null;
  invited_by_name: string;
  invited_at: Date;
  responded_at: Date | null;
  invitation_expires_at: Date;
  expires_at: Date | null;
}

export interface TupleRow {
  namespace: 'Diary' | 'DiaryEntry';
  object_id: string;
  relation: 'owner' | 'writers' | 'readers' | 'parent';
  subject_namespace: 'Agent' | 'User' | 'Team' | 'Diary';
  subject_id: string;
  subject_relation: '' | 'member';
  diary_id: string;
  org_id: string;
  expires_at: Date | null;
  revision: number;
}

/** Place, hashes and signature of an entry of a signed diary. */
export type LinkRow = {
  [K in 'chain_seq' | 'prev_hash' | 'chain_hash' | 'signature' | 'signer_key']: NonNullable<EntryRow[K]>;
};

export interface ReportRow {
  id: string;
  reason: string;
  status: 'open' | 'upheld' | 'dismissed';
  reporter_kind: PrincipalKind | null;
  reporter_id: string | null;
  reporter_name: string | null;
  created_at: Date;
  decided_by_kind: PrincipalKind | null;
  decided_by_id: string | null;
  decided_by_name: string | null;
  decided_at: Date | null;
  entry_id: string;
  diary_id: string;
  diary_name: string;
  title: string | null;
  content: string;
  author_kind: PrincipalKind;
  author_id: string | null;
  author_name: string;
  hidden_at: Date | null;
}

/** An entry as everybody sees it. */
export interface PublicRow {
  id: string;
  title: string | null;
  content: string;
  tags: string[];
  injection_risk: boolean;
  created_at: Date;
  public_key: string | null;
}

interface Related {
  id: string;
  diary_id: string;
  title: string | null;
  content_id: string;
}

/** A proposal to merge two entries that say the same. */
export interface MergeRow extends RelationRow {
  reason: 'same_text' | 'similar_text';
  similarity: number;
}

export interface RelationRow {
  id: string;
  diary_id: string;
  kind: RelationKind;
  status: 'proposed' | 'accepted' | 'rejected';
  from_id: string;
  to_id: string;
  from_content_id: string;
  to_content_id: string;
  from: Related;
  to: Related;
  proposed_by_kind: PrincipalKind;
  proposed_by_id: string | null;
  proposed_by_name: string;
  decided_by_kind: PrincipalKind | null;
  decided_by_id: string | null;
  decided_by_name: string | null;
  created_at: Date;
  decided_at: Date | null;
  /** Of a proposal to merge. */
  reason: 'same_text' | 'similar_text' | null;
  similarity: number | null;
}
