import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { compileCache } from './compile-cache.ts';

const main = resolve(import.meta.dirname, '../../src/main.ts');

/** Starts the server, or another program of its package, and waits for its end: for starts that are refused. */
export const runServer = async (options: {
  env: Record<string, string>;
  cwd: string;
  program?: string;
  args?: readonly string[];
}): Promise<{ code: number | null; output: string }> => {
  const program = options.program === undefined ? main : resolve(import.meta.dirname, '../..', options.program);
  const child = spawn(process.execPath, [program, ...(options.args ?? [])], {
    cwd: options.cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ATRIUM_PORT: '0',
      ...compileCache,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const hear = (chunk: Buffer) => {
    output += chunk;
    // A start that was to be refused and was not would otherwise run on.
    if (output.includes('Atrium is ready')) child.kill('SIGTERM');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const endWithUs = () => child.kill('SIGKILL');
  const tooLong = setTimeout(endWithUs, 60_000);
  process.once('exit', endWithUs);
  const code = await new Promise<number | null>((done) => child.once('close', done));
  clearTimeout(tooLong);
  process.off('exit', endWithUs);
  return { code, output };
};
