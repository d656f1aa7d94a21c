import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moduleOrder } from '../src/app/module-order.ts';

const root = resolve(import.meta.dirname, '../../..');
const server = 'packages/server/src';
let scratch: string;
let broken: Set<string>;

/** One file a rule, each breaking just it (a cycle and an upward import may trip a second rule as well). */
const plants: { rule: string; file: string; imports: string }[] = [
  {
    rule: 'public-face',
    file: `${server}/modules/inbox/inbox-service.ts`,
    imports: `${server}/modules/identity/identity-store.ts`,
  },
  { rule: 'app-mounts-faces', file: `${server}/app/app.ts`, imports: `${server}/modules/inbox/inbox-store.ts` },
  { rule: 'platform-blind', file: `${server}/platform/http/host.ts`, imports: `${server}/modules/identity/index.ts` },
  {
    rule: 'transport-to-service',
    file: `${server}/modules/inbox/routes/items-routes.ts`,
    imports: `${server}/modules/inbox/inbox-store.ts`,
  },
  {
    rule: 'transport-to-service',
    file: `${server}/modules/inbox/inbox-jobs.ts`,
    imports: `${server}/platform/db/database.ts`,
  },
  {
    rule: 'service-no-transport',
    file: `${server}/modules/inbox/services/items-service.ts`,
    imports: `${server}/modules/inbox/inbox-mcp.ts`,
  },
  {
    rule: 'store-leaf',
    file: `${server}/modules/inbox/items-store.ts`,
    imports: `${server}/modules/inbox/inbox-policy.ts`,
  },
  { rule: 'clients-contract-only', file: 'packages/web/src/app.ts', imports: `${server}/modules/identity/index.ts` },
  { rule: 'protocol-leaf', file: 'packages/protocol/src/leaf.ts', imports: 'packages/sdk/src/client.ts' },
  { rule: 'no-test-import', file: 'packages/sdk/src/client.ts', imports: 'packages/sdk/src/client.test.ts' },
  ...moduleOrder.slice(0, -1).map((module, index) => ({
    rule: `order-${module}`,
    file: `${server}/modules/${module}/index.ts`,
    imports: `${server}/modules/${moduleOrder[index + 1]}/index.ts`,
  })),
];

const write = (file: string, text: string): void => {
  const path = join(scratch, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { flag: 'a' });
};

const cruise = (cwd: string): Promise<string> =>
  new Promise((done, fail) => {
    const depcruise = resolve(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
    execFile(
      process.execPath,
      [depcruise, '--config', '.dependency-cruiser.mjs', '--output-type', 'json', 'packages'],
      { cwd, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => (stdout === '' ? fail(new Error(stderr, { cause: error })) : done(stdout)),
    );
  });

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'atrium-rules-'));
  cpSync(join(root, '.dependency-cruiser.mjs'), join(scratch, '.dependency-cruiser.mjs'));
  cpSync(join(root, 'tsconfig.json'), join(scratch, 'tsconfig.json'));
  write('package.json', '{"type":"module"}');
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
  write(`${server}/app/module-order.ts`, readFileSync(join(root, server, 'app/module-order.ts'), 'utf8'));
  for (const module of moduleOrder) write(`${server}/modules/${module}/index.ts`, '');
  for (const { file, imports } of plants) {
    write(imports, '');
    const path = relative(dirname(file), imports);
    write(file, `import '${path.startsWith('.') ? path : `./${path}`}';\n`);
  }
  write('packages/cli/src/a.ts', `import './b.ts';\nimport './missing.ts';\n`);
  write('packages/cli/src/b.ts', `import './a.ts';\n`);
  const report = JSON.parse(await cruise(scratch)) as {
    summary: { violations: { rule: { name: string }; from: string }[] };
  };
  broken = new Set(report.summary.violations.map((violation) => `${violation.rule.name} ${violation.from}`));
}, 60_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the import rules', () => {
  it.each(plants)('catch a planted breach of $rule in $file', ({ rule, file }) => {
    expect([...broken]).toContain(`${rule} ${file}`);
  });

  it('catch a cycle and an import that resolves to nothing', () => {
    expect([...broken].some((line) => line.startsWith('no-cycle packages/cli/src/'))).toBe(true);
    expect([...broken]).toContain('no-unresolved packages/cli/src/a.ts');
  });

  it('are not dodged by inline import types, which the parser does not see', () => {
    const sources = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root });
    const dodging = sources.filter(
      (file) =>
        !file.endsWith('.gen.ts') &&
        /\bimport\(['"][^'"]+['"]\)\s*\.\s*[A-Z]/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(dodging).toEqual([]);
  });
});
