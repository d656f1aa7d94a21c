/** `npm run check`: format and lint, types, import rules, dead code, freshness of generated files, and rule and slice tests unless `--static`; `npm test` has the long ones too. */
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { root, runSteps, type Step } from './run-steps.ts';

const sources = globSync('packages/*/{src,test}/**/*.{ts,tsx}', { cwd: root }).length;

/** A checker that sees no files looks green; so the number cruised must not be below the number of sources. */
const everySourceCruised = (output: string): string | null => {
  const cruised = Number(/(\d+) modules/.exec(output)?.[1] ?? 0);
  return cruised >= sources ? null : `only ${cruised} modules were looked at, the tree has ${sources} source files`;
};

/** One thread: the other cores have work of their own, and several threads check much of it twice. What did not change since the last check is not looked at again. */
const typesOf = (project: string, name: string): string[] => [
  ...['-p', project, '--singleThreaded', '--incremental'],
  ...['--tsBuildInfoFile', resolve(root, `node_modules/.cache/check/${name}.tsbuildinfo`)],
];

const steps: Step[] = [
  { name: 'format and lint', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'types', command: 'tsc', args: typesOf('tsconfig.json', 'types') },
  // With its tests, which see what Node offers; that the app itself asks for none of it is a rule of the linter.
  { name: 'types of the web app', command: 'tsc', args: typesOf('packages/web/test/tsconfig.json', 'web') },
  {
    name: 'import rules',
    command: 'depcruise',
    args: ['--config', '.dependency-cruiser.mjs', 'packages'],
    inspect: everySourceCruised,
  },
  {
    name: 'dead code',
    command: 'knip',
    args: ['--cache', '--cache-location', resolve(root, 'node_modules/.cache/check/knip')],
  },
  { name: 'generated files', command: 'node', args: [resolve(root, 'scripts/generate.ts'), '--check'] },
];

// First, because it takes as long as all others together.
if (!process.argv.includes('--static'))
  steps.unshift({
    name: 'rule and slice tests',
    command: 'vitest',
    args: ['run', '--project', 'unit', '--tagsFilter', '!long', '--maxWorkers', '4', '--reporter', 'minimal'],
  });
process.exit((await runSteps(steps)) ? 0 : 1);
