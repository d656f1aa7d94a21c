/** What a token may do. A scope only narrows: the principal's role must hold the operation's permission as well. */
export const scopes = {
  'inbox:read': { title: 'Read items, channels and templates', privileged: false },
  'inbox:write': { title: 'Ask, notify, answer and change items', privileged: false },
  'diary:read': { title: 'Read diaries and entries, and answer invitations to them', privileged: false },
  'diary:write': { title: 'Make diaries, write and change entries', privileged: false },
  'diary:delete': { title: 'Delete diaries and entries', privileged: false },
  'diary:share': { title: 'Share diaries, and see with whom they are shared', privileged: false },
  'org:read': { title: 'Read the organisation, its people and teams', privileged: false },
  'org:admin': { title: 'Manage members, roles, teams, agents and settings', privileged: true },
  'account:read': { title: 'Read your account, sessions and keys', privileged: false },
  'account:write': { title: 'Change your account, sessions and keys', privileged: true },
  // Vouching brings in an agent that stays when the one who did it has lost the token, so software nobody knows gets it not.
  'agent:profile': { title: 'Be an agent with a key: its profile, its secret, whom it vouches for', privileged: true },
  'agent:directory': { title: 'List the agents that let themselves be found', privileged: false },
  'crypto:sign': { title: 'Sign with the key of the agent', privileged: false },
  'hooks:write': { title: 'Bring in activity and notices of systems outside', privileged: true },
  'events:write': { title: 'Bring in events of systems outside', privileged: true },
  'gateway:read': { title: 'See apps, routes and how they are', privileged: false },
  'gateway:write': { title: 'Add and change apps and routes, decide about services that were found', privileged: true },
  'toolbox:deploy': { title: 'Install, change and remove deployments of the toolbox', privileged: true },
  'scripts:run': { title: 'Run registered scripts', privileged: true },
  'tools:read': { title: 'See MCP servers, their tools and your calls of them', privileged: false },
  // Open to clients that a person connects: each tool has its policy, and the consent page names this scope.
  'tools:invoke': { title: 'Call tools of MCP servers, as far as the policy of each allows', privileged: false },
  'tools:write': { title: 'Add and change MCP servers, approve their tools, set policies', privileged: true },
  'events:read': { title: 'Receive events', privileged: false },
  'device:self': { title: 'Be a device: its own row and its notifications', privileged: false },
  'access:*': { title: 'Open every app that you may open', privileged: false },
  'admin:read': { title: 'See the whole server: clients, tokens, people, keys', privileged: true, operator: true },
  'admin:write': { title: 'Run the whole server: clients, tokens, people, keys', privileged: true, operator: true },
} as const satisfies Record<string, { title: string; privileged: boolean; operator?: boolean }>;

export type Scope = keyof typeof scopes;

/** Opens one app by its slug. A part of `access:*`, which covers them all; there is no list of them. */
export type AppScope = `access:${string}`;
const appScopeForm = /^access:[A-Za-z0-9_-]{1,64}$/;
export const isAppScope = (scope: string): scope is AppScope => appScopeForm.test(scope);
export const appScopeOf = (slug: string): AppScope => `access:${slug}`;

/** A scope that a key, an agent or a token can hold. */
export type HeldScope = Scope | AppScope;

/** What a scope of the contract means, in words; null for any other. */
export const contractScopeTitle = (scope: string): string | null => {
  if (Object.hasOwn(scopes, scope)) return scopes[scope as Scope].title;
  return isAppScope(scope) ? `Open the app ${scope.slice('access:'.length)}` : null;
};

/** What people, agents and API keys may hand on. The others open nothing without an operator behind them. */
export const grantableScopes = (Object.keys(scopes) as Scope[]).filter((scope) => !('operator' in scopes[scope]));

/** Klaxon's names, accepted wherever a scope is read. */
export const scopeAliases: Readonly<Record<string, Scope>> = {
  'items:read': 'inbox:read',
  'items:write': 'inbox:write',
  admin: 'org:admin',
};

/** The permission strings. Roles may hold further free text: a new capability needs no migration. */
export const permissions = [
  'org.manage',
  'org.delete',
  'org.billing',
  'users.invite',
  'users.remove',
  'users.change_role',
  'teams.create',
  'teams.delete',
  'teams.manage_members',
  'channels.create',
  'channels.delete',
  'channels.manage',
  'webhooks.manage',
  'items.read',
  'items.write',
  'items.archive',
  'audit.read',
  'agents.manage',
  'diaries.moderate',
  'apps.open',
  'gateway.view',
  'routes.read',
  'routes.write',
  'discovery.decide',
  'devices.pair',
  'devices.manage',
  'certificates.manage',
  'containers.read',
  'containers.control',
  'toolbox.deploy',
  'scripts.run',
  'scripts.write',
  'backups.manage',
  'tools.use',
  'tools.manage',
  'federation.manage',
] as const;

export type Permission = (typeof permissions)[number];

export const systemRoles = ['owner', 'admin', 'member', 'viewer'] as const;
export type SystemRole = (typeof systemRoles)[number];

/** Permissions of the four system roles, as the migrations of identity leave them. */
export const systemRolePermissions: Readonly<Record<SystemRole, readonly string[]>> = {
  owner: ['*'],
  admin: permissions.filter((p) => p !== 'org.delete' && p !== 'org.billing'),
  member: [
    ...['items.read', 'items.write', 'items.archive', 'apps.open', 'gateway.view', 'routes.read', 'devices.pair'],
    'scripts.run',
    'tools.use',
  ],
  viewer: ['items.read', 'apps.open'],
};

/**
 * True when `held` covers `wanted`: exactly, by prefix wildcard (`items.*` covers `items.read` and the wildcard
 * `items.a.*`, not `itemsfoo` and not bare `items`), or by `*`. `wanted` may itself be a wildcard: `items.*` is
 * covered by `items.*` and `*` only, never by the strings below it.
 */
export const covers = (held: string, wanted: string): boolean => {
  if (held === '*' || held === wanted) return true;
  return held.endsWith('.*') && wanted.length > held.length - 1 && wanted.startsWith(held.slice(0, -1));
};

export const hasPermission = (held: readonly string[], wanted: string): boolean => held.some((h) => covers(h, wanted));

/** The strings of `wanted` that `held` does not cover; empty when nothing would be escalated. */
export const missingPermissions = (held: readonly string[], wanted: readonly string[]): string[] =>
  wanted.filter((w) => !hasPermission(held, w));

/** True when one scope is the other or covers it: `access:*` covers `access:notes`, `*` everything. */
export const scopeCovers = (held: string, wanted: string): boolean =>
  held === '*' ||
  held === wanted ||
  scopeAliases[held] === wanted ||
  (held.endsWith(':*') && wanted.length > held.length - 1 && wanted.startsWith(held.slice(0, -1)));

/** True when a list of scopes has the wanted one, or one that covers it. */
export const holdsScope = (held: readonly string[], wanted: string): boolean =>
  held.some((one) => scopeCovers(one, wanted));

/** True when the token's scopes contain the wanted one; `*` is the scope of a signed-in person's own session. */
export const hasScope = (held: readonly string[], wanted: HeldScope): boolean => holdsScope(held, wanted);

/** What two lists have in common, each read with what its scopes cover. */
export const commonScopes = (a: readonly string[], b: readonly string[]): string[] => [
  ...new Set([...a.filter((one) => holdsScope(b, one)), ...b.filter((one) => holdsScope(a, one))]),
];
