import { type Kysely, sql } from 'kysely';
import type { Transaction } from '../../platform/db/database.ts';
import type { Schema } from '../../platform/db/schema.gen.ts';
import { newId } from '../../platform/ids/ids.ts';
import { type Call, callAs } from '../../platform/operations/call.ts';
import type { IdentityContext } from './identity-context.ts';
import { identityEvents } from './identity-events.ts';
import { membersStore } from './members-store.ts';
import { announceCreated, personalOrgName, personCaller } from './new-person.ts';
import type { OrgsService } from './orgs-service.ts';
import type { PlanService } from './plan-service.ts';
import { systemRoleIds } from './system-roles.ts';

const insertPerson = async (
  db: Kysely<Schema>,
  person: { id: string; name: string; email: string; at: Date },
): Promise<void> => {
  const { id, name, email, at } = person;
  await sql`insert into identity_users (id, name, created_by, created_at) values (${id}, ${name}, 'jit', ${at})`.execute(
    db,
  );
  await sql`insert into identity_emails (user_id, address, verified_at) values (${id}, ${email}, ${at})`.execute(db);
};

/**
 * Makes an account for somebody whom a trusted issuer vouches for, inside the caller's transaction: a member of the
 * issuer's organisation, without a password.
 */
export const createVouchedPerson =
  ({ clock }: IdentityContext, orgs: OrgsService, plan: PlanService) =>
  async (tx: Transaction, call: Call, given: { name: string; email: string; org_id: string }): Promise<string> => {
    const { name, email, org_id } = given;
    const [id, personalId, at] = [newId(), newId(), clock.now()];
    await plan.requireRoom(tx, org_id, 'max_seats');
    await insertPerson(tx.db, { id, name, email, at });
    announceCreated(tx, { user_id: id, org_id: personalId, created_by: 'jit' });
    const self = callAs(call, personCaller({ id, name, org_id: personalId, org_name: personalOrgName(name) }));
    await orgs.createIn(tx, self, { id: personalId, name: personalOrgName(name), is_personal: true, owner_id: id });
    await membersStore.insert(tx.db, { org_id, user_id: id, role_id: systemRoleIds.member, at });
    tx.emit({ kind: identityEvents.memberUpdated, id, org_id, body: { change: 'joined', user_id: id } });
    tx.audit({ action: 'members.join', target_type: 'user', target_id: id, org_id, details: { by: 'trusted issuer' } });
    return id;
  };

export type VouchedPerson = ReturnType<typeof createVouchedPerson>;
