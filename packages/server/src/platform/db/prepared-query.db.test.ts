import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/support/test-database.ts';

let t: TestDatabase;
let descriptions = 0;

beforeAll(async () => {
  // One connection, so that every statement meets what the one before left behind.
  t = await createTestDatabase({ max: 1 });
  t.pool.on('connect', (client) => {
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
    connection.on('rowDescription', () => (descriptions += 1));
  });
  await t.pool.query('create table things (id int primary key, name text, at timestamptz, size bigint, tags text[])');
});
afterAll(() => t.drop());

const described = async (act: () => Promise<unknown>): Promise<number> => {
  const before = descriptions;
  await act();
  return descriptions - before;
};

const often = async <T>(act: () => Promise<T>): Promise<T[]> => {
  const answers: T[] = [];
  for (let n = 0; n < 5; n += 1) answers.push(await act());
  return answers;
};

test('A statement that comes often gives the same rows as at first, and is described once', async () => {
  await t.pool.query(`insert into things values (1, 'one', '2026-03-01T12:00:00Z', 9007199254740991, '{a,b}')`);
  const read = () => t.pool.query('select *, null as nothing from things where id = $1', [1]);
  const first = (await read()).rows;
  expect(first).toEqual([
    { id: 1, name: 'one', at: new Date('2026-03-01T12:00:00Z'), size: 2 ** 53 - 1, tags: ['a', 'b'], nothing: null },
  ]);
  for (const { rows, rowCount, command } of await often(read)) {
    expect(rows).toEqual(first);
    expect(Object.keys(rows[0])).toEqual(Object.keys(first[0]!));
    expect([rowCount, command]).toEqual([1, 'SELECT']);
  }
  expect(await described(() => often(read))).toBe(0);
  expect((await t.pool.query('select *, null as nothing from things where id = $1', [2])).rows).toEqual([]);
});

test('Statements without rows tell how many they changed', async () => {
  const write = (id: number) => t.pool.query('insert into things (id) values ($1)', [id]);
  for (let id = 10; id < 16; id += 1)
    expect(await write(id)).toMatchObject({ rowCount: 1, command: 'INSERT', rows: [] });
  const change = await often(() => t.pool.query('update things set name = $1 where id >= 10 returning id', ['n']));
  expect(change.at(-1)).toMatchObject({ rowCount: 6, command: 'UPDATE' });
  expect(change.at(-1)!.rows).toHaveLength(6);
});

test('After each way to fail the connection and the statement go on', async () => {
  const text = 'select id, size from things where id = $1';
  const read = (id: unknown) => t.pool.query(text, [id]);
  await often(() => read(1));
  await expect(read('no number')).rejects.toMatchObject({ code: '22P02' });
  expect((await read(1)).rows).toEqual([{ id: 1, size: 2 ** 53 - 1 }]);
  const unsendable = { toJSON: () => expect.unreachable() };
  await expect(read(unsendable)).rejects.toThrow();
  expect((await read(1)).rows).toHaveLength(1);
  await t.pool.query('update things set size = 9223372036854775807 where id = 1');
  await expect(read(1)).rejects.toThrow(RangeError);
  await t.pool.query('update things set size = 5 where id = 1');
  expect((await read(1)).rows).toEqual([{ id: 1, size: 5 }]);
});

test('A statement whose first named run fails is described when it succeeds', async () => {
  const read = (id: string) => t.pool.query('select name from things where id = $1::text::int', [id]);
  await read('1');
  await read('1');
  await expect(read('x')).rejects.toMatchObject({ code: '22P02' });
  expect((await read('1')).rows).toEqual([{ name: 'one' }]);
  expect((await read('1')).rows).toEqual([{ name: 'one' }]);
});

test('Columns that changed under a prepared statement are an error, never rows read wrongly', async () => {
  const read = () => t.pool.query('select * from things where id = $1', [1]);
  await often(read);
  await t.pool.query('alter table things drop column name');
  await expect(read()).rejects.toThrow('cached plan must not change result type');
});

test('A failure inside a transaction leaves it to be rolled back', async () => {
  const client = await t.pool.connect();
  try {
    await client.query('begin');
    await often(() => client.query('select id from things where id = $1', [1]));
    await expect(client.query('select id from things where id = $1', ['x'])).rejects.toMatchObject({ code: '22P02' });
    await expect(client.query('select id from things where id = $1', [1])).rejects.toMatchObject({ code: '25P02' });
    await client.query('rollback');
    expect((await client.query('select id from things where id = $1', [1])).rows).toEqual([{ id: 1 }]);
  } finally {
    client.release();
  }
});

test.each([
  '2026-03-01T12:00:00Z',
  '2026-03-01T12:00:00.123456+02:00',
  '1999-12-31T23:59:59.999999Z',
  '0001-01-01T00:00:00Z',
  '0044-03-15T00:00:00Z BC',
  '12026-03-01T12:00:00Z',
  'infinity',
])('The time %s is read as the milliseconds that PostgreSQL counts, in any zone of the session', async (at) => {
  const client = await t.pool.connect();
  try {
    for (const zone of ['UTC', 'Asia/Kathmandu', 'America/New_York']) {
      await client.query(`set timezone = '${zone}'`);
      const { rows } = await client.query(
        'select $1::timestamptz as at, trunc(extract(epoch from $1::timestamptz) * 1000)::text as ms',
        [at],
      );
      expect(Number(rows[0].at)).toBe(Number(rows[0].ms));
    }
  } finally {
    await client.query('reset timezone');
    client.release();
  }
});
