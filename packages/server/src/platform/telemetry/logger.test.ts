import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

function collect(isTTY = false) {
  const lines: string[] = [];
  const output = { isTTY, write: (text: string) => lines.push(text) };
  return { lines, output, all: () => lines.join('') };
}

it('writes one JSON line a record and leaves out what is below its level', () => {
  const { lines, output } = collect();
  const logger = createLogger('info', output);
  logger.debug('quiet');
  logger.info({ route: 'files' }, 'hello');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 30, route: 'files', msg: 'hello' });
  expect(lines[0]).toMatch(/\n$/);
});

it('masks credentials at any depth, in child bindings, in errors and in URLs', () => {
  const { output, all } = collect();
  const logger = createLogger('info', output);
  const secrets = {
    authorization: 's3cret',
    a: { 'X-Api-Key': 's3cret', list: [{ clientSecret: 's3cret', access_token: 's3cret' }] },
  };
  logger.info({ headers: { cookie: 's3cret', 'set-cookie': ['s3cret'] }, ...secrets }, 'call');
  logger.child({ refresh_token: 's3cret' }).info('child');
  logger.error(
    { err: Object.assign(new Error('failed at postgresql://u:s3cret@db/x'), { password: 's3cret' }) },
    'error',
  );
  logger.info({ req: { method: 'GET', url: '/cb?code=s3cret&x=1', headers: { cookie: 's3cret' } } }, 'request');
  expect(all()).not.toContain('s3cret');
  expect(all()).toContain('x=1');
});

it('leaves counts and ordinary fields alone', () => {
  const { lines, output } = collect();
  createLogger('info', output).info({ input_tokens: 12, token_count: 3, password: null }, 'used');
  expect(JSON.parse(lines[0]!)).toMatchObject({ input_tokens: 12, token_count: 3, password: null });
});

it('is readable on a terminal, with the stack of an error below its line', () => {
  const { output, all } = collect(true);
  createLogger('info', output).error({ err: new Error('broken'), path: '/x', password: 's3cret' }, 'it failed');
  const plain = stripVTControlCharacters(all());
  expect(plain).toMatch(/\d\d:\d\d:\d\d error it failed path=\/x password=\[redacted\]/);
  expect(plain).toContain('Error: broken\n    at ');
});
