import { afterAll, beforeAll, expect, test } from 'vitest';
import { callBy, makeOrg, type TestOrg } from '../../../test/support/make-inbox.ts';
import { approving, asking, createTestInbox, refusal, type TestInbox } from '../../../test/support/test-inbox.ts';
import type { Caller } from '../../platform/operations/caller.ts';
import type { Elicit, ElicitAnswer, Elicitation } from '../../platform/operations/elicit.ts';

let t: TestInbox;
let org: TestOrg;
let [a, agent, lonely]: Caller[] = [];

beforeAll(async () => {
  t = await createTestInbox({ limits: { per_principal: 20, progress_ms: 20 } });
  org = await makeOrg(t.pool);
  a = await org.person('A');
  agent = await org.agent('G', { owner: a });
  lonely = await org.agent('Lonely');
});
afterAll(() => t.drop());

const created = async (): Promise<string> => {
  await expect.poll(() => t.events.at(-1)?.kind).toBe('inbox.item.created');
  return t.events.at(-1)!.id;
};
const answer = (id: string, values = { ok: true }) => t.inbox.answers.answer(callBy(a!), { id, values });

test('situation 4: a waiting ask sends progress and returns the typed answer', async () => {
  const notes: number[] = [];
  const enough = Promise.withResolvers<void>();
  const progress = ({ progress }: { progress: number }) => {
    notes.push(progress);
    if (notes.length === 3) enough.resolve();
  };
  const asked = t.inbox.asking.ask(callBy(agent!, { progress, door: 'mcp' }), asking({ wait_s: 120, state: 's' }));
  await enough.promise;
  await answer(await created());
  expect((await asked).outcome).toMatchObject({
    status: 'answered',
    values: { ok: true },
    source: 'person',
    answered_by: { name: 'A' },
    state: 's',
  });
  expect(notes.toSorted((x, y) => x - y)).toEqual(notes);
});

test('a wait ends as pending when time is over, when the client goes, and when the server drains', async () => {
  const { id } = await t.inbox.asking.ask(callBy(agent!), asking());
  expect((await t.inbox.waits.wait(callBy(agent!), id, 0, null)).status).toBe('pending');
  const client = new AbortController();
  const waiting = t.inbox.waits.wait(callBy(agent!, { signal: client.signal }), id, 3600, null);
  client.abort();
  expect((await waiting).status).toBe('pending');
  const other = await createTestInbox();
  const otherOrg = await makeOrg(other.pool);
  const caller = callBy(await otherOrg.person('P'));
  const held = other.inbox.asking.ask(caller, asking({ wait_s: 3600 }));
  await expect.poll(() => other.events.length).toBe(1);
  other.inbox.waits.release();
  expect((await held).outcome?.status).toBe('pending');
  await other.drop();
});

test('situation 54: the twenty-first open wait is refused, and an ask that would wait makes no item', async () => {
  const { id } = await t.inbox.asking.ask(callBy(agent!), asking());
  const client = new AbortController();
  const call = callBy(agent!, { signal: client.signal });
  const waits = Array.from({ length: 20 }, () => t.inbox.waits.wait(call, id, 3600, null));
  expect(await refusal(t.inbox.waits.wait(call, id, 1, null))).toMatchObject({ code: 'too_many_waits' });
  const before = t.events.length;
  expect(await refusal(t.inbox.asking.ask(call, asking({ wait_s: 5 })))).toMatchObject({ code: 'too_many_waits' });
  expect(t.events.length).toBe(before);
  client.abort();
  await Promise.all(waits);
  expect((await t.inbox.waits.wait(callBy(agent!), id, 0, null)).status).toBe('pending');
});

test('a pressed button wakes the waiter, and is not told twice to who says what it knows', async () => {
  const actions = [{ kind: 'reply' as const, id: 'say', label: 'Say', prompt: 'What?' }];
  const { id } = await t.inbox.asking.ask(callBy(agent!), asking({ actions }));
  const waiting = t.inbox.waits.wait(callBy(agent!), id, 30, null);
  await t.inbox.actions.press(callBy(a!), { id, action_id: 'say', text: ' later ' });
  const outcome = await waiting;
  expect(outcome).toMatchObject({ status: 'action', action: { id: 'say', text: 'later' } });
  expect((await t.inbox.waits.wait(callBy(agent!), id, 0, new Date(outcome.action!.at))).status).toBe('pending');
});

/** A client that shows one form; `reply` is what its person does. */
const client = () => {
  const shown = Promise.withResolvers<Elicitation>();
  const reply = Promise.withResolvers<ElicitAnswer>();
  const closed = Promise.withResolvers<void>();
  const elicit: Elicit = {
    resumed: null,
    ask: (question, signal) => {
      shown.resolve(question);
      signal?.addEventListener('abort', () => {
        closed.resolve();
        reply.resolve({ action: 'cancel' });
      });
      return reply.promise;
    },
  };
  return { elicit, shown: shown.promise, reply: reply.resolve, closed: closed.promise };
};

test('situation 57: an answer in the client closes the card on the web, whose late answer is refused', async () => {
  const mcp = client();
  const asked = t.inbox.asking.ask(callBy(agent!, { elicit: mcp.elicit }), asking({ wait_s: 60 }));
  expect((await mcp.shown).requested_schema).toMatchObject({ type: 'object', properties: { ok: { type: 'boolean' } } });
  mcp.reply({ action: 'accept', content: { ok: false } });
  const { id, outcome } = await asked;
  expect(outcome).toMatchObject({
    status: 'answered',
    values: { ok: false },
    source: 'client',
    answered_by: { type: 'user', name: 'A' },
  });
  expect(await refusal(answer(id))).toMatchObject({ code: 'item_closed', extensions: { answered_by: { name: 'A' } } });
});

test('situation 57: an answer on the web closes the form in the client', async () => {
  const mcp = client();
  const asked = t.inbox.asking.ask(callBy(agent!, { elicit: mcp.elicit }), asking({ wait_s: 60 }));
  await mcp.shown;
  await answer(await created());
  expect((await asked).outcome).toMatchObject({ source: 'person', values: { ok: true } });
  await mcp.closed;
});

test('a form that the client declines, or answers wrongly, stays open on the web', async () => {
  for (const content of [{ action: 'decline' as const }, { action: 'accept' as const, content: { ok: 'perhaps' } }]) {
    const mcp = client();
    const asked = t.inbox.asking.ask(callBy(agent!, { elicit: mcp.elicit }), asking({ wait_s: 60 }));
    await mcp.shown;
    mcp.reply(content);
    await answer(await created());
    expect((await asked).outcome).toMatchObject({ source: 'person', values: { ok: true } });
  }
});

test('a stateless client comes back with the answer and finds the item it made, not a second one', async () => {
  const { id } = await t.inbox.asking.ask(callBy(agent!), asking());
  const before = t.events.length;
  const elicit: Elicit = { resumed: { item_id: id }, ask: async () => ({ action: 'accept', content: { ok: true } }) };
  const again = await t.inbox.asking.ask(callBy(agent!, { elicit }), asking({ wait_s: 60 }));
  expect(again).toMatchObject({ id, outcome: { source: 'client' } });
  expect(t.events.slice(before).map((event) => event.kind)).toEqual(['inbox.item.answered']);
});

test('what four eyes or several people must decide is not shown in the client', async () => {
  const mcp = client();
  const asked = t.inbox.asking.ask(
    callBy(agent!, { elicit: mcp.elicit }),
    approving({}, { wait_s: 1, require: { four_eyes: true } }),
  );
  const shown = await Promise.race([mcp.shown.then(() => true), asked.then(() => false)]);
  expect(shown).toBe(false);
});

test('an agent without an owner answers in the client under its own name', async () => {
  const mcp = client();
  const asked = t.inbox.asking.ask(
    callBy(lonely!, { elicit: mcp.elicit }),
    approving({ command: 'ls' }, { wait_s: 60 }),
  );
  expect((await mcp.shown).message).toContain('"command":"ls"');
  mcp.reply({ action: 'accept', content: { decision: 'accept' } });
  expect((await asked).outcome).toMatchObject({
    decision: 'accept',
    source: 'client',
    answered_by: { type: 'agent', name: 'Lonely' },
  });
  expect(t.errors).toEqual([]);
});
