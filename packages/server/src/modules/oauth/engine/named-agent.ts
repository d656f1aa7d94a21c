import { holdsScope } from '@atrium/protocol';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { IdentityService, NamedAgent } from '../../identity/index.ts';
import { errors } from './oidc-provider.ts';
import { currentScope } from './request-scope.ts';

/** Of an authorization request: the agent through which the client wants to act for the person. */
export const requestedActor = 'requested_actor';

/** A uuid, or the id of an agent's client. */
const form = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|agent_[\w-]{1,60})$/;

export const checkRequestedActor = (_ctx: unknown, value: unknown): void => {
  if (value !== undefined && (typeof value !== 'string' || !form.test(value)))
    throw new errors.InvalidRequest('requested_actor must be the id of an agent, or of its client');
};

/** The agent that a request names; null when it names none, and refused when nobody has that name. */
export const namedAgentOf = async (
  params: Record<string, unknown> | undefined,
  { subjects }: Pick<IdentityService, 'subjects'>,
): Promise<NamedAgent | null> => {
  const ref = params?.[requestedActor];
  if (typeof ref !== 'string') return null;
  const agent = await currentScope().run((db) => subjects.namedAgent(db, ref));
  if (agent === null) throw new errors.InvalidRequest('requested_actor is not known here');
  return agent;
};

/** Through an agent a client reaches what the agent may reach, at most. */
export const withinAgent = (agent: NamedAgent | null, scope: string): boolean =>
  agent === null || holdsScope(agent.scopes, scope);

export const paramsOf = (ctx: KoaContextWithOIDC): Record<string, unknown> | undefined =>
  ctx.oidc.params as Record<string, unknown> | undefined;
