import { contractScopeTitle, isAppScope, type Scope, scopes } from '@atrium/protocol';

/** Scopes of OpenID Connect; the others are those of the contract. */
export const oidcScopes = ['openid', 'offline_access', 'profile', 'email', 'org'] as const;

const all = Object.keys(scopes) as Scope[];

/** What software may ask for that nobody vouched for. */
export const ordinaryScopes: readonly string[] = all.filter((scope) => !scopes[scope].privileged);

/**
 * Asked for by name alone: what takes away, gives others a part in something, speaks for somebody elsewhere, or leads
 * to the apps and tools behind the gateway.
 */
const namedOnly: readonly Scope[] = [
  ...(['diary:delete', 'diary:share', 'agent:directory', 'crypto:sign'] as const),
  ...(['gateway:read', 'events:read', 'device:self', 'access:*', 'tools:read', 'tools:invoke'] as const),
];

/** What a request gets that names no scope. */
export const usualScopes: readonly string[] = ordinaryScopes.filter((scope) => !namedOnly.includes(scope as Scope));

export const contractScopes: readonly string[] = all;

const known: ReadonlySet<string> = new Set([...oidcScopes, ...ordinaryScopes]);

/** Scopes of the list that a client cannot give itself, unknown ones among them. */
export const notSelfAssignable = (asked: readonly string[]): string[] =>
  asked.filter((scope) => !known.has(scope) && !isAppScope(scope));

export const isPrivileged = (scope: string): boolean => scopes[scope as Scope]?.privileged === true;

/** Words of a scope on the consent page. */
export const scopeWords = (scope: string): string => {
  const own: Record<string, string> = {
    openid: 'Know that it is you',
    profile: 'See your name',
    email: 'See your e-mail address',
    org: 'See your organisation and your role in it',
    offline_access: 'Stay connected while you are away',
  };
  return own[scope] ?? contractScopeTitle(scope) ?? scope;
};
