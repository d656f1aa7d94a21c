/** `npm test`: the static checks, then every test. Arguments go on to vitest and skip the static checks. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { root } from './run-steps.ts';

const run = (command: string, args: string[]): void => {
  const { status } = spawnSync(resolve(root, 'node_modules/.bin', command), args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

const filter = process.argv.slice(2);
if (filter.length === 0) run('node', [resolve(root, 'scripts/check.ts'), '--static']);
run('vitest', ['run', ...filter]);
