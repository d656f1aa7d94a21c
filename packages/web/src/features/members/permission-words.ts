import type { Permission } from '@atrium/protocol';

export interface PermissionGroup {
  /** What comes before the dot. */
  prefix: string;
  label: string;
  permissions: { permission: Permission; title: string; hint?: string; powerful?: boolean }[];
}

/** Every permission in words, by what it is about. */
export const permissionGroups: readonly PermissionGroup[] = [
  {
    prefix: 'items',
    label: 'Items',
    permissions: [
      { permission: 'items.read', title: 'Read items, channels and templates' },
      { permission: 'items.write', title: 'Ask, answer and change items' },
      { permission: 'items.archive', title: 'Archive items and bring them back' },
    ],
  },
  {
    prefix: 'channels',
    label: 'Channels',
    permissions: [
      { permission: 'channels.create', title: 'Make channels' },
      { permission: 'channels.manage', title: 'Change channels, their members and rules' },
      { permission: 'channels.delete', title: 'Delete channels' },
    ],
  },
  {
    prefix: 'diaries',
    label: 'Diaries',
    permissions: [
      { permission: 'diaries.moderate', title: 'Hide reported entries of public diaries, and restore them' },
    ],
  },
  {
    prefix: 'apps',
    label: 'Services',
    permissions: [{ permission: 'apps.open', title: 'See and open services, as far as each route allows' }],
  },
  {
    prefix: 'gateway',
    label: 'Traffic',
    permissions: [{ permission: 'gateway.view', title: 'See settings, traffic and figures of the gateway' }],
  },
  {
    prefix: 'routes',
    label: 'Routes',
    permissions: [
      { permission: 'routes.read', title: 'See routes and test them' },
      { permission: 'routes.write', title: 'Add, change and share routes', powerful: true },
    ],
  },
  {
    prefix: 'discovery',
    label: 'Found services',
    permissions: [
      { permission: 'discovery.decide', title: 'Approve and dismiss services that were found', powerful: true },
    ],
  },
  {
    prefix: 'devices',
    label: 'Devices',
    permissions: [
      { permission: 'devices.pair', title: 'Pair devices of their own' },
      { permission: 'devices.manage', title: 'See, change and remove devices of everybody' },
    ],
  },
  {
    prefix: 'certificates',
    label: 'Certificates',
    permissions: [
      { permission: 'certificates.manage', title: 'Order, upload, renew and delete certificates', powerful: true },
    ],
  },
  {
    prefix: 'backups',
    label: 'Backups',
    permissions: [
      { permission: 'backups.manage', title: 'Make, download, restore and delete backups', powerful: true },
    ],
  },
  {
    prefix: 'containers',
    label: 'Containers',
    permissions: [
      { permission: 'containers.read', title: 'See containers, their figures and logs' },
      { permission: 'containers.control', title: 'Start, stop and restart containers', powerful: true },
    ],
  },
  {
    prefix: 'toolbox',
    label: 'Toolbox',
    permissions: [{ permission: 'toolbox.deploy', title: 'Install, update and remove deployments', powerful: true }],
  },
  {
    prefix: 'scripts',
    label: 'Scripts',
    permissions: [
      { permission: 'scripts.run', title: 'Run scripts, as far as each one allows' },
      { permission: 'scripts.write', title: 'Register, change and schedule scripts', powerful: true },
    ],
  },
  {
    prefix: 'tools',
    label: 'Tools',
    permissions: [
      { permission: 'tools.use', title: 'Call tools of MCP servers, as far as each policy allows' },
      { permission: 'tools.manage', title: 'Add MCP servers, approve their tools, set policies', powerful: true },
    ],
  },
  {
    prefix: 'federation',
    label: 'Federation',
    permissions: [
      { permission: 'federation.manage', title: 'Link the server with others and share apps', powerful: true },
    ],
  },
  {
    prefix: 'agents',
    label: 'Agents',
    permissions: [
      {
        permission: 'agents.manage',
        title: 'Connect agents, give them keys and decide what they see',
        powerful: true,
      },
    ],
  },
  {
    prefix: 'users',
    label: 'People',
    permissions: [
      { permission: 'users.invite', title: 'See members and invite people' },
      { permission: 'users.change_role', title: 'Change roles and who holds them', powerful: true },
      { permission: 'users.remove', title: 'Deactivate and remove members', powerful: true },
    ],
  },
  {
    prefix: 'teams',
    label: 'Teams',
    permissions: [
      { permission: 'teams.create', title: 'Make teams' },
      { permission: 'teams.manage_members', title: 'Change teams and who is in them' },
      { permission: 'teams.delete', title: 'Delete teams' },
    ],
  },
  {
    prefix: 'webhooks',
    label: 'Deliveries',
    permissions: [{ permission: 'webhooks.manage', title: 'Change webhooks and see what they delivered' }],
  },
  {
    prefix: 'audit',
    label: 'Audit',
    permissions: [{ permission: 'audit.read', title: 'Read and export the audit trail' }],
  },
  {
    prefix: 'org',
    label: 'Organisation',
    permissions: [
      { permission: 'org.manage', title: 'Rename the organisation, change its settings, see its usage' },
      { permission: 'org.billing', title: 'Change the plan' },
      { permission: 'org.delete', title: 'Delete the organisation', powerful: true },
    ],
  },
];

const titles = new Map<string, string>(
  permissionGroups.flatMap(({ permissions }) => permissions.map(({ permission, title }) => [permission, title])),
);

/** A permission string as people say it; free text keeps its spelling. */
export const permissionWords = (permission: string): string => {
  if (permission === '*') return 'Everything, also what later versions add';
  const group = permissionGroups.find(({ prefix }) => permission === `${prefix}.*`);
  if (group) return `Everything about ${group.label.toLowerCase()}`;
  return titles.get(permission) ?? permission;
};

/** Strings that no checkbox stands for. */
export const otherPermissions = (permissions: readonly string[]): string[] =>
  permissions.filter(
    (permission) =>
      permission !== '*' &&
      !titles.has(permission) &&
      !permissionGroups.some(({ prefix }) => permission === `${prefix}.*`),
  );

/** Adds or drops one string; a wildcard swallows what it covers and gives it back when it goes. */
export const togglePermission = (held: readonly string[], permission: string, on: boolean): string[] => {
  if (!on) return held.filter((other) => other !== permission);
  const prefix = permission.endsWith('*') ? permission.slice(0, -1) : null;
  return [...held.filter((other) => prefix === null || !other.startsWith(prefix)), permission];
};

/** "items.*, 4 more" for a table cell. */
export const permissionSummary = (permissions: readonly string[]): string => {
  if (permissions.includes('*')) return 'Everything';
  if (permissions.length === 0) return 'Nothing';
  const areas = permissionGroups
    .filter(({ prefix }) => permissions.some((permission) => permission.startsWith(`${prefix}.`)))
    .map(({ label }) => label);
  const rest = otherPermissions(permissions).length;
  return [...areas, ...(rest > 0 ? [`${rest} other`] : [])].join(', ');
};
