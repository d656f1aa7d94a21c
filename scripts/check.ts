/** `npm run check`: format and lint, types, import rules, dead code, freshness of generated files, and rule and slice tests unless `--static`. */
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { root, runSteps, type Step } from './run-steps.ts';

const sources = globSync('packages/*/{src,test}/**/*.{ts,tsx}', { cwd: root }).length;

/** A checker that sees no files looks green; so the number cruised must not be below the number of sources. */
const everySourceCruised = (output: string): string | null => {
  const cruised = Number(/(\d+) modules/.exec(output)?.[1] ?? 0);
  return cruised >= sources ? null : `only ${cruised} modules were looked at, the tree has ${sources} source files`;
};

const steps: Step[] = [
  { name: 'format and lint', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'types', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'types of the web app', command: 'tsc', args: ['-p', 'packages/web/tsconfig.json'] },
  {
    name: 'import rules',
    command: 'depcruise',
    args: ['--config', '.dependency-cruiser.mjs', 'packages'],
    inspect: everySourceCruised,
  },
  { name: 'dead code', command: 'knip', args: [] },
  { name: 'generated files', command: 'node', args: [resolve(root, 'scripts/generate.ts'), '--check'] },
];

// First, because it takes as long as all others together.
if (!process.argv.includes('--static'))
  steps.unshift({
    name: 'rule and slice tests',
    command: 'vitest',
    args: ['run', '--project', 'unit', '--reporter', 'minimal'],
  });
process.exit((await runSteps(steps)) ? 0 : 1);
