import { signEntry } from '@atrium/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeKey, newRegistrationKey } from '../../support/agent-key.ts';
import { diaryAgent, give, invite, listOf, makeDiary, write } from '../../support/diary-scene.ts';
import { freePort } from '../../support/free-port.ts';
import { type KeyedAgent, type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { type Agent, ok } from '../../support/people.ts';
import { createRestClient, type Json, type RestAnswer } from '../../support/rest-client.ts';
import { serverDatabaseUrl } from '../../support/server-database.ts';
import { until } from '../../support/until.ts';
import { openWriteGate } from '../../support/write-gate.ts';

let world: KeyWorld;
let [owner, other]: Agent[] = [];
let author: KeyedAgent;
beforeAll(async () => {
  // A port that stays, because tokens name the address.
  const port = await freePort();
  world = await openKeyWorld({ port, env: { ATRIUM_PUBLIC_URL: `http://localhost:${port}` } });
  [owner, other] = [await diaryAgent(world.org, 'Owner'), await diaryAgent(world.org, 'Other')];
  author = await world.agent();
}, 600_000);
afterAll(() => world.close());

interface Scene {
  send: () => Promise<RestAnswer>;
  /** Looks whether everything is there that the call must have done, given what it answered. */
  done: (answer: Json) => Promise<void>;
}

const signing = '/api/v1/crypto/signing-requests';
const sharesOf = (diary: string): string => `/api/v1/diaries/${diary}/shares`;
const entriesOf = (diary: string): string => `/api/v1/diaries/${diary}/entries`;
const once = () => ({ headers: { 'idempotency-key': crypto.randomUUID() } });
const relationsOf = async (diary: string): Promise<string[]> =>
  (
    await world.database.query(
      'select relation from diary_tuples where object_id = $1 and subject_id = $2 order by relation',
      [diary, other!.id],
    )
  ).rows.map(({ relation }) => relation);
const shareOf = async (diary: string): Promise<string> =>
  (await world.row('select status from diary_shares where diary_id = $1', [diary])).status;

/** A diary with an offer to the other agent that nobody has answered, and with what was given to it. */
const offered = async () => {
  const diary = await makeDiary(owner!);
  return { diary, share: await invite(owner!, diary, other!) };
};
const given = async () => {
  const diary = await makeDiary(owner!);
  return { diary, share: await give(owner!, diary, other!) };
};
/** Words that no other diary holds, so that calls do not wait for each other in the index of words. */
const written = async () => {
  const diary = await makeDiary(owner!);
  return { diary, entry: (await write(owner!, diary, { content: crypto.randomUUID() })).id as string };
};
const signer = async () => world.agent((await world.makeOrg()).owner);

const acts: Record<string, () => Promise<Scene>> = {
  'register an agent': async () => {
    // Registrations of one organisation take turns, for its plan.
    const { owner: issuer } = await world.makeOrg();
    const [key, idempotencyKey, voucher_code] = [await makeKey(), newRegistrationKey(), await world.voucher(issuer)];
    return {
      send: () => world.register(key, { idempotencyKey, voucher_code }),
      done: async (made) => {
        const token = ok(await world.tokenAnswer(made)).access_token;
        const me = createRestClient(() => world.url, token);
        expect(ok(await me.get('/api/v1/whoami')).fingerprint).toBe(key.fingerprint);
        expect(ok(await me.get('/api/v1/diaries')).items).toMatchObject([{ name: 'Private', role: 'owner' }]);
        expect(ok(await issuer.get('/api/v1/vouchers')).items).toEqual([]);
      },
    };
  },
  'offer a diary': async () => {
    const diary = await makeDiary(owner!);
    return {
      send: () => owner!.post(sharesOf(diary), { agent_id: other!.id }),
      done: async ({ id }) => {
        const open = ok(await other!.get('/api/v1/diaries/invitations?limit=200')).items;
        expect(open.map((one: Json) => one.id)).toContain(id);
        expect([await shareOf(diary), await relationsOf(diary)]).toEqual(['pending', []]);
      },
    };
  },
  'accept an offer': async () => {
    const { diary, share } = await offered();
    return {
      send: () => other!.post(`/api/v1/diaries/invitations/${share}/accept`),
      done: async () => {
        expect(ok(await other!.get(`/api/v1/diaries/${diary}`)).role).toBe('reader');
        expect([await shareOf(diary), await relationsOf(diary)]).toEqual(['accepted', ['readers']]);
      },
    };
  },
  'decline an offer': async () => {
    const { diary, share } = await offered();
    return {
      send: () => other!.post(`/api/v1/diaries/invitations/${share}/decline`),
      done: async () => expect([await shareOf(diary), await relationsOf(diary)]).toEqual(['declined', []]),
    };
  },
  'change what was given': async () => {
    const { diary, share } = await given();
    return {
      send: () => owner!.patch(`${sharesOf(diary)}/${share}`, { role: 'writer' }),
      done: async () => {
        expect((await write(other!, diary, { content: crypto.randomUUID() })).author.id).toBe(other!.id);
        expect(await relationsOf(diary)).toEqual(['writers']);
      },
    };
  },
  'take back what was given': async () => {
    const { diary, share } = await given();
    return {
      send: () => owner!.delete(`${sharesOf(diary)}/${share}`),
      done: async () => {
        expect((await other!.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
        expect([await shareOf(diary), await relationsOf(diary)]).toEqual(['revoked', []]);
      },
    };
  },
  'prepare a signature': async () => {
    const agent = await signer();
    return {
      send: () => agent.post(signing, { message: 'prepared' }),
      done: async ({ id }) => {
        const { items } = ok(await agent.get(signing));
        expect(items.map((one: Json) => [one.id, one.status])).toEqual([[id, 'pending']]);
        const timer = 'select status from dbos.workflow_status where workflow_uuid = $1';
        expect((await world.row(timer, [`signing-${id}`])).status).toMatch(/^(DELAYED|ENQUEUED|PENDING)$/);
      },
    };
  },
  'hand a signature in': async () => {
    const agent = await signer();
    const asked = ok(await agent.post(signing, { message: 'signed' }));
    const signature = await agent.key.signMessage('signed', asked.nonce);
    return {
      send: () => agent.post(`${signing}/${asked.id}/sign`, { signature }),
      // There is no moment between taking a signature and knowing whether it is good.
      done: async () =>
        expect(ok(await agent.get(`${signing}/${asked.id}`))).toMatchObject({
          ...{ status: 'completed', valid: true, signature },
        }),
    };
  },
  'write an entry': async () => {
    const diary = await makeDiary(owner!);
    const [content, options] = [crypto.randomUUID(), once()];
    return {
      send: () => owner!.post(entriesOf(diary), { content }, options),
      done: async ({ id }) => {
        expect(await listOf(owner!, diary)).toEqual([id]);
        const found = ok(await owner!.post('/api/v1/diaries/search', { diary_ref: diary, query: content }));
        expect(found.items.map((one: Json) => one.id)).toEqual([id]);
      },
    };
  },
  'write a signed entry': async () => {
    const { id: diary, chain_id } = ok(await author.post('/api/v1/diaries', { name: 'Signed', signed: true }));
    const said = { content: crypto.randomUUID(), title: null, tags: [], entry_type: 'semantic' };
    const signature = await signEntry(author.key.private_key, said, chain_id);
    return {
      send: () => author.post(entriesOf(diary), { content: said.content, signature }),
      done: async ({ id }) => {
        expect(await listOf(author, diary)).toEqual([id]);
        const verified = ok(await author.post(`/api/v1/diaries/${diary}/verify`));
        expect(verified).toMatchObject({ valid: true, entries: 1, head: { seq: 1 } });
      },
    };
  },
  'change an entry': async () => {
    const { diary, entry } = await written();
    return {
      send: () => owner!.patch(`${entriesOf(diary)}/${entry}`, { content: crypto.randomUUID() }),
      done: async ({ content }) => {
        expect(ok(await owner!.get(`${entriesOf(diary)}/${entry}`))).toMatchObject({ content, version: 2 });
        const { items } = ok(await owner!.get(`${entriesOf(diary)}/${entry}/history`));
        expect(items.map((one: Json) => one.version)).toEqual([2, 1]);
      },
    };
  },
  'correct an entry': async () => {
    const { diary, entry } = await written();
    return {
      send: () => owner!.post(`${entriesOf(diary)}/${entry}/supersede`, { content: crypto.randomUUID() }),
      done: async ({ id }) => {
        expect(await listOf(owner!, diary)).toEqual([id]);
        expect(ok(await owner!.get(`${entriesOf(diary)}/${entry}`)).superseded_by).toBe(id);
      },
    };
  },
  'delete an entry': async () => {
    const { diary, entry } = await written();
    return {
      send: () => owner!.delete(`${entriesOf(diary)}/${entry}`),
      done: async () => {
        expect(await listOf(owner!, diary)).toEqual([]);
        expect((await world.row('select count(*)::int as n from diary_tuples where object_id = $1', [entry])).n).toBe(
          0,
        );
      },
    };
  },
  'delete a diary': async () => {
    const { diary } = await given();
    return {
      send: () => owner!.delete(`/api/v1/diaries/${diary}`),
      done: async () => {
        expect((await owner!.get(`/api/v1/diaries/${diary}`)).status).toBe(404);
        expect(await relationsOf(diary)).toEqual([]);
      },
    };
  },
};

/** What the calls write, as one text a table. */
const stored = async (): Promise<Record<string, string>> => {
  const { rows } = await world.database.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and (tablename like 'diary\\_%' and tablename <> 'diary_access'
       or tablename in ('core_audit', 'core_event_heads', 'core_events', 'core_idempotency_keys', 'identity_agent_keys',
         'identity_agents', 'identity_signing_requests', 'identity_vouchers'))
     union all select 'dbos.workflow_status' order by 1`,
  );
  const texts: Record<string, string> = {};
  for (const { name } of rows) {
    // Who was seen when is written beside the calls, not by them; so is how often entries are read.
    const columns =
      "to_jsonb(t) - '{first_seen_at,last_seen_at,last_tool,last_client,calls_total,calls_today,calls_day}'::text[]";
    const only = name.startsWith('dbos') ? "where name = 'expire-signing-request'" : '';
    const statement = `select coalesce(md5(string_agg(x, E'\\n' order by x)), '') as text from (select (${columns})::text as x from ${name} t ${only}) a`;
    texts[name] = (await world.row(statement)).text;
  }
  return texts;
};

/** One connection of the server waits for each call that is stopped, and it has twenty. */
const atOnce = 16;

it('6, 18: killed at any write of a registration, a share, a signing request or an entry, nothing of it is there, and the same call completes', {
  timeout: 900_000,
}, async () => {
  let gate = await openWriteGate(serverDatabaseUrl(world.server.dataDir));
  const places: [act: string, place: string][] = [];
  for (const [act, prepare] of Object.entries(acts)) {
    const { send, done } = await prepare();
    let answer: Json = null;
    const found = await gate.placesOf(async () => {
      answer = ok(await send());
    });
    await done(answer);
    expect([act, found.length > 1]).toEqual([act, true]);
    places.push(...found.map((place): [string, string] => [act, place]));
  }
  const all = places.map(([act, place]) => `${act}: ${place}`);
  expect(all).toEqual(
    expect.arrayContaining([
      'register an agent: identity_vouchers update',
      'register an agent: identity_agent_keys insert',
      'register an agent: diary_tuples insert',
      'accept an offer: diary_tuples insert',
      'take back what was given: diary_tuples delete',
      'prepare a signature: workflow_status insert',
      'hand a signature in: identity_signing_requests update',
      'write an entry: diary_entries insert',
      'write a signed entry: diary_chains update',
      'correct an entry: diary_entry_revisions insert',
      'delete a diary: diary_diaries delete',
    ]),
  );
  for (let at = 0; at < places.length; at += atOnce) {
    const round: { what: string; place: string; scene: Scene }[] = [];
    for (const [act, place] of places.slice(at, at + atOnce))
      round.push({ what: `${act} at ${place}`, place, scene: await acts[act]!() });
    const before = await stored();
    const ends: Promise<unknown>[] = [];
    for (const { place, scene } of round) ends.push((await gate.stopAt(place, scene.send)).end);
    await world.server.kill();
    await gate.release();
    for (const [n, end] of ends.entries())
      expect([round[n]!.what, await end.catch((error: Error) => error)]).toEqual([round[n]!.what, expect.any(Error)]);
    expect([round.map(({ what }) => what), await stored()]).toEqual([round.map(({ what }) => what), before]);
    await gate.close();
    await world.restart();
    gate = await openWriteGate(serverDatabaseUrl(world.server.dataDir));
    for (const { what, scene } of round) {
      const answer = await scene.send();
      expect([what, answer.status < 300, answer.body?.code ?? null]).toEqual([what, true, null]);
      await scene.done(answer.body);
    }
  }
  await gate.close();
});

it('6, 18: killed after the answers, everything is there, and a lost answer is there for whoever asks again', async () => {
  const answered: { scene: Scene; body: Json }[] = [];
  for (const prepare of Object.values(acts)) {
    const scene = await prepare();
    answered.push({ scene, body: ok(await scene.send()) });
  }
  await world.server.kill();
  await world.restart();
  for (const { scene, body } of answered) await scene.done(body);
  const names = Object.keys(acts);
  for (const act of ['register an agent', 'write an entry']) {
    const { scene, body } = answered[names.indexOf(act)]!;
    expect([act, ok(await scene.send())]).toEqual([act, body]);
    await scene.done(body);
  }
}, 600_000);

it('18: killed while a request waits, it is signed before its end and expires after it', async () => {
  const agent = await world.agent();
  const [signed, late] = [
    ok(await agent.post(signing, { message: 'signed' })),
    ok(await agent.post(signing, { message: 'late' })),
  ];
  await world.server.kill();
  // Its five minutes pass, in the row and in its durable timer.
  await world.database.query(
    "update identity_signing_requests set expires_at = expires_at - interval '301 s', created_at = created_at - interval '301 s' where id = $1",
    [late.id],
  );
  const { rows } = await world.database.query<{ column_name: string }>(
    "select column_name from information_schema.columns where table_schema = 'dbos' and table_name = 'workflow_status' and column_name like 'delay%'",
  );
  for (const { column_name } of rows)
    await world.database.query(
      `update dbos.workflow_status set "${column_name}" = "${column_name}" - 301000 where workflow_uuid = $1`,
      [`signing-${late.id}`],
    );
  await world.restart();
  const me = createRestClient(() => world.url, ok(await world.tokenAnswer(agent)).access_token);
  const sign = async (request: { id: string; nonce: string }, message: string) =>
    me.post(`${signing}/${request.id}/sign`, { signature: await agent.key.signMessage(message, request.nonce) });
  expect(ok(await sign(signed, 'signed'))).toMatchObject({ status: 'completed', valid: true });
  const refused = await sign(late, 'late');
  expect([refused.status, refused.body.code]).toEqual([409, 'signing_request_expired']);
  await until(
    async () =>
      (
        await world.row(
          "select count(*)::int as n from core_events where kind = 'identity.signing.expired' and subject_id = $1",
          [late.id],
        )
      ).n === 1,
    'it expires once',
    40_000,
  );
}, 600_000);
