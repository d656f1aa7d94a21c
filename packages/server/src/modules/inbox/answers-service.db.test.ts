import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { approving, asking, createTestInbox, refusal, type TestInbox } from '../../../test/support/test-inbox.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import { withdraw } from './item-transitions.ts';
import { createSealedRotation } from './sealed-rotation.ts';

let t: TestInbox;
let org: TestOrg;
let [a, b, c, owner, agent]: Caller[] = [];
const ask = async (input = asking(), by = agent!) => (await t.inbox.asking.ask(callBy(by), input)).id;
const answer = (by: Caller, id: string, values: Record<string, unknown>) =>
  t.inbox.answers.answer(callBy(by), { id, values });
const reply = (by: Caller, id: string, reply: never | object) =>
  t.inbox.answers.answer(callBy(by), { id, reply: reply as never });
const outcome = (id: string, by = agent!) => t.inbox.waits.takeOutcome(callBy(by), id);
const count = async (query: string, values: unknown[]) => Number((await t.pool.query(query, values)).rows[0].count);

beforeAll(async () => {
  t = await createTestInbox();
  org = await makeOrg(t.pool);
  [a, b, c] = [await org.person('A'), await org.person('B'), await org.person('C')];
  owner = await org.person('Owner', 'owner');
  agent = await org.agent('G', { owner: a });
});
afterAll(() => t.drop());

describe('one answer', () => {
  test('situation 11: of two answers at once exactly one wins, and the loser hears who', {
    tags: ['long'],
    timeout: 60_000,
  }, async () => {
    for (let round = 0; round < 200; round += 1) {
      const id = await ask();
      const waiting = t.inbox.waits.wait(callBy(agent!), id, 10, null);
      const results = await Promise.allSettled([answer(a!, id, { ok: true }), answer(b!, id, { ok: false })]);
      const won = results.findIndex((one) => one.status === 'fulfilled');
      const lost = results[1 - won] as PromiseRejectedResult;
      expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
      expect(lost.reason).toMatchObject({
        code: 'item_closed',
        extensions: {
          item_status: 'answered',
          current_status: 'answered',
          answered_by: { name: won === 0 ? 'A' : 'B' },
        },
      });
      expect(await waiting).toMatchObject({ status: 'answered', values: { ok: won === 0 }, source: 'person' });
      expect(await count('select count(*) from inbox_responses where item_id = $1', [id])).toBe(1);
    }
  });

  test('situation 12: an answer and the expiry at once end in one verdict, which the agent gets too', {
    tags: ['long'],
    timeout: 60_000,
  }, async () => {
    const verdicts = new Set<string>();
    for (let round = 0; round < 200; round += 1) {
      const id = await ask(asking({ ttl_ms: 1000 }));
      t.clock.advance(1000);
      const waiting = t.inbox.waits.wait(callBy(agent!), id, 10, null);
      const expire = () => t.inbox.timers.expire({ org_id: org.id, item_id: id, generation: 1 });
      const both =
        round % 2 === 0 ? [answer(a!, id, { ok: true }), expire()] : [expire(), answer(a!, id, { ok: true })];
      await Promise.allSettled(both);
      const { status } = await t.inbox.items.get(callBy(a!), id);
      verdicts.add(status);
      expect(['answered', 'expired']).toContain(status);
      expect((await waiting).status).toBe(status);
      expect(await count('select count(*) from inbox_responses where item_id = $1', [id])).toBe(
        status === 'answered' ? 1 : 0,
      );
    }
    expect([...verdicts].sort()).toEqual(['answered', 'expired']);
  });

  test('situation 13: withdrawing and answering at once has one winner, and the draft of the loser stays', async () => {
    for (let round = 0; round < 50; round += 1) {
      const id = await ask();
      await t.inbox.drafts.save(callBy(a!), { id, values: { ok: true }, page: null });
      const results = await Promise.allSettled([
        t.inbox.lifecycle.act(callBy(agent!), id, 'inbox.withdraw', withdraw('changed my mind')),
        answer(a!, id, { ok: true }),
      ]);
      expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
      const lost = results.find((one) => one.status === 'rejected') as PromiseRejectedResult;
      const withdrawn = results[0].status === 'fulfilled';
      expect(lost.reason).toMatchObject({
        code: 'item_closed',
        extensions: { item_status: withdrawn ? 'withdrawn' : 'answered' },
      });
      const draft = await t.inbox.drafts.get(callBy(a!), id);
      expect(draft?.values ?? null).toEqual(withdrawn ? { ok: true } : null);
    }
  }, 60_000);

  test('situation 7: an unknown key is refused, values of pages not visited are dropped', async () => {
    const form = {
      pages: [
        {
          id: 'one',
          fields: [{ type: 'yesno' as const, id: 'go', required: true }],
          next: {
            kind: 'conditional' as const,
            field_id: 'go',
            branches: [{ value: true, page_id: 'three' }],
            default: 'two',
          },
        },
        { id: 'two', fields: [{ type: 'text' as const, id: 'why' }], next: { kind: 'end' as const } },
        { id: 'three', fields: [{ type: 'number' as const, id: 'amount' }] },
      ],
    };
    const id = await ask(asking({ form }));
    expect(await refusal(answer(a!, id, { go: true, nonsense: 1 }))).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'nonsense' }],
    });
    expect((await answer(a!, id, { go: true, why: 'dropped', amount: null })).response).toEqual({ go: true });
  });

  test('situation 52: within the window the author corrects; later or by another person it is refused', async () => {
    const id = await ask();
    await answer(a!, id, { ok: true });
    t.clock.advance(59_000);
    expect(await refusal(t.inbox.answers.correct(callBy(b!), { id, values: { ok: false } }))).toMatchObject({
      code: 'correction_closed',
    });
    const corrected = await t.inbox.answers.correct(callBy(a!), { id, values: { ok: false } });
    expect(corrected).toMatchObject({ status: 'answered', response: { ok: false } });
    expect(await outcome(id)).toMatchObject({ corrected: true, values: { ok: false } });
    expect(t.events.filter((event) => event.id === id).map((event) => event.kind)).toContain('inbox.item.corrected');
    const { items } = await t.inbox.responses.list(callBy(a!), { id, limit: 50 });
    expect(items[0]!.supersedes).toBe(items[1]!.id);
    t.clock.advance(1001);
    expect(await refusal(t.inbox.answers.correct(callBy(a!), { id, values: { ok: true } }))).toMatchObject({
      code: 'correction_closed',
    });
  });

  test('situation 48: a sealed answer is read once by who asked and lies nowhere in the clear', async () => {
    const form = {
      fields: [
        { type: 'text' as const, id: 'token', sealed: true },
        { type: 'text' as const, id: 'note' },
      ],
    };
    const id = await ask(asking({ form }));
    await t.inbox.drafts.save(callBy(a!), { id, values: { token: 'hunter2hunter2' }, page: null });
    expect((await t.inbox.drafts.get(callBy(a!), id))?.values).toEqual({ token: 'hunter2hunter2' });
    const view = await answer(a!, id, { token: 'hunter2hunter2', note: 'n' });
    expect(view.response).toEqual({ note: 'n' });
    const tables = await t.pool.query(
      "select table_schema || '.' || quote_ident(table_name) as name from information_schema.tables where table_schema in ('public', 'dbos') and table_type = 'BASE TABLE'",
    );
    for (const { name } of tables.rows) {
      expect(await count(`select count(*) from ${name} x where x::text like '%hunter2%'`, []), name).toBe(0);
    }
    expect(JSON.stringify(t.events)).not.toContain('hunter2');
    const visited: string[] = [];
    await createSealedRotation(t.parts)((envelope, place) => {
      visited.push(place);
      return `${envelope}`;
    });
    expect(visited).toContain(`inbox_items.sealed_values:${id}`);
    expect((await outcome(id, a!)).values).toEqual({ note: 'n' });
    expect((await outcome(id)).values).toEqual({ note: 'n', token: 'hunter2hunter2' });
    expect((await outcome(id)).values).toEqual({ note: 'n' });
    expect(await count('select count(*) from inbox_items where id = $1 and sealed_values is not null', [id])).toBe(0);
  });
});

describe('approvals', () => {
  test('situation 9: edited arguments are checked against the schema of the tool', async () => {
    const arguments_schema = { type: 'object', properties: { n: { type: 'integer', maximum: 5 } }, required: ['n'] };
    const approval = { tool: 'scale', arguments: { n: 9 }, arguments_schema };
    const id = await ask(approving({}, { approval }));
    expect(await refusal(reply(a!, id, { kind: 'edit', arguments: { n: 6 } }))).toMatchObject({
      code: 'validation_failed',
    });
    await reply(a!, id, { kind: 'edit', arguments: { n: 3 } });
    expect(await outcome(id)).toMatchObject({
      status: 'answered',
      decision: 'edit',
      reply: { kind: 'edit', arguments: { n: 3 } },
    });
  });

  test('situation 17: with n = 2 of three approvers two accept in parallel, both are kept, a third is late', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = await ask(approving({}, { require: { any_of: [a!.id, b!.id, c!.id], n: 2 } }));
      await Promise.all([reply(a!, id, { kind: 'accept' }), reply(b!, id, { kind: 'accept' })]);
      const view = await t.inbox.items.get(callBy(c!), id);
      expect(view).toMatchObject({ status: 'answered' });
      expect(view.approvals.map((one) => one.by.name).sort()).toEqual(['A', 'B']);
      expect(await refusal(reply(c!, id, { kind: 'accept' }))).toMatchObject({ code: 'item_closed' });
      expect(t.events.filter((event) => event.id === id && event.kind === 'inbox.item.answered')).toHaveLength(1);
    }
  });

  test('a reject by a required approver closes as rejected; strangers to the quorum do not decide', async () => {
    const id = await ask(approving({}, { require: { all_of: [a!.id, b!.id] } }));
    expect(await refusal(reply(c!, id, { kind: 'accept' }))).toMatchObject({ code: 'permission_denied' });
    expect((await reply(a!, id, { kind: 'accept' })).status).toBe('open');
    await reply(b!, id, { kind: 'reject', text: 'no' });
    expect(await outcome(id)).toMatchObject({
      status: 'answered',
      decision: 'reject',
      reply: { kind: 'reject', text: 'no' },
    });
  });

  test('an accept given before an edit does not count for the edited arguments', async () => {
    const id = await ask(approving({}, { require: { all_of: [a!.id, b!.id] } }));
    await reply(a!, id, { kind: 'accept' });
    expect((await reply(b!, id, { kind: 'edit', arguments: { command: 'ls' } })).status).toBe('open');
    await reply(a!, id, { kind: 'accept' });
    expect(await outcome(id)).toMatchObject({ decision: 'edit', reply: { arguments: { command: 'ls' } } });
  });

  test('situation 38: the owner of the agent cannot approve under four eyes, a second person can', async () => {
    const id = await ask(approving({}, { require: { four_eyes: true } }));
    expect(await refusal(reply(a!, id, { kind: 'accept' }))).toMatchObject({ code: 'four_eyes_required' });
    expect((await reply(b!, id, { kind: 'accept' })).status).toBe('answered');
    const mine = await ask(approving({}, { require: { four_eyes: true } }), b!);
    expect(await refusal(reply(b!, mine, { kind: 'accept' }))).toMatchObject({ code: 'four_eyes_required' });
  });

  test('situation 49: an always-allow rule covers its prefix for its time, counted and audited, and nothing else', async () => {
    const g = await org.agent('Ruled', { owner: a! });
    const id = await ask(approving(), g);
    await reply(a!, id, { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: 'git status' } });
    const run = async (command: string) => (await t.inbox.asking.ask(callBy(g), approving({ command }))).outcome!;
    expect(await run('git status')).toMatchObject({ status: 'answered', source: 'rule', decision: 'accept' });
    expect((await run('git push')).status).toBe('pending');
    expect((await run('git status; rm -rf x')).status).toBe('pending');
    expect(
      await count("select count(*) from core_audit where action = 'always_rules.use' and org_id = $1", [org.id]),
    ).toBe(1);
    const { items: rules } = await t.inbox.rules.list(callBy(a!), { limit: 50 });
    expect(rules[0]).toMatchObject({ uses: 1, tool: 'shell' });
    expect((await t.inbox.rules.list(callBy(b!), { limit: 50 })).items).toEqual([]);
    t.clock.advance(3_600_001);
    expect((await run('git status')).status).toBe('pending');
  });

  test('correcting an answer ends the rule it made', async () => {
    const g = await org.agent('Corrected', { owner: a! });
    const id = await ask(approving(), g);
    await reply(a!, id, { kind: 'accept', always_allow: { expires_in_s: 3600, argument_prefix: 'git status' } });
    await t.inbox.answers.correct(callBy(a!), { id, reply: { kind: 'reject' } });
    expect((await t.inbox.asking.ask(callBy(g), approving())).outcome!.status).toBe('pending');
  });

  test('situation 50: without a policy an approval that runs out of time is denied', async () => {
    const id = await ask(approving({}, { ttl_ms: 5000 }));
    t.clock.advance(5000);
    await t.inbox.timers.sweepDue();
    expect(await outcome(id)).toMatchObject({ status: 'expired', decision: 'deny', source: 'timeout' });
  });

  test('on_timeout default submits the defaults of the form', async () => {
    const fields = [{ type: 'yesno' as const, id: 'ok', default: true }];
    const id = await ask(asking({ form: { fields }, ttl_ms: 5000, on_timeout: 'default' }));
    t.clock.advance(5000);
    await t.inbox.timers.sweepDue();
    expect(await outcome(id)).toMatchObject({
      status: 'answered',
      values: { ok: true },
      source: 'timeout',
      answered_by: { type: 'system' },
    });
    expect(owner).toBeDefined();
  });
});
