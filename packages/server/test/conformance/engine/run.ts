/**
 * Runs the tests of `oidc-provider` itself against the engine of this server with its adapter on PostgreSQL:
 *
 *     node packages/server/test/conformance/engine/run.ts [--write] [PART OF A FILE'S NAME…]
 *
 * Exits 1 when a case fails that `expected.ts` does not name, or when one that it names passes. `--write` puts the figures
 * into docs/oauth-conformance.md. The tests are not ours to hand on: ATRIUM_ENGINE_SUITE_DIR names a folder with the
 * public repository panva/node-oidc-provider, its development dependencies installed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { applyMigrations } from '../../support/apply-migrations.ts';
import { startTestServer } from '../../support/test-server.ts';
import { expected } from './expected.ts';
import type { CaseResult, SuiteOrder, SuiteReport } from './results.ts';

const docs = resolve(import.meta.dirname, '../../../../../docs/oauth-conformance.md');
const [start, end] = ['<!-- engine/run.ts --write -->', '<!-- end of engine/run.ts --write -->'];

const runSuite = async (suite: string, files: string[]): Promise<SuiteReport> => {
  const work = await mkdtemp(join(tmpdir(), 'atrium-engine-suite-'));
  const server = await startTestServer();
  try {
    const client = new pg.Client({ connectionString: server.urlOf('postgres') });
    await client.connect();
    await client.query('create database suite');
    await client.end();
    await applyMigrations(server.urlOf('suite'));
    const order: SuiteOrder = { suite, files, database_url: server.urlOf('suite'), report: join(work, 'report.json') };
    const here = import.meta.dirname;
    const child = spawn(process.execPath, ['--import', join(here, 'preload.ts'), join(here, 'suite-main.ts')], {
      // Some of its tests read files from where they are started.
      ...{ cwd: suite, stdio: 'inherit' },
      env: { ...process.env, NODE_ENV: 'test', ATRIUM_ENGINE_SUITE_ORDER: JSON.stringify(order) },
    });
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`The suite ended with ${code}.`);
    return JSON.parse(await readFile(order.report, 'utf8')) as SuiteReport;
  } finally {
    await server.stop();
    await rm(work, { recursive: true, force: true });
  }
};

const keyOf = ({ file, name }: Pick<CaseResult, 'file' | 'name'>): string => `${file}: ${name}`;

const sectionOf = (version: string, { planned, results }: SuiteReport): string => {
  const count = (state: CaseResult['state']): number => results.filter((one) => one.state === state).length;
  const failed = results.filter((one) => one.state === 'failed');
  const hooks = failed.filter(({ name }) => name.includes('" hook')).length;
  const behind = planned.length - count('passed') - count('pending') - failed.length + hooks;
  const rows = expected.map(({ why, cases }) => {
    const named = new Set(cases.map(keyOf));
    return `| ${failed.filter((one) => named.has(keyOf(one))).length} | ${why} |`;
  });
  return [
    ...['## Run again', ''],
    `\`node packages/server/test/conformance/engine/run.ts --write\` runs the cases of ${version} with the engine of this server and its adapter on PostgreSQL (run A above, simplified: the routes of this server are not in it). \`expected.ts\` beside it names each case that fails; \`adaptations.ts\` the lines of the suite that are adapted.`,
    ...['', '| Cases | Passed | Failed | Not run, behind a failed hook | Pending |', '|---|---|---|---|---|'],
    `| ${planned.length} | ${count('passed')} | ${failed.length} (${hooks} of them hooks) | ${behind} | ${count('pending')} |`,
    ...['', '| Failed | Reason |', '|---|---|', ...rows],
  ].join('\n');
};

const writeDocs = async (section: string): Promise<void> => {
  const text = await readFile(docs, 'utf8');
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  const kept = from < 0 || to < from ? text.trimEnd() : (text.slice(0, from) + text.slice(to + end.length)).trimEnd();
  await writeFile(docs, `${kept}\n\n${start}\n${section}\n${end}\n`);
};

const main = async (): Promise<void> => {
  const folder = process.env['ATRIUM_ENGINE_SUITE_DIR'];
  if (!folder) {
    console.error(
      'ATRIUM_ENGINE_SUITE_DIR is not set. It names a folder with the repository panva/node-oidc-provider.',
    );
    process.exitCode = 2;
    return;
  }
  const suite = resolve(folder);
  process.env['ATRIUM_ENGINE_SUITE_DIR'] = suite;
  const wanted = process.argv.slice(2).filter((one) => one !== '--write');
  const all = await readdir(join(suite, 'test'), { recursive: true });
  const files = all
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => `test/${file}`)
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
  const report = await runSuite(suite, files);
  const named = new Set(
    expected
      .flatMap(({ cases }) => cases)
      .filter(({ file }) => files.includes(file))
      .map(keyOf),
  );
  const failed = report.results.filter(({ state }) => state === 'failed');
  const unexpected = failed.filter((one) => !named.has(keyOf(one)));
  const met = new Set(failed.map(keyOf));
  const races = new Set(expected.flatMap(({ at_times, cases }) => (at_times === true ? cases.map(keyOf) : [])));
  const passing = [...named].filter((key) => !met.has(key) && !races.has(key));
  for (const one of unexpected) console.log(`FAILED ${keyOf(one)}\n       ${one.error ?? ''}`);
  for (const key of passing) console.log(`NO LONGER FAILS ${key}`);
  const { version } = createRequire(import.meta.url)(join(suite, 'package.json')) as { version: string };
  console.log(sectionOf(version, report));
  const good = unexpected.length === 0 && passing.length === 0;
  if (good && wanted.length === 0 && process.argv.includes('--write')) await writeDocs(sectionOf(version, report));
  process.exitCode = good ? 0 : 1;
};

await main();
