import { randomBytes } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect as connectNats } from '@nats-io/transport-node';
import { connect as connectRabbit } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { startKafka, type TestKafka } from '../support/kafka-server.ts';
import { type Org, ok, openWorld, type World } from '../support/people.ts';
import { makeReplicas, type Replicas, services } from '../support/replicas.ts';
import { createRestClient, type RestClient } from '../support/rest-client.ts';
import { startServer } from '../support/start-server.ts';
import { until } from '../support/until.ts';

const ingest = '/api/v1/events/ingest';

interface Envelope {
  id: string;
  kind: string;
  seq: number;
  org_id: string;
  body: { data: { n: number } };
}

let counter = 0;
const report = async (by: RestClient, n: number, key = `key-${counter++}`) =>
  by.post(ingest, { kind: 'build.failed', body: { n } }, { headers: { 'idempotency-key': key } });
/** Numbers of the reports among what a broker got, in its order, repeats included. */
const numbers = (envelopes: readonly Envelope[], org: Org): number[] =>
  envelopes
    .filter((one) => one.kind === 'external.build.failed' && one.org_id === org.id)
    .map((one) => one.body.data.n);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n);

describe('a Kafka that comes and goes', () => {
  let world: World;
  let org: Org;
  let kafka: TestKafka | null = null;
  let port: number;
  const envelopes = () => (kafka?.records ?? []).map(({ value }) => JSON.parse(value) as Envelope);
  const lag = async () => {
    const text = await (await fetch(`${world.url}/metrics`)).text();
    return Number(/^atrium_events_sink_lag\{sink="kafka:[^"]*"\} (\d+)$/m.exec(text)?.[1] ?? -1);
  };

  beforeAll(async () => {
    port = await freePort();
    world = await openWorld({
      env: { ATRIUM_EVENTS_SINKS: `kafka://127.0.0.1:${port}/audit`, ATRIUM_EVENTS_EXCLUDE: 'oauth.*' },
    });
    org = await world.makeOrg('Acme');
  });
  afterAll(async () => {
    await world?.close();
    await kafka?.stop();
  });

  it('84: absent, it lags and says so; back, it gets every event once and in order, each organisation on one partition', async () => {
    for (const n of upTo(20)) ok(await report(org.owner, n));
    expect(
      await until(async () => ((await lag()) >= 20 ? await lag() : null), 'the lag', 40_000),
    ).toBeGreaterThanOrEqual(20);
    expect((await fetch(`${world.url}/ready`)).status).toBe(200);
    kafka = await startKafka(port);
    await until(() => numbers(envelopes(), org).length >= 20, 'what waited', 40_000);
    expect(numbers(envelopes(), org)).toEqual(upTo(20));
    const own = kafka.records.filter(({ key }) => key === org.id);
    expect(new Set(own.map(({ topic, partition }) => `${topic} ${partition}`)).size).toBe(1);
    expect(own[0]).toMatchObject({ topic: 'audit', headers: { id: expect.stringMatching(`^${org.id}:`) } });
    await until(async () => (await lag()) === 0, 'no lag', 40_000);
  });

  it('84: an answer that is lost is asked for again without a second copy', async () => {
    kafka!.swallowNextAnswer();
    for (const n of [20, 21, 22]) ok(await report(org.owner, n));
    await until(() => new Set(numbers(envelopes(), org)).size >= 23, 'the rest', 40_000);
    await until(async () => (await lag()) === 0, 'no lag', 40_000);
    // A producer that had to begin anew may send a batch again; the ids tell, and the order holds.
    const seen = new Set<string>();
    const once = envelopes().filter(({ id }) => !seen.has(id) && seen.add(id));
    expect(numbers(once, org)).toEqual(upTo(23));
  });

  it('loses nothing when the server is killed', async () => {
    const { dataDir } = world.server;
    for (const n of [23, 24]) ok(await report(org.owner, n));
    await world.server.kill();
    const next = await startServer({
      dataDir,
      env: { ATRIUM_EVENTS_SINKS: `kafka://127.0.0.1:${port}/audit`, ATRIUM_EVENTS_EXCLUDE: 'oauth.*' },
    });
    await until(() => new Set(numbers(envelopes(), org)).size >= 25, 'the last two', 40_000);
    const seen = new Set<string>();
    const once = envelopes().filter(({ id }) => !seen.has(id) && seen.add(id));
    expect(numbers(once, org)).toEqual(upTo(25));
    await next.stop();
  });
});

describe.runIf(services.wanted)('the brokers of this machine', () => {
  const name = `test${randomBytes(4).toString('hex')}`;
  let replicas: Replicas;
  let org: Org;
  let world: World;
  beforeAll(async () => {
    world = await openWorld({
      env: {
        ATRIUM_EVENTS_SINKS: [
          `${services.redis}?stream=${name}`,
          `${services.nats}?stream=${name}&subject=${name}`,
          `${services.rabbit}?exchange=${name}`,
        ].join(', '),
        ATRIUM_EVENTS_INCLUDE: 'external.*',
      },
    });
    org = await world.makeOrg('Acme');
  });
  afterAll(async () => {
    await world?.close();
    await replicas?.close();
  });

  it('Redis, JetStream and RabbitMQ each get every event once and in order', async () => {
    const rabbit = await connectRabbit(services.rabbit);
    const channel = await rabbit.createChannel();
    const told: Envelope[] = [];
    await channel.assertExchange(name, 'topic', { durable: true });
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, name, 'external.#');
    await channel.consume(queue, (message) => void told.push(JSON.parse(message!.content.toString()) as Envelope), {
      noAck: true,
    });
    for (const n of upTo(12)) ok(await report(org.owner, n));

    await until(() => told.length >= 12, 'RabbitMQ');
    expect(numbers(told, org)).toEqual(upTo(12));
    await channel.deleteExchange(name);
    await rabbit.close();

    const redis = new Redis(services.redis);
    const inRedis = async () =>
      (await redis.xrange(name, '-', '+')).map(([, fields]) => JSON.parse(fields[5]!) as Envelope);
    await until(async () => (await inRedis()).length >= 12, 'Redis');
    expect(numbers(await inRedis(), org)).toEqual(upTo(12));
    await redis.del(name, `${name}:positions`);
    redis.disconnect();

    const nats = await connectNats({ servers: new URL(services.nats).host });
    const manager = await jetstreamManager(nats);
    await until(async () => (await manager.streams.info(name).catch(() => null))?.state.messages === 12, 'JetStream');
    const consumer = await jetstream(nats).consumers.get(name, { deliver_policy: 'all' });
    const got: Envelope[] = [];
    for await (const message of await consumer.fetch({ max_messages: 12, expires: 5000 })) got.push(message.json());
    expect(numbers(got, org)).toEqual(upTo(12));
    await manager.streams.delete(name);
    await nats.close();
  });

  it('85: one event brought in twice under one key, on two replicas, is one event', async () => {
    replicas = await makeReplicas();
    const [one, two] = [await replicas.start(), await replicas.start()];
    const owner = createRestClient(one.url);
    const setup = ok(
      await owner.post('/api/v1/setup', {
        token: replicas.setupToken,
        ...{ email: 'ada@example.org', password: 'correct horse battery', name: 'Ada' },
      }),
    );
    const [first, second] = await Promise.all(
      [one, two].map(({ url }) => report(createRestClient(url, setup.access_token), 1, 'the-same-key')),
    );
    const third = await report(createRestClient(two.url, setup.access_token), 1, 'the-same-key');
    expect(third.status).toBe(201);
    // Of two at the same instant one may be told that the other is under way.
    for (const { status } of [first!, second!]) expect([201, 409]).toContain(status);
    const { rows } = await replicas.database.query("select 1 from core_events where kind = 'external.build.failed'");
    expect(rows).toHaveLength(1);
    const stranger = await report(createRestClient(two.url), 1);
    expect([stranger.status, stranger.body.code]).toEqual([401, 'unauthorized']);
  });
});

describe('bringing in events', () => {
  let world: World;
  let org: Org;
  beforeAll(async () => {
    world = await openWorld();
    org = await world.makeOrg('Acme');
  });
  afterAll(() => world?.close());

  it('needs a key against repeats, a kind in good form, a body of bearable size, and the right', async () => {
    const keyless = await org.owner.post(ingest, { kind: 'build.failed' });
    expect([keyless.status, keyless.body.code]).toEqual([400, 'bad_request']);
    const options = { headers: { 'idempotency-key': 'a-key' } };
    expect((await org.owner.post(ingest, { kind: 'Build failed!' }, options)).status).toBe(422);
    const large = { kind: 'build.failed', body: { text: 'x'.repeat(33_000) } };
    expect((await org.owner.post(ingest, large, options)).status).toBe(422);
    const member = await org.member('Viewer');
    expect((await member.post(ingest, { kind: 'build.failed' }, options)).status).toBe(403);
    expect(ok(await org.owner.get('/api/v1/events/health'))).toMatchObject({
      status: 'ok',
      cursor: expect.any(Number),
    });
  });

  it('shows them to those who tend to connections, and to nobody else', async () => {
    const member = await org.member('Member');
    ok(await report(org.owner, 7));
    const kinds = async (who: RestClient): Promise<string[]> =>
      ok(await who.get('/api/v1/events?since=0&limit=200')).items.map(({ kind }: { kind: string }) => kind);
    await until(async () => (await kinds(org.owner)).includes('external.build.failed'), 'the event');
    expect(await kinds(member)).not.toContain('external.build.failed');
  });
});
