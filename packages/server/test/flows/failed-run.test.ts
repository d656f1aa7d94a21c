import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../../..');
const scratch = mkdtempSync(join(tmpdir(), 'atrium-failed-run-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A repository with one test, which the scripts take for this one. Its static checks find nothing. */
beforeAll(() => {
  const bin = join(scratch, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(scratch, 'scripts'));
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(scratch, 'node_modules', name));
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(join(root, 'node_modules/vitest/vitest.mjs'), join(bin, 'vitest'));
  for (const name of ['biome', 'tsc', 'depcruise', 'knip']) symlinkSync('/usr/bin/true', join(bin, name));
  for (const name of ['check.ts', 'test.ts', 'run-steps.ts'])
    copyFileSync(join(root, 'scripts', name), join(scratch, 'scripts', name));
  writeFileSync(join(scratch, 'scripts/generate.ts'), '');
  writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
  const setup = JSON.stringify(resolve(import.meta.dirname, '../support/test-server-setup.ts'));
  writeFileSync(
    join(scratch, 'vitest.config.ts'),
    `export default { test: { tags: [{ name: 'long' }], globalSetup: [${setup}], projects: [{ extends: true, test: { name: 'unit', include: ['*.test.ts'] } }] } };`,
  );
});

const runWith = async (expected: number, script: string): Promise<{ code: number | null; output: string }> => {
  writeFileSync(
    join(scratch, 'one.test.ts'),
    `import { expect, it } from 'vitest';\nit('adds', () => expect(1 + 1).toBe(${expected}));\n`,
  );
  const child = spawn(process.execPath, [join(scratch, 'scripts', script)], {
    cwd: scratch,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const hear = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  return { code: await new Promise((done) => child.once('close', done)), output };
};

it.each(['test.ts', 'check.ts'])(
  'a failing test fails scripts/%s, and only that does',
  async (script) => {
    const failed = await runWith(3, script);
    expect(failed.output).toContain('expected 2 to be 3');
    expect(failed.code).toBe(1);
    const passed = await runWith(2, script);
    expect([passed.code, passed.output]).toEqual([0, expect.not.stringContaining('FAIL')]);
  },
  120_000,
);
