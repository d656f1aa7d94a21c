import type { Problem } from '@atrium/protocol';
import { ProblemError, sayError } from '../../data/client.ts';

/** "Tom Okafor answered first, with their answer in force." */
export const sayLost = (problem: Problem): string => {
  const by = problem['answered_by'] as { name?: string } | null | undefined;
  const status = String(problem['item_status'] ?? '');
  if (status === 'withdrawn') return 'It was taken back before your answer arrived.';
  if (status === 'expired') return 'Its time ran out before your answer arrived.';
  if (by?.name) return `${by.name} answered first.`;
  return problem.detail;
};

export const sayRefusal = (error: unknown): string => {
  if (error instanceof ProblemError && error.code === 'four_eyes_required')
    return 'This needs a second person: whoever asked, and the owner of the asking agent, cannot approve it.';
  return sayError(error);
};
