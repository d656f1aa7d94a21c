/**
 * Runs the tests of `oidc-provider` itself against the engine of this server: with its adapter on PostgreSQL (A), with its
 * settings too (B), and behind the listener of a started server (C):
 *
 *     node packages/server/test/conformance/engine/run.ts [--run A|B|C] [--write] [PART OF A FILE'S NAME…]
 *
 * Exits 1 when a case fails that `expected.ts` or `expected-mounted.json` does not name, or when one that they name passes.
 * `--write` puts the figures of all three into docs/oauth-conformance.md. The tests are not ours to hand on: ATRIUM_ENGINE_SUITE_DIR names a folder with the
 * public repository panva/node-oidc-provider, its development dependencies installed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { applyMigrations } from '../../support/apply-migrations.ts';
import { startTestServer } from '../../support/test-server.ts';
import { expected } from './expected.ts';
import { isLeftOut, leftOut } from './left-out.ts';
import type { CaseResult, SuiteMode, SuiteOrder, SuiteReport } from './results.ts';

const docs = resolve(import.meta.dirname, '../../../../../docs/oauth-conformance.md');
const [start, end] = ['<!-- engine/run.ts --write -->', '<!-- end of engine/run.ts --write -->'];

const runSuite = async (suite: string, mode: SuiteMode, files: string[]): Promise<SuiteReport> => {
  const work = await mkdtemp(join(tmpdir(), 'atrium-engine-suite-'));
  const server = await startTestServer();
  try {
    const client = new pg.Client({ connectionString: server.urlOf('postgres') });
    await client.connect();
    await client.query('create database suite');
    await client.end();
    await applyMigrations(server.urlOf('suite'));
    const order: SuiteOrder = {
      ...{ suite, mode, files, database_url: server.urlOf('suite') },
      ...{ data_dir: join(work, 'data'), report: join(work, 'report.json') },
    };
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

interface Named {
  why: string;
  /** A race that may also be won. */
  at_times?: true;
  keys: string[];
}

const runs = [
  { name: 'A', mode: 'adapter', what: 'the adapter of this server on PostgreSQL, with the settings of each case' },
  { name: 'B', mode: 'mounted', what: 'A with the settings, routes and middleware of this server' },
  { name: 'C', mode: 'host', what: 'B over HTTP, behind the listener of a started server' },
] as const;

type Run = (typeof runs)[number];

const namedIn = async ({ mode }: Run): Promise<Named[]> => {
  if (mode === 'adapter') return expected.map(({ cases, ...one }) => ({ ...one, keys: cases.map(keyOf) }));
  const text = await readFile(join(import.meta.dirname, 'expected-mounted.json'), 'utf8');
  const all = JSON.parse(text) as Record<string, { why: string; at_times?: true; cases: Record<string, string[]> }[]>;
  return all[mode]!.map(({ cases, ...one }) => ({
    ...one,
    keys: Object.entries(cases).flatMap(([file, names]) => names.map((name) => keyOf({ file, name }))),
  }));
};

interface Outcome {
  run: Run;
  report: SuiteReport;
  named: Named[];
}

const failedIn = ({ report }: Outcome): CaseResult[] => report.results.filter(({ state }) => state === 'failed');

/** Says what is not as it is named; whether that is nothing. */
const judge = (outcome: Outcome, files: readonly string[]): boolean => {
  const { run, named } = outcome;
  const failed = failedIn(outcome);
  const known = new Set(named.flatMap(({ keys }) => keys));
  const met = new Set(failed.map(keyOf));
  const unexpected = failed.filter((one) => !known.has(keyOf(one)));
  const passing = named
    .flatMap(({ at_times, keys }) => (at_times === true ? [] : keys))
    .filter((key) => !met.has(key) && files.some((file) => key.startsWith(`${file}: `)));
  for (const one of unexpected) console.log(`${run.name} FAILED ${keyOf(one)}\n       ${one.error ?? ''}`);
  for (const key of passing) console.log(`${run.name} NO LONGER FAILS ${key}`);
  return unexpected.length === 0 && passing.length === 0;
};

const figuresOf = (outcome: Outcome): string => {
  const { run, report } = outcome;
  const count = (state: CaseResult['state']): number => report.results.filter((one) => one.state === state).length;
  const hooks = failedIn(outcome).filter(({ name }) => name.includes('" hook')).length;
  const failed = count('failed');
  const behind = report.planned.length - count('passed') - count('pending') - failed + hooks;
  const failures = hooks === 0 ? `${failed}` : `${failed} (${hooks} of them hooks)`;
  return `| ${run.name} | ${run.what} | ${report.planned.length} | ${count('passed')} | ${failures} | ${behind} | ${count('pending')} |`;
};

const reasonsOf = (outcome: Outcome): string[] => {
  const failed = failedIn(outcome).map(keyOf);
  const rows = outcome.named.map(({ why, keys }) => {
    const known = new Set(keys);
    return `| ${failed.filter((key) => known.has(key)).length} | ${why} |`;
  });
  return ['', `Run ${outcome.run.name}:`, '', '| Failed | Reason |', '|---|---|', ...rows];
};

const leftOutRows = (planned: readonly CaseResult[]): string[] =>
  leftOut.map(({ why, files }) => {
    const cases = planned.filter(({ file }) => files.some((part) => file.startsWith(`test/${part}`)));
    return `| ${cases.length} | ${files.map((file) => `\`${file}\``).join(', ')} | ${why} |`;
  });

const sectionOf = (version: string, outcomes: readonly Outcome[]): string =>
  [
    ...['## Run again', ''],
    `\`node packages/server/test/conformance/engine/run.ts --write\` runs the cases of ${version} with the engine of this server, three times. The files beside it name each case that fails (\`expected.ts\`, \`expected-mounted.json\`), the files that B and C leave out (\`left-out.ts\`), and the lines of the suite that are adapted (\`adaptations.ts\`). It ends with an error when another case fails, or when one that is named passes.`,
    ...['', '| Run | Against | Cases | Passed | Failed, named | Not run, behind a failed hook | Pending |'],
    ...['|---|---|---|---|---|---|---|', ...outcomes.map(figuresOf)],
    ...['', 'Left out of B and C:', '', '| Cases | Files | Reason |', '|---|---|---|'],
    ...leftOutRows(outcomes[0]!.report.planned),
    ...outcomes.flatMap(reasonsOf),
  ].join('\n');

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
  const { values, positionals: wanted } = parseArgs({
    options: { run: { type: 'string' }, write: { type: 'boolean' } },
    allowPositionals: true,
  });
  const all = await readdir(join(suite, 'test'), { recursive: true });
  const files = all
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => `test/${file}`)
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
  const outcomes: Outcome[] = [];
  let good = true;
  for (const run of runs.filter(({ name }) => values.run === undefined || values.run === name)) {
    const those = run.mode === 'adapter' ? files : files.filter((file) => !isLeftOut(file));
    const outcome: Outcome = { run, report: await runSuite(suite, run.mode, those), named: await namedIn(run) };
    outcomes.push(outcome);
    good = judge(outcome, those) && good;
    console.log(figuresOf(outcome));
  }
  const whole = outcomes.length === runs.length && wanted.length === 0;
  const { version } = createRequire(import.meta.url)(join(suite, 'package.json')) as { version: string };
  if (good && whole && values.write === true) await writeDocs(sectionOf(version, outcomes));
  process.exitCode = good ? 0 : 1;
};

await main();
