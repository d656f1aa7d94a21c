import { ProblemError, sayError } from '../../data/client.ts';

/** Why a change of a member was refused, and what to do instead. */
export const memberRefusal = (error: unknown, name: string): string => {
  if (!(error instanceof ProblemError)) return sayError(error);
  switch (error.code) {
    case 'last_owner':
      return `${name} is the last Owner. Make somebody else an Owner first.`;
    case 'plan_limit_exceeded':
      return `No seat is free. Deactivate somebody or raise the limit first.`;
    case 'not_found':
      return `${name} is no longer a member.`;
    default:
      return sayError(error);
  }
};
