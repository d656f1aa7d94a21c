import type { SystemRole } from '@atrium/protocol';

/** Ids of the global rows that migration 001 inserts. */
export const systemRoleIds: Readonly<Record<SystemRole, string>> = {
  owner: '00000000-0000-7000-8000-000000000001',
  admin: '00000000-0000-7000-8000-000000000002',
  member: '00000000-0000-7000-8000-000000000003',
  viewer: '00000000-0000-7000-8000-000000000004',
};
