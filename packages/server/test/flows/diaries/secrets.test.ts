import { rotationProof, signEntry } from '@atrium/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeKey, newRegistrationKey, proveEnrolment } from '../../support/agent-key.ts';
import { give, makeDiary, write } from '../../support/diary-scene.ts';
import { type EmbeddingServer, embed, startEmbeddingServer } from '../../support/embedding-server.ts';
import { type KeyWorld, openKeyWorld } from '../../support/key-world.ts';
import { connectByHand } from '../../support/mcp-drivers.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../support/otlp-receiver.ts';
import { ok } from '../../support/people.ts';
import { createRestClient } from '../../support/rest-client.ts';
import { until } from '../../support/until.ts';

let model: EmbeddingServer;
let collector: OtlpReceiver;
let world: KeyWorld;
beforeAll(async () => {
  [model, collector] = [await startEmbeddingServer(), await startOtlpReceiver()];
  world = await openKeyWorld({
    env: {
      ATRIUM_EMBEDDINGS_URL: model.url,
      ATRIUM_EMBEDDINGS_MODEL: 'second',
      ATRIUM_EMBEDDINGS_KEY: 'key-of-the-model-5521',
      ATRIUM_LOG: 'trace',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    },
  });
}, 600_000);
afterAll(async () => {
  await world.close();
  await collector.close();
  await model.close();
});

const secrets = new Map<string, string>();
const use = (name: string, value: string): string => {
  expect([name, value.length > 15]).toEqual([name, true]);
  secrets.set(name, value);
  return value;
};

/** Every row of every table, as one text a table. */
const tables = async (): Promise<[string, string][]> => {
  const { rows } = await world.database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'dbos') order by 1`,
  );
  const texts: [string, string][] = [];
  for (const { name } of rows)
    texts.push([
      name,
      (await world.row(`select coalesce(string_agg(t::text, E'\\n'), '') as text from ${name} t`)).text,
    ]);
  return texts;
};

/** What a key holder does in its life. */
const live = async (): Promise<{ diary: string; entry: string }> => {
  const voucher_code = use('voucher', await world.voucher());
  use('voucher that is open', await world.voucher());
  const [key, once] = [await makeKey(), newRegistrationKey()];
  use('private key', key.private_key);
  const registered = ok(await world.register(key, { voucher_code, idempotencyKey: once }));
  use('client secret', registered.client_secret);
  const me = createRestClient(
    () => world.url,
    use('access token', ok(await world.tokenAnswer(registered)).access_token),
  );
  use('voucher of an agent', await world.voucher(me));
  const made = await world.org.agent('Made', { scopes: ['agent:profile', 'diary:read', 'diary:write'] });
  use('API key', made.token);
  const enrolment_token = use(
    'enrolment token',
    ok(await world.org.owner.post(`/api/v1/agents/${made.id}/enrol`)).enrolment_token,
  );
  const [second, proofKey] = [await makeKey(), newRegistrationKey()];
  use('private key of an enrolled agent', second.private_key);
  const enrolled = ok(
    await world.anonymous.post(
      '/api/v1/agents/enrolments',
      { enrolment_token, public_key: second.public_key, proof: await proveEnrolment(second, proofKey) },
      { headers: { 'idempotency-key': proofKey } },
    ),
  );
  use('client secret of an enrolled agent', enrolled.client_secret);

  const asked = ok(await me.post('/api/v1/crypto/signing-requests', { message: 'unheard-of message' }));
  const signature = await key.signMessage('unheard-of message', asked.nonce);
  ok(await me.post(`/api/v1/crypto/signing-requests/${asked.id}/sign`, { signature }));

  const diary = await makeDiary(me, { name: 'unheard-of diary' });
  const { id: entry } = await write(me, diary, { title: 'unheard-of title', content: 'automobile unheard-of content' });
  await give(me, diary, made, 'writer');
  await write(made, diary, { content: 'unheard-of words of another' });
  const signed = ok(await me.post('/api/v1/diaries', { name: 'unheard-of chain', signed: true }));
  const said = { content: 'unheard-of and signed', title: null, tags: [], entry_type: 'semantic' };
  const by = await signEntry(key.private_key, said, signed.chain_id);
  ok(await me.post(`/api/v1/diaries/${signed.id}/entries`, { content: said.content, signature: by }));
  ok(await me.post(`/api/v1/diaries/${signed.id}/export`, {}));
  const state = async () => ok(await me.get(`/api/v1/diaries/${diary}/entries/${entry}`)).embedding_state;
  await until(async () => (await state()) === 'ready', 'the entry has a vector', 60_000);
  const found = ok(await me.post('/api/v1/diaries/search', { query: 'unheard-of vehicle' }));
  expect(found).toMatchObject({ search_type: 'hybrid', meaning: 'used' });
  const tools = await connectByHand(world.url, made.token);
  await tools.call('diary_search', { query: 'unheard-of vehicle' });
  await tools.close();

  const fresh = await makeKey();
  use('private key after a rotation', fresh.private_key);
  const text = rotationProof(registered.identity_id, key.public_key, fresh.public_key);
  ok(
    await me.post('/api/v1/agents/rotate-key', {
      public_key: fresh.public_key,
      old_signature: await key.sign(text),
      new_signature: await fresh.sign(text),
    }),
  );
  const rotated = ok(await me.post('/api/v1/agents/rotate-secret', {}));
  use('client secret after a rotation', rotated.client_secret);
  const verified = ok(await world.anonymous.post('/api/v1/recovery/verify', await world.challenged(fresh)));
  const recovery_code = use('recovery code', verified.recovery_code);
  const { public_key } = fresh;
  const recovered = ok(await world.anonymous.post('/api/v1/recovery/reset-secret', { recovery_code, public_key }));
  use('client secret after a recovery', recovered.client_secret);
  // What is refused is told of as well.
  await world.register(await makeKey(), { voucher_code: use('voucher of nobody', 'f0'.repeat(32)) });
  const wrong = use('recovery code of nobody', 'a-recovery-code-of-nobody-7713');
  await world.anonymous.post('/api/v1/recovery/reset-secret', { recovery_code: wrong, public_key });
  await world.tokenAnswer({
    client_id: registered.client_id,
    client_secret: use('wrong secret', 'acs_wrong-secret-8812'),
  });
  return { diary, entry };
};

it('59: logs, traces, jobs, events and audit trail hold no private key, secret, code or vector, and no text of a diary', async () => {
  const { entry } = await live();
  use('key of the model', 'key-of-the-model-5521');
  const vector = await world.row(
    `select encode(v.embedding, 'hex') as hex, encode(v.embedding, 'base64') as base64, c.code::text as code
     from diary_vectors v join diary_vector_codes c using (entry_id, model) where entry_id = $1`,
    [entry],
  );
  // The beginning of each form that it could be written in, of the entry and of what was searched for.
  const forms: [string, string][] = [
    ['vector, hex', vector.hex.slice(0, 48)],
    ['vector, base64', vector.base64.slice(0, 40)],
    ['vector, code', vector.code.slice(0, 100)],
    ...['automobile unheard-of content', 'query: unheard-of vehicle'].map((said): [string, string] => [
      `vector of "${said}", numbers`,
      embed('second', said).slice(0, 3).join(','),
    ]),
  ];
  await until(
    () => ['diaries.search', 'recovery'].every((word) => collector.received().includes(word)),
    'the traces are told',
    30_000,
  );
  await until(() => world.server.output().includes('/oauth/token'), 'the last request is logged');
  const places: [string, string][] = [
    ...(await tables()),
    ['the log', world.server.output()],
    ['the traces', collector.received()],
    ['the export of the audit trail', String((await world.org.owner.get('/api/v1/audit/export?format=ndjson')).body)],
  ];
  const byName = new Map(places);
  // What is no secret is found this way, so the search can find.
  expect(byName.get('public.diary_entries')).toContain('automobile unheard-of content');
  expect(byName.get('public.diary_vectors')).toContain(vector.hex.slice(0, 48));
  expect(byName.get('dbos.workflow_status')).toContain(entry);
  expect(byName.get('the log')).toContain('/api/v1/recovery/reset-secret');

  const readable = [...secrets].flatMap(([name, value]) =>
    places.filter(([, text]) => text.includes(value)).map(([place]) => `${name} in ${place}`),
  );
  expect(readable).toEqual([]);
  const own = ['public.diary_vectors', 'public.diary_vector_codes'];
  const vectors = forms.flatMap(([name, value]) =>
    places
      .filter(([place, text]) => !own.includes(place) && text.includes(value))
      .map(([place]) => `${name} in ${place}`),
  );
  expect(vectors).toEqual([]);
  const told = places.filter(
    ([place, text]) => /^(dbos|the )|core_audit/.test(place) && text.includes('unheard-of') === true,
  );
  expect(told.map(([place]) => place)).toEqual([]);
}, 600_000);
