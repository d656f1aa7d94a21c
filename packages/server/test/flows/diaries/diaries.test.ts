import { errorCodes, operations, toRequest } from '@atrium/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diaryAgent, eventsOf, give, invite, listOf, makeDiary, write } from '../../support/diary-scene.ts';
import { openSocket } from '../../support/live-socket.ts';
import { connectByHand } from '../../support/mcp-drivers.ts';
import { inputWith } from '../../support/operation-inputs.ts';
import { type Agent, type Org, ok, openWorld, type Person, type World } from '../../support/people.ts';
import { createRestClient, type Json } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

let world: World;
let org: Org;
let foreign: Org;
let owner: Agent;
let other: Agent;
let stranger: Agent;

beforeAll(async () => {
  world = await openWorld({ shared: true });
  [org, foreign] = [await world.makeOrg('Home'), await world.makeOrg('Foreign')];
  [owner, other] = [await diaryAgent(org, 'Owner'), await diaryAgent(org, 'Other')];
  stranger = await diaryAgent(foreign, 'Stranger');
});
afterAll(() => world.close());

const entryPath = (diary: string, entry: string): string => `/api/v1/diaries/${diary}/entries/${entry}`;

describe('20: a grant is true for the very next call, and so is its end', () => {
  it('20: accepted, then read, and revoked, then read, over and over, by every door', {
    timeout: 180_000,
  }, async () => {
    const rounds = 30;
    const diary = await makeDiary(owner, { name: 'Next call' });
    const { id } = await write(owner, diary, { content: 'nightingale' });
    const client = await connectByHand(world.url, other.token);
    const share = await invite(owner, diary, other);
    const found = async (): Promise<string[]> =>
      ok(await other.post('/api/v1/diaries/search', { query: 'nightingale', abstain: false })).items.map(
        (item: Json) => item.id,
      );
    for (let round = 0; round < rounds; round += 1) {
      if (round > 0) await invite(owner, diary, other);
      ok(await other.post(`/api/v1/diaries/invitations/${share}/accept`));
      const [rest, listed, tool] = [
        await other.get(entryPath(diary, id)),
        await other.get(`/api/v1/diaries/${diary}/entries`),
        await client.call('diary_get', { diary_ref: diary, entry_id: id }),
      ];
      expect([round, rest.status, listed.status, tool.isError ?? false]).toEqual([round, 200, 200, false]);
      expect([round, await found()]).toEqual([round, [id]]);
      ok(await owner.delete(`/api/v1/diaries/${diary}/shares/${share}`));
      const [gone, hidden, refused] = [
        await other.get(entryPath(diary, id)),
        await other.get(`/api/v1/diaries/${diary}/entries`),
        await client.call('diary_get', { diary_ref: diary, entry_id: id }),
      ];
      expect([round, gone.status, hidden.status, refused.isError]).toEqual([round, 404, 404, true]);
      expect([round, await found()]).toEqual([round, []]);
    }
    await client.close();
  });

  it('20: losing a share ends live events and their replay at once', async () => {
    const diary = await makeDiary(owner, { name: 'Heard' });
    const share = await give(owner, diary, other);
    const socket = await openSocket(world.url, other.token);
    const about = (events: readonly Json[]) =>
      events.filter((event) => event.body?.diary_id === diary && String(event.kind).startsWith('diary.entry.'));
    const first = await write(owner, diary, { title: 'While shared' });
    await socket.event((event) => event.id === first.id, 'the entry');
    ok(await owner.delete(`/api/v1/diaries/${diary}/shares/${share}`));
    const second = await write(owner, diary, { title: 'Afterwards' });
    // Something later that it does hear, so that silence about the entry means something.
    const open = await makeDiary(owner, { name: 'Open', visibility: 'network' });
    await socket.event((event) => event.id === open, 'the open diary');
    expect(about(socket.events).map((event) => event.id)).not.toContain(second.id);
    socket.close();
    const again = await openSocket(world.url, other.token, { since: 0 });
    await until(() => again.messages.some((message) => message.type === 'replayed'), 'the replay is over');
    expect(about(again.events)).toEqual([]);
    again.close();
    expect(about(await eventsOf(other))).toEqual([]);
  });
});

/** Tables of which a row holds one of these texts. */
const rowsWith = async (texts: readonly string[]): Promise<string[]> => {
  const { rows } = await world.database.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public' order by 1",
  );
  const found: string[] = [];
  for (const { name } of rows) {
    const { rowCount } = await world.database.query(
      `select from ${name} t where exists (select from unnest($1::text[]) x where strpos(t::text, x) > 0) limit 1`,
      [texts],
    );
    if (rowCount! > 0) found.push(name);
  }
  return found;
};

describe('21: deleting a diary', () => {
  it('21: leaves no entry, share, tuple, relation or event for anybody', async () => {
    const diary = await makeDiary(owner, { name: 'Gone' });
    await give(owner, diary, other, 'writer');
    const [a, b] = [
      await write(owner, diary, { content: 'a nothing-of-this-stays' }),
      await write(other, diary, { content: 'b nothing-of-this-stays' }),
    ];
    ok(await owner.post(`${entryPath(diary, a.id)}/relations`, { to_entry_id: b.id, kind: 'supports' }));
    const correction = { content: 'a corrected nothing-of-this-stays' };
    const c = ok(await owner.post(`${entryPath(diary, a.id)}/supersede`, correction));
    ok(await other.delete(entryPath(diary, b.id)));
    expect(ok(await owner.post('/api/v1/diaries/search', { diary_ref: diary, query: 'corrected' })).total).toBe(1);
    const traces = [diary, a.id, b.id, c.id];
    expect(await rowsWith([...traces, 'nothing-of-this-stays'])).toEqual(expect.arrayContaining(['diary_entries']));
    ok(await owner.delete(`/api/v1/diaries/${diary}`));
    // The trail and the log of events name it by its ids; all else is gone, and what was written with it.
    const kept = ['core_audit', 'core_events', 'diary_search_pages'];
    expect((await rowsWith(traces)).filter((table) => !kept.includes(table))).toEqual([]);
    expect(await rowsWith(['nothing-of-this-stays'])).toEqual([]);
    for (const by of [owner, other]) {
      expect((await by.get(entryPath(diary, a.id))).status).toBe(404);
      const events = await eventsOf(by);
      const about = events.filter((event) => event.body?.diary_id === diary);
      // That it is gone is all that is left to hear, and it names no other reader.
      expect(about.map((event) => event.kind)).toEqual(['diary.deleted']);
      expect(about[0].body).toEqual({ diary_id: diary });
    }
    expect((await eventsOf(stranger)).filter((event) => event.body?.diary_id === diary)).toEqual([]);
  });
});

describe('24: the database fails while rights are looked up', () => {
  it('24: is 503 for whoever asks, by every way, and nothing of it is kept', async () => {
    const diary = await makeDiary(owner, { name: 'Looked up' });
    const { id } = await write(owner, diary);
    await give(owner, diary, other, 'writer');
    const body = { content: 'written' };
    const question = { correlation_id: '1', object: { kind: 'diary', id: diary }, permit: 'read' };
    const checks = { checks: [question] };
    const client = await connectByHand(world.url, other.token);
    const asks: [string, () => Promise<unknown>, number | string][] = [
      ['read by its reader', async () => (await other.get(entryPath(diary, id))).status, 200],
      ['read by a stranger', async () => (await stranger.get(entryPath(diary, id))).status, 404],
      ['list', async () => (await other.get(`/api/v1/diaries/${diary}/entries`)).status, 200],
      ['write', async () => (await other.post(`/api/v1/diaries/${diary}/entries`, body)).status, 201],
      ['write by a stranger', async () => (await stranger.post(`/api/v1/diaries/${diary}/entries`, body)).status, 404],
      ['search', async () => (await other.post('/api/v1/diaries/search', { query: 'learnt' })).status, 200],
      ['reflect', async () => (await other.get(`/api/v1/diaries/reflect?diary_ref=${diary}`)).status, 200],
      ['list of diaries', async () => (await other.get('/api/v1/diaries')).status, 200],
      ['question', async () => (await other.post('/api/v1/diaries/permissions/check-batch', checks)).status, 200],
      ['past events', async () => (await other.get('/api/v1/events?since=0&limit=200')).status, 200],
      ['tool', async () => codeOf(await client.call('diary_get', { diary_ref: diary, entry_id: id })), 'none'],
    ];
    const codeOf = (result: Json): string =>
      result.isError === true ? (/not_ready/.exec(JSON.stringify(result))?.[0] ?? 'other') : 'none';
    for (const [what, ask, sound] of asks) {
      const holder = await world.database.connect();
      try {
        await holder.query('begin');
        await holder.query('lock table diary_tuples in access exclusive mode');
        let settled = false;
        const answer = ask().finally(() => {
          settled = true;
        });
        // Whoever waits for the table is cut off, as by a database that falls over.
        await until(async () => {
          await holder.query(
            `select pg_terminate_backend(pid) from pg_locks
             where not granted and relation = 'diary_tuples'::regclass and pid <> pg_backend_pid()`,
          );
          return settled;
        }, 'the question is cut off');
        const failed = await answer;
        expect([what, failed]).toEqual([what, what === 'tool' ? 'not_ready' : 503]);
      } finally {
        await holder.query('rollback');
        holder.release();
      }
      // Another connection may have been cut off with it, which the pool finds out when it is used.
      const after = await until(async () => {
        const now = await ask();
        return now === 503 || now === 'not_ready' ? null : { now };
      }, 'the database answers again');
      expect([what, after.now]).toEqual([what, sound]);
    }
    await client.close();
  });
});

describe('22: an entry under the id of another diary', () => {
  it('22: is unknown for every act, in the words of an id that nobody has', async () => {
    const [home, wrong] = [await makeDiary(owner), await makeDiary(owner)];
    const { id } = await write(owner, home);
    const plain = (body: Json, entry: string): string => {
      const { request_id: _request, ...rest } = body;
      return JSON.stringify(rest).replaceAll(entry, 'ENTRY');
    };
    const named = operations.filter(({ path }) => path.startsWith('/api/v1/diaries/{diary_ref}/entries/{entry_id}'));
    expect(named.length).toBeGreaterThan(8);
    for (const operation of named) {
      const further = crypto.randomUUID();
      const ask = async (entry: string) => {
        const ids: Record<string, string> = { diary_ref: wrong, entry_id: entry };
        const { method, path, body } = toRequest(
          operation,
          inputWith(operation, (member) => ids[member] ?? further),
        );
        return owner.send(method, path, body);
      };
      const unknown = crypto.randomUUID();
      const [refused, nothing] = [await ask(id), await ask(unknown)];
      expect([operation.name, refused.status]).toEqual([operation.name, 404]);
      expect([operation.name, plain(refused.body, id)]).toEqual([operation.name, plain(nothing.body, unknown)]);
    }
    const tools = await connectByHand(world.url, owner.token);
    for (const operation of named.filter(({ mcp }) => mcp !== undefined)) {
      const ids: Record<string, string> = { diary_ref: wrong, entry_id: id };
      const given = inputWith(operation, (member) => ids[member] ?? crypto.randomUUID());
      const said = await tools.call(operation.mcp!.tool, given);
      expect([operation.name, said.isError, JSON.stringify(said).includes('not_found')]).toEqual([
        ...[operation.name, true, true],
      ]);
    }
    await tools.close();
    expect(ok(await owner.get(entryPath(home, id))).version).toBe(1);
  });
});

describe('23: anonymous requests', () => {
  it('23: get one and the same 401 for a private, a network, a public and an unknown id, whatever they ask', async () => {
    const ids = [
      await makeDiary(owner),
      await makeDiary(owner, { visibility: 'network' }),
      await makeDiary(owner, { visibility: 'public' }),
      crypto.randomUUID(),
    ];
    const { id: entry } = await write(owner, ids[2]!);
    const named = operations.filter(({ path }) => path.startsWith('/api/v1/diaries/{diary_ref}'));
    expect(named.length).toBeGreaterThan(20);
    for (const operation of named) {
      const bodies = new Set<string>();
      for (const id of ids) {
        const { method, path, body } = toRequest(
          operation,
          inputWith(operation, (member) => (member === 'diary_ref' ? id : entry)),
        );
        const { status, body: said } = await world.anonymous.send(method, path, body);
        expect([operation.name, status]).toEqual([operation.name, 401]);
        const { request_id: _request, ...rest } = said;
        // It repeats the path that was asked for, and nothing more about it.
        bodies.add(JSON.stringify(rest).replaceAll(id, 'ID'));
      }
      expect([operation.name, bodies.size]).toEqual([operation.name, 1]);
    }
  });
});

describe('25: offers', () => {
  it('25: with oneself 400, twice 409, declined and offered again as writer, accepted: writer', async () => {
    const diary = await makeDiary(owner);
    const path = `/api/v1/diaries/${diary}/shares`;
    expect((await owner.post(path, { agent_id: owner.id })).status).toBe(400);
    const share = await invite(owner, diary, other);
    const twice = await owner.post(path, { agent_id: other.id });
    expect([twice.status, twice.body.code, twice.body.share_id]).toEqual([409, 'share_exists', share]);
    expect((await stranger.post(`/api/v1/diaries/invitations/${share}/accept`)).status).toBe(404);
    expect((await owner.post(`/api/v1/diaries/invitations/${share}/accept`)).status).toBe(404);
    const declined = ok(await other.post(`/api/v1/diaries/invitations/${share}/decline`));
    expect([declined.status, declined.responded_at]).toEqual(['declined', expect.any(String)]);
    const answered = await other.post(`/api/v1/diaries/invitations/${share}/accept`);
    expect([answered.status, answered.body.code, answered.body.share_status]).toEqual([
      400,
      'diary_invitation_closed',
      'declined',
    ]);
    const again = ok(await owner.post(path, { agent_id: other.id, role: 'writer' }));
    expect([again.id, again.status, again.responded_at]).toEqual([share, 'pending', null]);
    expect(ok(await other.post(`/api/v1/diaries/invitations/${share}/accept`)).role).toBe('writer');
    expect((await write(other, diary)).author.id).toBe(other.id);
    expect((await owner.post(path, { agent_id: other.id })).status).toBe(409);
  });

  it('25: an offer that nobody answered for 30 days is over, and may be made anew', async () => {
    const diary = await makeDiary(owner);
    const share = await invite(owner, diary, other);
    await world.database.query(
      "update diary_shares set invitation_expires_at = now() - interval '1 second' where id = $1",
      [share],
    );
    const late = await other.post(`/api/v1/diaries/invitations/${share}/accept`);
    expect([late.status, late.body.share_status]).toEqual([400, 'expired']);
    expect(ok(await other.get('/api/v1/diaries/invitations')).items.map((one: Json) => one.id)).not.toContain(share);
    expect(await invite(owner, diary, other)).toBe(share);
    ok(await other.post(`/api/v1/diaries/invitations/${share}/accept`));
  });

  it('25: people, agents and teams of another organisation are as unknown as nobody', async () => {
    const diary = await makeDiary(owner);
    const team = await foreign.team('Theirs');
    for (const subject of [{ agent_id: stranger.id }, { user_id: foreign.owner.id }, { team_id: team }]) {
      const refused = await owner.post(`/api/v1/diaries/${diary}/shares`, subject);
      const [kind] = Object.keys(subject);
      const unknown = await owner.post(`/api/v1/diaries/${diary}/shares`, { [kind!]: crypto.randomUUID() });
      expect([refused.status, refused.body.detail]).toEqual([404, unknown.body.detail]);
    }
  });
});

describe('26: a change of role during a burst of writes', () => {
  it('26: no write that begins after it succeeds, and the tuple matches the share', async () => {
    const diary = await makeDiary(owner);
    const share = await give(owner, diary, other, 'writer');
    let changed = false;
    const results: { status: number; after: boolean }[] = [];
    const burst = async (): Promise<void> => {
      for (let i = 0; i < 40; i += 1) {
        const after = changed;
        const { status } = await other.post(`/api/v1/diaries/${diary}/entries`, { content: `burst ${i}` });
        results.push({ status, after });
      }
    };
    const demote = async (): Promise<void> => {
      await until(() => results.length > 20, 'some writes are through');
      ok(await owner.patch(`/api/v1/diaries/${diary}/shares/${share}`, { role: 'reader' }));
      changed = true;
    };
    await Promise.all([burst(), burst(), burst(), demote()]);
    expect(results.some(({ status }) => status === 201)).toBe(true);
    expect(results.filter(({ after }) => after).every(({ status }) => status === 403)).toBe(true);
    expect(results.every(({ status }) => status === 201 || status === 403)).toBe(true);
    const { rows } = await world.database.query(
      'select relation from diary_tuples where diary_id = $1 and subject_id = $2',
      [diary, other.id],
    );
    expect(rows).toEqual([{ relation: 'readers' }]);
    expect(await listOf(other, diary)).toHaveLength(results.filter(({ status }) => status === 201).length);
  });
});

describe('27: revoke and accept at once', () => {
  it('27: end as if one had come after the other, tuples and share agreeing', async () => {
    const diary = await makeDiary(owner);
    for (let round = 0; round < 20; round += 1) {
      const share = await invite(owner, diary, other);
      const [accepted, revoked] = await Promise.all([
        other.post(`/api/v1/diaries/invitations/${share}/accept`),
        owner.delete(`/api/v1/diaries/${diary}/shares/${share}`),
      ]);
      expect(revoked.status).toBe(200);
      expect([200, 400]).toContain(accepted.status);
      const { rows } = await world.database.query(
        `select s.status, (select count(*)::int from diary_tuples t where t.diary_id = s.diary_id and t.subject_id = s.shared_with) as tuples
         from diary_shares s where s.id = $1`,
        [share],
      );
      expect(rows).toEqual([{ status: 'revoked', tuples: 0 }]);
      expect((await other.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
    }
  });

  it('27: two answers, and two changes, end as one of the two orders', async () => {
    const diary = await makeDiary(owner);
    const path = `/api/v1/diaries/${diary}/shares`;
    const state = async (share: string): Promise<Json> =>
      (
        await world.database.query(
          `select s.status, s.role, (select array_agg(t.relation) from diary_tuples t
             where t.diary_id = s.diary_id and t.subject_id = s.shared_with) as relations
           from diary_shares s where s.id = $1`,
          [share],
        )
      ).rows[0];
    for (let round = 0; round < 10; round += 1) {
      const share = await invite(owner, diary, other);
      const answers = await Promise.all(
        ['accept', 'decline', 'accept'].map((act) => other.post(`/api/v1/diaries/invitations/${share}/${act}`)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
      const taken = answers.find(({ status }) => status === 200)!.body.status;
      expect(await state(share)).toEqual({
        ...{ status: taken, role: 'reader', relations: taken === 'accepted' ? ['readers'] : null },
      });
      if (taken === 'declined') continue;
      const [changed, revoked, again] = await Promise.all([
        owner.patch(`${path}/${share}`, { role: 'writer' }),
        owner.delete(`${path}/${share}`),
        owner.post(path, { agent_id: other.id, role: 'writer' }),
      ]);
      expect([200, 400]).toContain(changed!.status);
      expect([revoked!.status, [201, 409].includes(again!.status)]).toEqual([200, true]);
      const now = await state(share);
      expect(now).toMatchObject({ status: again!.status === 201 ? 'pending' : 'revoked', relations: null });
      if (now.status === 'pending') ok(await owner.delete(`${path}/${share}`));
    }
  });
});

describe('28: scopes', () => {
  it('28: a token with diary:read alone creates, deletes and shares nothing, and is told which scope it lacks', async () => {
    const reader = await org.agent('Reader', { scopes: ['diary:read'] });
    const diary = await makeDiary(owner, { visibility: 'network' });
    const { id } = await write(owner, diary);
    ok(await reader.get(entryPath(diary, id)));
    for (const [method, path, body, scope] of [
      ['POST', '/api/v1/diaries', { name: 'x' }, 'diary:write'],
      ['POST', `/api/v1/diaries/${diary}/entries`, { content: 'x' }, 'diary:write'],
      ['DELETE', entryPath(diary, id), undefined, 'diary:delete'],
      ['DELETE', `/api/v1/diaries/${diary}`, undefined, 'diary:delete'],
      ['POST', `/api/v1/diaries/${diary}/shares`, { agent_id: other.id }, 'diary:share'],
    ] as const) {
      const refused = await reader.send(method, path, body);
      expect([refused.status, refused.body.code, refused.body.required]).toEqual([403, 'insufficient_scope', scope]);
    }
  });

  it('28: a bulk that deletes needs the scope for deleting', async () => {
    const writer = await org.agent('Writer', { scopes: ['diary:read', 'diary:write'] });
    const diary = await makeDiary(writer);
    await write(writer, diary);
    const refused = await writer.post(`/api/v1/diaries/${diary}/entries/bulk`, { filter: {}, action: 'delete' });
    expect([refused.status, refused.body.required]).toEqual([403, 'diary:delete']);
    expect(await listOf(writer, diary)).toHaveLength(1);
  });
});

describe('30: teams', () => {
  it('30: who joins a team reads at once, who leaves it no longer; the way is named', async () => {
    const [lead, member] = [await org.member('Lead'), await org.member('Joiner')];
    const team = await org.team('Readers', []);
    const diary = await makeDiary(lead, { name: 'For the team' });
    ok(await lead.post(`/api/v1/diaries/${diary}/shares`, { team_id: team, role: 'writer' }));
    expect((await member.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
    ok(await org.owner.post(`/api/v1/orgs/current/teams/${team}/members`, { user_id: member.id }));
    const seen = ok(await member.get(`/api/v1/diaries/${diary}`));
    expect([seen.role, seen.scope]).toEqual(['writer', 'team']);
    await write(member, diary);
    const subjects = ok(await lead.get(`/api/v1/diaries/${diary}/permissions/subjects?permit=write`)).items as Json[];
    expect(subjects.find((one) => one.id === member.id)).toMatchObject({
      kind: 'user',
      via: { relation: 'writers', subject: `Team:${team}#member`, team: { id: team, name: 'Readers' } },
    });
    const question = { object: { kind: 'diary', id: diary }, permit: 'read', subject: { kind: 'user', id: member.id } };
    expect(ok(await lead.post('/api/v1/diaries/permissions/explain', question))).toMatchObject({
      allowed: true,
      paths: [{ relation: 'writers', team: { name: 'Readers' } }],
    });
    expect(
      (await member.post('/api/v1/diaries/permissions/check', { ...question, subject: { kind: 'user', id: lead.id } }))
        .status,
    ).toBe(404);
    ok(await org.owner.delete(`/api/v1/orgs/current/teams/${team}/members/${member.id}`));
    expect((await member.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
    expect(ok(await lead.post('/api/v1/diaries/permissions/explain', question))).toMatchObject({
      allowed: false,
      paths: [],
    });
  });

  it('30: what a team was given ends with the team', async () => {
    const [lead, member] = [await org.member('Lead two'), await org.member('Member two')];
    const team = await org.team('Short-lived', [member]);
    const diary = await makeDiary(lead);
    ok(await lead.post(`/api/v1/diaries/${diary}/shares`, { team_id: team }));
    ok(await member.get(`/api/v1/diaries/${diary}`));
    ok(await org.owner.delete(`/api/v1/orgs/current/teams/${team}`));
    expect((await member.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
    expect(ok(await lead.get(`/api/v1/diaries/${diary}/shares`)).items).toEqual([]);
  });
});

describe('31: what an organisation allows, and what a public diary holds', () => {
  it('31: with the cap network nobody goes public, and hears of the policy', async () => {
    const capped = await world.makeOrg('Capped');
    const agent = await diaryAgent(capped, 'Capped agent');
    ok(await capped.owner.patch('/api/v1/settings', { settings: { diary_max_visibility: 'network' } }));
    const diary = await makeDiary(agent, { visibility: 'network' });
    for (const refused of [
      await agent.patch(`/api/v1/diaries/${diary}`, { visibility: 'public' }),
      await agent.post('/api/v1/diaries', { name: 'Open', visibility: 'public' }),
    ])
      expect([refused.status, refused.body.policy]).toEqual([403, 'diary_max_visibility']);
    expect(ok(await agent.get(`/api/v1/diaries/${diary}`)).visibility).toBe('network');
  });

  it('31: a diary with a long entry does not go public, and says which entry it is', async () => {
    const diary = await makeDiary(owner);
    const { id } = await write(owner, diary, { content: 'x'.repeat(20_000) });
    const refused = await owner.patch(`/api/v1/diaries/${diary}`, { visibility: 'public' });
    expect([refused.status, refused.body.code, refused.body.entry_ids]).toEqual([409, 'diary_entries_too_long', [id]]);
    ok(await owner.patch(entryPath(diary, id), { content: 'short' }));
    ok(await owner.patch(`/api/v1/diaries/${diary}`, { visibility: 'public' }));
    const long = await owner.post(`/api/v1/diaries/${diary}/entries`, { content: 'x'.repeat(10_001) });
    expect([long.status, long.body.errors?.[0].path]).toEqual([422, 'content']);
  });

  it('the seed word moltnet means network', async () => {
    const diary = await makeDiary(owner, { visibility: 'moltnet' });
    expect(ok(await stranger.get(`/api/v1/diaries/${diary}`)).visibility).toBe('network');
  });
});

describe('names instead of ids', () => {
  it('a name that several diaries bear is refused with their ids; a stranger cannot make it so', async () => {
    const name = `Notes ${crypto.randomUUID()}`;
    const mine = await makeDiary(owner, { name });
    await makeDiary(stranger, { name, visibility: 'network' });
    expect(ok(await owner.get(`/api/v1/diaries/${encodeURIComponent(name)}`)).id).toBe(mine);
    const second = await makeDiary(owner, { name });
    const refused = await owner.get(`/api/v1/diaries/${encodeURIComponent(name)}`);
    expect([refused.status, refused.body.code, [...refused.body.ids].sort()]).toEqual([
      409,
      'diary_ref_ambiguous',
      [mine, second].sort(),
    ]);
    expect((await owner.post('/api/v1/diaries', { name: crypto.randomUUID() })).status).toBe(422);
  });
});

describe('handing a diary over', () => {
  it('the new owner manages it, the former one sees it no more; who manages the organisation takes over what is orphaned', async () => {
    const diary = await makeDiary(owner);
    await give(owner, diary, other);
    ok(await owner.post(`/api/v1/diaries/${diary}/transfer`, { agent_id: other.id }));
    expect((await owner.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
    expect(ok(await other.get(`/api/v1/diaries/${diary}`)).role).toBe('owner');
    const leaver = await diaryAgent(org, 'Leaver');
    const left = await makeDiary(leaver);
    expect((await org.owner.post(`/api/v1/diaries/${left}/transfer`, { user_id: org.owner.id })).status).toBe(404);
    ok(await org.owner.delete(`/api/v1/agents/${leaver.id}`));
    ok(await org.owner.post(`/api/v1/diaries/${left}/transfer`, { user_id: org.owner.id }));
    expect(ok(await org.owner.get(`/api/v1/diaries/${left}`)).role).toBe('owner');
  });
});

describe('accounts and organisations that end', () => {
  it('a person takes their diaries along, in the export and when they go', async () => {
    const person: Person = await org.member('Leaving');
    const diary = await makeDiary(person, { name: 'My own' });
    await write(person, diary, { content: 'mine alone' });
    const shared = await makeDiary(owner, { name: 'Of others' });
    await give(owner, shared, person, 'writer');
    const theirs = await write(person, shared, { content: 'left behind' });
    const exported = ok(await person.get('/api/v1/me/export'));
    expect(exported.diaries.owned.map((one: Json) => one.id)).toEqual([diary]);
    expect(exported.diaries.entries.map((one: Json) => one.content).sort()).toEqual(['left behind', 'mine alone']);
    ok(await person.send('DELETE', `/api/v1/me?confirm=${encodeURIComponent(person.email)}`));
    const { rows } = await world.database.query('select from diary_diaries where id = $1', [diary]);
    expect(rows).toEqual([]);
    expect(ok(await owner.get(entryPath(shared, theirs.id))).author.name).toBe('Deleted person');
    expect(ok(await owner.get(`/api/v1/diaries/${shared}/shares`)).items).toEqual([]);
  });

  it('an organisation takes its diaries along', async () => {
    const ending = await world.makeOrg('Ending');
    const agent = await diaryAgent(ending, 'Agent');
    const diary = await makeDiary(agent, { visibility: 'network' });
    await write(agent, diary);
    ok(await owner.get(`/api/v1/diaries/${diary}`));
    ok(await ending.owner.send('DELETE', '/api/v1/orgs/current?confirm=Ending'));
    expect((await owner.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
  });
});

/** Every act leaves a line, and a line says nothing that is for readers alone. */
describe('the audit trail', () => {
  it('has each act on a diary and none of its text', async () => {
    const diary = await makeDiary(owner, { name: 'Secretly named' });
    const { id } = await write(owner, diary, { title: 'Secretly titled', content: 'secretly said' });
    await give(owner, diary, other);
    ok(await owner.delete(entryPath(diary, id)));
    const { items } = ok(await org.owner.get('/api/v1/audit?limit=200'));
    const lines = (items as Json[]).filter((line) => JSON.stringify(line).includes(diary));
    expect(lines.map((line) => line.action)).toEqual(
      expect.arrayContaining([
        'diaries.create',
        'diaries.create_entry',
        'diaries.share',
        'diaries.accept_invitation',
        'diaries.delete_entry',
      ]),
    );
    expect(JSON.stringify(lines)).not.toMatch(/secretly/i);
  });
});

it('a key of nobody reads nothing', async () => {
  const nobody = createRestClient(world.url, `atk_${'x'.repeat(43)}`);
  expect((await nobody.get(`/api/v1/diaries/${await makeDiary(owner, { visibility: 'network' })}`)).status).toBe(401);
});

describe('55: errors', () => {
  it('55: each code that there is stands where the type of its problem leads to', async () => {
    const { type } = (await owner.get(`/api/v1/diaries/${crypto.randomUUID()}`)).body;
    expect(new URL(type).hash).toBe('#error-not_found');
    const page = await fetch(`${world.url}${new URL(type).pathname}`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
    // The page draws a row for each problem that the contract has.
    expect(await (await fetch(`${world.url}/api/docs/docs.js`)).text()).toContain("contract['x-problems']");
    const contract = (await (await fetch(`${world.url}/api/openapi.json`)).json()) as Json;
    const shown = new Set(contract['x-problems'].map((problem: Json) => problem.code));
    expect(Object.keys(errorCodes).filter((code) => !shown.has(code))).toEqual([]);
  });

  it('55: one that nobody expected is a plain 500 with its request id, by each door, and the only one', async () => {
    await world.database.query(`
      create function fail_once() returns trigger language plpgsql as $$
      begin
        if new.name like 'Fails %' then raise exception 'secret internals'; end if;
        return new;
      end $$;
      create trigger fail_once before insert on diary_diaries for each row execute function fail_once()`);
    const client = await connectByHand(world.url, owner.token);
    try {
      const failed = await owner.post('/api/v1/diaries', { name: 'Fails by REST' });
      expect([failed.status, failed.body]).toEqual([
        500,
        {
          type: expect.stringMatching(/#error-internal$/),
          ...{ title: errorCodes.internal.title, status: 500, code: 'internal', instance: '/api/v1/diaries' },
          detail: expect.stringContaining('request id'),
          request_id: failed.headers.get('x-request-id'),
        },
      ]);
      const tool = (await client.call('diary_container_create', { name: 'Fails by tool' })) as Json;
      expect([tool.isError, JSON.stringify(tool).includes('internal')]).toEqual([true, true]);
      expect(JSON.stringify([failed.body, tool])).not.toContain('secret internals');
      const lines = (): string[] =>
        world.server
          .output()
          .split('\n')
          .filter((line) => line.includes('secret internals'));
      await until(() => lines().length >= 2, 'both are in the log');
      expect(lines()[0]).toContain(failed.body.request_id);
      expect(lines()).toHaveLength(2);
      // The connection is good for the next one, and nothing of the failed one is there.
      expect((await owner.post('/api/v1/diaries', { name: 'Works' })).status).toBe(201);
      const { items } = ok(await owner.get('/api/v1/diaries?limit=200'));
      expect(items.filter((one: Json) => one.name.startsWith('Fails'))).toEqual([]);
    } finally {
      await client.close();
      await world.database.query('drop trigger fail_once on diary_diaries; drop function fail_once()');
    }
  });
});
