import type { Transaction } from '../../platform/db/database.ts';
import { AppError, invalid, notFound } from '../../platform/errors/app-error.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { requireOwnOrg } from './identity-policy.ts';
import { orgView } from './identity-views.ts';
import { membersStore } from './members-store.ts';
import { type OrgRow, orgsStore } from './orgs-store.ts';
import { toSlug, withSuffix } from './slug.ts';
import { systemRoleIds } from './system-roles.ts';

/** Other replicas read the last events of an organisation from its log before that goes too. */
const eraseDelayMs = 5000;

/** Organisations: made, renamed, deleted with everything in them. */
export const createOrgsService = ({ clock, database, transact, hooks }: IdentityContext) => {
  /** Makes an organisation with its first Owner inside an open transaction. */
  const createIn = async (
    tx: Transaction,
    call: Call,
    parts: { id?: string; name: string; is_personal: boolean; owner_id: string },
  ) => {
    const at = clock.now();
    const { name, is_personal, owner_id } = parts;
    const org: OrgRow = { id: parts.id ?? newId(), name, slug: toSlug(name), is_personal, created_at: at };
    while (!(await orgsStore.insert(tx.db, org))) org.slug = withSuffix(toSlug(name));
    await orgsStore.insertSubscription(tx.db, org.id);
    await membersStore.insert(tx.db, { org_id: org.id, user_id: owner_id, role_id: systemRoleIds.owner, at });
    tx.emit({ kind: identityEvents.orgUpdated, id: org.id, org_id: org.id, body: { change: 'created' } });
    tx.audit({
      action: 'orgs.create',
      target_type: 'org',
      target_id: org.id,
      org_id: org.id,
      details: { name, is_personal },
    });
    for (const hook of hooks.orgCreated) await hook(tx, org, call);
    return org;
  };

  /** Takes an organisation away with everything in it, inside an open transaction. */
  const deleteIn = async (tx: Transaction, call: Call, org: OrgRow): Promise<void> => {
    for (const hook of hooks.orgDeleting) await hook(tx, org, call);
    await orgsStore.delete(tx.db, org.id);
    tx.emit({ kind: identityEvents.orgDeleted, id: org.id, org_id: org.id, body: {} });
    const run_at = new Date(clock.now().getTime() + eraseDelayMs);
    tx.enqueue({ name: 'erase-org', id: `identity-erase-org-${org.id}`, args: { org_id: org.id }, run_at });
  };

  const found = async (call: Call, input: { org: string }) => {
    const org = await orgsStore.find(database.read, requireOwnOrg(call.caller, input.org));
    if (org === null) throw notFound('The organisation');
    return org;
  };

  return {
    createIn,
    deleteIn,

    create: (call: Call, input: { name: string }) =>
      transact(call, 'orgs.create', async (tx) =>
        orgView(await createIn(tx, call, { name: input.name, is_personal: false, owner_id: call.caller.id })),
      ),

    get: async (call: Call, input: { org: string }) => orgView(await found(call, input)),

    update: (call: Call, input: { org: string; name?: string | undefined; slug?: string | undefined }) =>
      transact(call, 'orgs.update', async (tx) => {
        const id = requireOwnOrg(call.caller, input.org);
        const org = await orgsStore.update(tx.db, id, input);
        if (org === null) throw notFound('The organisation');
        const { name, slug } = org;
        tx.emit({ kind: identityEvents.orgUpdated, id, body: { change: 'updated', name } });
        tx.audit({ action: 'orgs.update', target_type: 'org', target_id: id, details: { name, slug } });
        return orgView(org);
      }),

    delete: (call: Call, input: { org: string; confirm: string }): Promise<null> =>
      transact(call, 'orgs.delete', async (tx) => {
        const id = requireOwnOrg(call.caller, input.org);
        const org = await orgsStore.lock(tx.db, id);
        if (org === null) throw notFound('The organisation');
        if (org.is_personal) throw new AppError('in_use', 'A personal organisation stays as long as its account.');
        if (input.confirm !== org.name) throw invalid('confirm', 'must be the name of the organisation');
        await deleteIn(tx, call, org);
        // The organisation's own trail goes with it; the act is kept where its actor belongs.
        const home = await orgsStore.personalOf(tx.db, call.caller.id);
        if (home !== null)
          tx.audit({ action: 'orgs.delete', org_id: home.id, details: { name: org.name, slug: org.slug } });
        return null;
      }),
  };
};

export type OrgsService = ReturnType<typeof createOrgsService>;
