import { hasPermission, hasScope, type Operation } from '@atrium/protocol';
import { AppError } from '../errors/app-error.ts';
import type { Caller } from './caller.ts';

/**
 * The one check in front of every operation on every door: kind of principal, scope of the token, permission of the role,
 * rights of an operator, in that order. What a caller may see of a particular row is the service's and its policy's question.
 */
export const authorize = (operation: Operation, caller: Caller): void => {
  if (operation.principals !== undefined && !operation.principals.includes(caller.kind)) {
    throw new AppError('permission_denied', `${operation.name} is not for ${caller.kind}s.`, {
      extensions: { error: 'permission denied', required: `principal:${operation.principals.join('|')}` },
    });
  }
  if (operation.scope !== null && !hasScope(caller.scopes, operation.scope)) {
    throw new AppError('insufficient_scope', `The token lacks the scope ${operation.scope}.`, {
      extensions: { error: 'insufficient_scope', required: operation.scope },
    });
  }
  if (operation.permission !== null && !hasPermission(caller.permissions, operation.permission)) {
    throw new AppError('permission_denied', `This needs the permission ${operation.permission}.`, {
      extensions: { error: 'permission denied', required: operation.permission },
    });
  }
  if (operation.operator === true && !caller.is_operator) {
    throw new AppError(
      'operator_required',
      `${operation.name} is for people who run this server. If you are one, sign in again with your password; a key or an older session does not do.`,
      { extensions: { error: 'operator required', required: 'operator' } },
    );
  }
};

/** The same as a question, for lists of what somebody may do. */
export const isAllowed = (operation: Operation, caller: Caller): boolean => {
  try {
    authorize(operation, caller);
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
};
