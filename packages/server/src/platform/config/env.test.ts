import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { childEnvironment, readConfigFile } from './env.ts';

const directory = mkdtempSync(join(tmpdir(), 'atrium-env-'));
afterAll(() => rmSync(directory, { recursive: true }));

const fileWith = (text: string): Record<string, string> => {
  const path = join(directory, 'atrium.yaml');
  writeFileSync(path, text);
  return { ATRIUM_CONFIG: path };
};

it('reads YAML and, with it, JSON', async () => {
  expect(await readConfigFile(fileWith('server:\n  port: 8080\n'))).toMatchObject({
    content: { server: { port: 8080 } },
  });
  expect(await readConfigFile(fileWith('{"server": {"port": 8080}}'))).toMatchObject({
    content: { server: { port: 8080 } },
  });
});

it('reports a file that is named but absent, and one that does not parse', async () => {
  const absent = await readConfigFile({ ATRIUM_CONFIG: join(directory, 'absent.yaml') });
  expect(absent).toMatchObject({
    problems: [{ key: 'ATRIUM_CONFIG', problem: expect.stringContaining('does not exist') }],
  });
  expect(await readConfigFile(fileWith('a: [1\nb: }'))).toMatchObject({
    problems: [{ problem: expect.stringContaining('not valid YAML') }],
  });
});

it('keeps settings and secrets out of child processes', () => {
  process.env['ATRIUM_SETUP_TOKEN'] = 'correct-horse-battery';
  expect(JSON.stringify(childEnvironment())).not.toContain('horse');
  expect(childEnvironment()['PATH']).toBe(process.env['PATH']);
  delete process.env['ATRIUM_SETUP_TOKEN'];
});
