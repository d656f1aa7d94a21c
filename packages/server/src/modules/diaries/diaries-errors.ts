import { type DiaryPermit, diaryLimits } from '@atrium/protocol';
import { AppError, notFound } from '../../platform/errors/app-error.ts';
import type { EntryRow } from './diaries-rows.ts';

/** A diary that does not exist, is foreign or is private to others: one and the same answer. The same goes for what is in it. */
export const noDiary = (): AppError => notFound('The diary');
export const noEntry = (): AppError => notFound('The entry');
export const noShare = (): AppError => notFound('The share');
export const noRelation = (): AppError => notFound('The relation');

const needs: Readonly<Record<DiaryPermit, string>> = {
  read: 'may read it',
  write: 'may write into it',
  manage: 'owns it',
};

/** For somebody who sees the diary already. */
export const denied = (permit: DiaryPermit): AppError =>
  new AppError('permission_denied', `Only who ${needs[permit]} can do this with the diary.`, {
    extensions: { error: 'permission denied', required: `diary:${permit}` },
  });

export const ambiguousRef = (name: string, ids: readonly string[]): AppError =>
  new AppError('diary_ref_ambiguous', `Several diaries are called "${name}"; name one by its id.`, {
    extensions: { ids },
  });

export const beyondPolicy = (allowed: string): AppError =>
  new AppError(
    'permission_denied',
    `The organisation's setting diary_max_visibility allows diaries to be ${allowed} at most.`,
    { extensions: { error: 'permission denied', required: 'diary_max_visibility', policy: 'diary_max_visibility' } },
  );

export const tooLongForPublic = (ids: readonly string[]): AppError =>
  new AppError(
    'diary_entries_too_long',
    `Entries of a public diary hold at most ${diaryLimits.public_content} characters; shorten these first.`,
    { extensions: { entry_ids: ids } },
  );

export const limitReached = (limit: string, max: number, message: string): AppError =>
  new AppError('diary_limit_reached', message, { extensions: { limit, max } });

export const invitationClosed = (status: string): AppError =>
  new AppError('diary_invitation_closed', `The invitation is ${status}.`, { extensions: { share_status: status } });

export const immutable = (): AppError => new AppError('entry_immutable');

export const changedMeanwhile = (current_version: number): AppError =>
  new AppError('entry_version_conflict', 'The entry was changed meanwhile; read it again.', {
    extensions: { current_version },
  });

export const superseded = (entry: Pick<EntryRow, 'superseded_at'>): AppError =>
  new AppError('entry_superseded', 'Another entry has replaced this one already.', {
    extensions: { superseded_at: entry.superseded_at?.toISOString() ?? null },
  });
