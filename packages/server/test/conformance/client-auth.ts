/**
 * Runs the `auth/…` client scenarios of @modelcontextprotocol/conformance with the SDK as the OAuth client:
 *
 *     node packages/server/test/conformance/client-auth.ts [--write]
 *
 * Each scenario runs in every revision it is made for. `--write` puts the table into docs/mcp-conformance.md.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checksIn, filesNamed, scenariosOf, suite, type Verdict, verdictOf } from './suite.ts';

export interface ClientRun extends Verdict {
  scenario: string;
  /** Null for extensions. */
  revision: string | null;
  /** How the client says that it ended: `done`, or the code of an error. */
  ending: string;
}

const command = `${process.execPath} ${join(import.meta.dirname, 'sdk-client.ts')}`;

/** What the program runs in one process, which is half the work of a process each. */
const batches: [name: string, revision: string | null][] = [
  ['backcompat', '2025-03-26'],
  ['auth', '2025-06-18'],
  ['auth', '2025-11-25'],
  ['auth', '2026-07-28'],
  ['draft', '2026-07-28'],
  ['extensions', null],
];

const judge = async (directory: string, scenario: string, revision: string | null): Promise<ClientRun> => {
  const verdict = verdictOf(await checksIn(directory).catch(() => []));
  const said = (await filesNamed(directory, 'stdout.txt').catch(() => [])).join('');
  const ending = /^ended: (\S+)$/m.exec(said)?.[1] ?? 'no word';
  // Checks of what was sent pass for a client that gave up half way, too.
  const wanted = endings[scenario] ?? 'done';
  const wrong = ending === wanted ? {} : { verdict: 'FAIL' as const, why: `the client ended with ${ending}` };
  return { scenario, revision, ending, ...verdict, ...wrong };
};

/** The directories that one call of the program left, by scenario: `auth/dpop-2026-01-02T03-04-05-678Z`. */
const directoriesIn = async (output: string): Promise<Map<string, string>> => {
  const names = await readdir(join(output, 'auth')).catch(() => []);
  return new Map(names.map((name) => [`auth/${name.replace(/-[\dT-]+Z$/, '')}`, join(output, 'auth', name)]));
};

/** What a client must not put up with, and the error it is to end with. */
export const endings: Record<string, string> = {
  'auth/scope-retry-limit': 'InsufficientScopeError',
  'auth/resource-mismatch': 'resource_mismatch',
  'auth/iss-supported-missing': 'invalid_answer',
  'auth/iss-wrong-issuer': 'invalid_answer',
  'auth/iss-unexpected': 'invalid_answer',
  'auth/iss-normalized': 'invalid_answer',
  'auth/metadata-issuer-mismatch': 'issuer_mismatch',
};

/** Every run of every scenario, in the order of the suite. */
export const runClientAuth = async (): Promise<ClientRun[]> => {
  const work = await mkdtemp(join(tmpdir(), 'mcp-conformance-'));
  const found = new Map<string, ClientRun>();
  for (const [name, revision] of batches) {
    const output = join(work, `${name}-${revision}`);
    const version = revision === null ? [] : ['--spec-version', revision];
    await suite(['client', '--command', command, '--suite', name, ...version, '--timeout', '120000', '-o', output]);
    for (const [scenario, directory] of await directoriesIn(output))
      found.set(`${scenario} ${revision}`, await judge(directory, scenario, revision));
  }
  await rm(work, { recursive: true, force: true });
  const missing: Verdict = { verdict: 'FAIL', why: 'it did not run', passed: 0 };
  return scenariosOf(await suite(['list', '--client']))
    .filter(([scenario]) => scenario.startsWith('auth/'))
    .flatMap(([scenario, specs]) => (specs.length === 0 ? [null] : specs).map((revision) => ({ scenario, revision })))
    .map(
      ({ scenario, revision }) =>
        found.get(`${scenario} ${revision}`) ?? { scenario, revision, ending: 'no word', ...missing },
    );
};

const begin = '<!-- Written by `node packages/server/test/conformance/client-auth.ts --write`. -->';
const end = '<!-- End of the written part. -->';
const documentPath = resolve(import.meta.dirname, '../../../../docs/mcp-conformance.md');

/** The part of docs/mcp-conformance.md that these runs are the source of. */
export const clientAuthTable = (runs: readonly ClientRun[]): string => {
  const scenarios = [...new Set(runs.map((run) => run.scenario))];
  const passed = scenarios.filter((name) => runs.every((run) => run.scenario !== name || run.verdict === 'pass'));
  const rows = scenarios.map((name) => {
    const own = runs.filter((run) => run.scenario === name);
    const bad = own
      .filter((run) => run.verdict !== 'pass')
      .map((run) => `${run.verdict} (${run.revision}): ${run.why}`);
    const revisions = own.map((run) => run.revision ?? 'extension').join(', ');
    const stops = endings[name] === undefined ? '' : `, the client stops with \`${endings[name]}\``;
    return `| ${name} | ${revisions} | ${bad.length > 0 ? bad.join('; ') : `pass${stops}`} |`;
  });
  return [
    begin,
    '',
    `${passed.length} of ${scenarios.length} scenarios pass, in every revision they are made for (${runs.length} runs).`,
    '',
    '| Scenario | Revisions | Result |',
    '|---|---|---|',
    ...rows,
    '',
    end,
  ].join('\n');
};

export const writtenPart = async (): Promise<string> => {
  const text = await readFile(documentPath, 'utf8');
  return text.slice(text.indexOf(begin), text.indexOf(end) + end.length);
};

const main = async (): Promise<void> => {
  const runs = await runClientAuth();
  for (const { verdict, revision, scenario, why, ending } of runs)
    process.stdout.write(
      `${verdict.padEnd(18)}${(revision ?? 'extension').padEnd(12)}${scenario}  (${why}; ${ending})\n`,
    );
  if (process.argv.includes('--write')) {
    const text = await readFile(documentPath, 'utf8');
    await writeFile(
      documentPath,
      text.replace(await writtenPart(), () => clientAuthTable(runs)),
    );
  }
  process.exitCode = runs.every((run) => run.verdict === 'pass') ? 0 : 1;
};

if (import.meta.main) await main();
