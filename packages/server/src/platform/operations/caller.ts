import type { Actor, PrincipalKind } from '@atrium/protocol';

/** What an agent may see: its own items, those of listed channels too, or what any member sees. */
export type ItemScope = { kind: 'own' } | { kind: 'channels'; channel_ids: readonly string[] } | { kind: 'org' };

/**
 * The result of resolving a credential: who acts, in which organisation, with what. Every operation gets one.
 * A person's `item_scope` is always `org`.
 */
export interface Caller {
  kind: PrincipalKind;
  id: string;
  name: string;
  org_id: string;
  org_name: string;
  /** Name of the system role, or null for a custom one. Owners and admins see team channels. */
  system_role: 'owner' | 'admin' | 'member' | 'viewer' | null;
  role_id: string | null;
  permissions: readonly string[];
  /** `['*']` for a person's own session. */
  scopes: readonly string[];
  item_scope: ItemScope;
  /** Person who owns the agent or made the key; null for a person acting by session. */
  owner_id: string | null;
  is_operator: boolean;
  credential: { kind: 'session' | 'api_key' | 'access_token' | 'internal'; id: string | null; expires_at: Date | null };
}

export const actorOf = (caller: Caller): Actor => ({
  type: caller.kind,
  id: caller.kind === 'system' ? null : caller.id,
  name: caller.name,
});

/** The platform acting by itself: timers, sweeps, rules. Sees the whole organisation. */
export const systemCaller = (org: { id: string; name?: string }): Caller => ({
  kind: 'system',
  id: '00000000-0000-0000-0000-000000000000',
  name: 'Atrium',
  org_id: org.id,
  org_name: org.name ?? '',
  system_role: 'owner',
  role_id: null,
  permissions: ['*'],
  scopes: ['*'],
  item_scope: { kind: 'org' },
  owner_id: null,
  is_operator: true,
  credential: { kind: 'internal', id: null, expires_at: null },
});
