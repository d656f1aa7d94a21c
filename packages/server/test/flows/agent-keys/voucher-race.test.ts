import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeKey } from '../../support/agent-key.ts';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import type { RestClient } from '../../support/rest-client.ts';

let world: KeyWorld;
beforeAll(async () => {
  world = await openKeyWorld();
});
afterAll(() => world.close());

const races = 1000;
/** Commits of one organisation wait for each other, those of several do not. */
const orgs = 10;

it('5: two registrants race for one voucher, a thousand times: one 201, one 403, and no row of the loser', async () => {
  const race = async (issuer: RestClient): Promise<void> => {
    const [voucher_code, one, two] = await Promise.all([world.voucher(issuer), makeKey(), makeKey()]);
    const answers = await Promise.all([one, two].map((key) => world.register(key, { voucher_code })));
    expect(answers.map(({ status, body }) => body.code ?? status).sort()).toEqual([201, 'registration_failed']);
  };
  const raceOn = async (): Promise<void> => {
    const { owner } = await world.makeOrg();
    for (let n = 0; n < races / orgs; n += 1) await race(owner);
  };
  await Promise.all(Array.from({ length: orgs }, raceOn));
  const left = await world.row(`select
      (select count(*)::int from identity_agents) as agents,
      (select count(*)::int from identity_agent_keys) as keys,
      (select count(*)::int from identity_vouchers where redeemed_at is not null) as redeemed,
      (select count(*)::int from core_events where kind = 'identity.agent.registered') as told,
      (select count(*)::int from core_idempotency_keys where operation = 'agents.register') as answers`);
  expect(left).toEqual({ agents: races, keys: races, redeemed: races, told: races, answers: races });
}, 600_000);
