import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { diaryAgent, makeDiary, write } from '../../support/diary-scene.ts';
import { openSocket } from '../../support/live-socket.ts';
import { connectByHand } from '../../support/mcp-drivers.ts';
import { type Agent, ok, openWorld, type World } from '../../support/people.ts';
import { createRestClient, type Json, type RestClient, someAddress } from '../../support/rest-client.ts';
import { serverDatabaseUrl } from '../../support/server-database.ts';
import { type RunningServer, removeDataDir, startServer } from '../../support/start-server.ts';
import { until } from '../../support/until.ts';

/** Two processes on one database: what is decided at one holds at the other for the very next call. */
let one: World;
let two: RunningServer;
let [owner, reader]: Agent[] = [];
let away: RestClient;

beforeAll(async () => {
  const env = {
    ATRIUM_MASTER_KEY: randomBytes(32).toString('base64'),
    ATRIUM_PUBLIC_URL: 'http://localhost:1',
    ATRIUM_RATE_LIMIT_REST: '1000000',
    ATRIUM_RATE_LIMIT_TOOLS: '1000000',
    ATRIUM_RATE_LIMIT_ADDRESS: '1000000',
    ATRIUM_TRUSTED_PROXIES: '127.0.0.1',
  };
  one = await openWorld({ env });
  two = await startServer({ env: { ...env, DATABASE_URL: serverDatabaseUrl(one.server.dataDir) } });
  const org = await one.makeOrg('Two doors');
  [owner, reader] = [await diaryAgent(org, 'Owner'), await diaryAgent(org, 'Reader')];
  away = createRestClient(two.url, reader.token);
});
afterAll(async () => {
  await two?.stop();
  if (two !== undefined) removeDataDir(two.dataDir);
  await one?.close();
});

it('20: a thousand times granted at one server, read at the other, taken back, and read no more', {
  timeout: 180_000,
  tags: ['long'],
}, async () => {
  const [lanes, rounds] = [8, 125];
  const client = await connectByHand(two.url, reader!.token);
  const socket = await openSocket(two.url, reader!.token);
  const [due, forbidden]: [string[], string[]] = [[], []];
  const open = await makeDiary(owner!, { visibility: 'network' });
  /** Something that the reader hears after all that was written before. */
  const heardMarker = async (): Promise<void> => {
    const marker = (await write(owner!, open)).id;
    await socket.event((event) => event.id === marker, 'an entry that everybody reads');
  };
  const lane = async (n: number): Promise<number> => {
    const diary = await makeDiary(owner!, { name: `Lane ${n}` });
    const word = `w${randomBytes(8).toString('hex')}`;
    const { id } = await write(owner!, diary, { content: word });
    const path = `/api/v1/diaries/${diary}/entries/${id}`;
    const seen = async (tools: boolean): Promise<[number, boolean]> => {
      const rest = await away.get(path);
      if (!tools) return [rest.status, rest.status === 200];
      const tool = await client.call('diary_get', { diary_ref: diary, entry_id: id });
      const { items } = ok(await away.post('/api/v1/diaries/search', { query: word, abstain: false }));
      expect([n, items.some((item: Json) => item.id === id)]).toEqual([n, tool.isError !== true]);
      return [rest.status, tool.isError !== true];
    };
    let done = 0;
    for (let round = 0; round < rounds; round += 1) {
      const more = round % 25 === 0;
      const share = ok(await owner!.post(`/api/v1/diaries/${diary}/shares`, { agent_id: reader!.id })).id;
      ok(await reader!.post(`/api/v1/diaries/invitations/${share}/accept`));
      expect([n, round, ...(await seen(more))]).toEqual([n, round, 200, true]);
      if (more) {
        const told = (await write(owner!, diary)).id;
        due.push(told);
        await socket.event((event) => event.id === told, 'an entry of a shared diary');
      }
      ok(await owner!.delete(`/api/v1/diaries/${diary}/shares/${share}`));
      expect([n, round, ...(await seen(more))]).toEqual([n, round, 404, false]);
      if (more) {
        forbidden.push((await write(owner!, diary)).id);
        // What the reader may hear is judged when an event comes by: not before then may it be granted again.
        await heardMarker();
      }
      done += 1;
    }
    return done;
  };
  const counts = await Promise.all(Array.from({ length: lanes }, (_, n) => lane(n)));
  expect(counts.reduce((sum, n) => sum + n, 0)).toBe(1000);
  await heardMarker();
  const heard = new Set(socket.events.map((event) => event.id));
  expect(due.filter((id) => !heard.has(id))).toEqual([]);
  expect(forbidden.filter((id) => heard.has(id))).toEqual([]);
  expect(due).toHaveLength(lanes * 5);
  socket.close();
  await client.close();
});

it('49: a stream at one server has what is written at the other, and goes on where one at the other ended', async () => {
  const diary = await makeDiary(owner!, { visibility: 'public' });
  const follow = async (url: string, since?: string) => {
    const ended = new AbortController();
    const response = await fetch(`${url}/api/v1/public/feed/stream`, {
      headers: { 'x-forwarded-for': someAddress(), ...(since === undefined ? {} : { 'last-event-id': since }) },
      signal: ended.signal,
    });
    const state = { text: '', close: () => ended.abort() };
    void (async () => {
      for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) state.text += piece;
    })().catch(() => {});
    await until(() => state.text.includes('retry: 5000'), 'the stream is open');
    return state;
  };
  const [here, there] = [await follow(one.url), await follow(two.url)];
  const first: Json = await write(owner!, diary, { content: 'first' });
  await until(() => [here, there].every(({ text }) => text.includes(first.id)), 'both have the first');
  here.close();
  const second: Json = await write(owner!, diary, { content: 'second' });
  await until(() => there.text.includes(second.id), 'the other has the second');
  const moved = await follow(two.url, `${first.created_at}/${first.id}`);
  await until(() => moved.text.includes(second.id), 'the second after moving');
  expect(moved.text.split(first.id).length).toBe(1);
  // A process that was not there when the first was written.
  const stranger = await follow(one.url, `${first.created_at}/${first.id}`);
  await until(() => stranger.text.includes(second.id), 'the second');
  for (const stream of [there, moved, stranger]) stream.close();
});
