import type { Caller } from '../operations/caller.ts';

const nil = '00000000-0000-0000-0000-000000000000';

/** Who calls a public operation without a credential: nobody, in no organisation, allowed nothing. */
export const anonymousCaller: Caller = Object.freeze({
  kind: 'user',
  id: nil,
  name: 'anonymous',
  org_id: nil,
  org_name: '',
  system_role: null,
  role_id: null,
  permissions: [],
  scopes: [],
  item_scope: { kind: 'own' },
  owner_id: null,
  is_operator: false,
  credential: { kind: 'internal', id: null, expires_at: null },
} satisfies Caller);
