import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const stamp = resolve(root, 'packages/web/dist/.sources');

const hashOfSources = (): string => {
  const hash = createHash('sha256');
  const files = globSync(
    [
      'packages/web/{src,public}/**/*',
      'packages/web/{index.html,vite.config.ts,package.json}',
      'packages/protocol/src/**/*.ts',
    ],
    { cwd: root, withFileTypes: true },
  )
    .filter((entry) => entry.isFile())
    .map((entry) => resolve(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest('hex');
};

/** Builds the web app in a child process when its sources changed since the last build. Resolves to the folder that holds it. */
export const buildWebIfStale = async (): Promise<string> => {
  const dist = resolve(root, 'packages/web/dist');
  const sources = hashOfSources();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return dist;
  const child = spawn(
    process.execPath,
    [resolve(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'],
    {
      cwd: resolve(root, 'packages/web'),
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const endWithUs = () => child.kill();
  process.once('exit', endWithUs);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  process.off('exit', endWithUs);
  if (code !== 0) throw new Error('the web app could not be built; its messages stand above');
  writeFileSync(stamp, sources);
  return dist;
};
