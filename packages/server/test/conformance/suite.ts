/** Runs the program of @modelcontextprotocol/conformance and reads what it found. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const revisions = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

export interface Check {
  id: string;
  status: string;
  errorMessage?: string;
}

/** One call of the program; resolves to what it wrote to standard output. */
export const suite = async (args: readonly string[]): Promise<string> => {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // The suite starts a client a scenario; most of what that costs is reading the same modules.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'atrium-test-compile-cache') },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  return text;
};

/** Scenario → the revisions it is made for; extensions have none. */
export const scenariosOf = (listing: string): [name: string, specs: string[]][] =>
  [...listing.matchAll(/^ {2}- (\S+) \[([^\]]+)\]/gm)].map(([, name, spec]) => [
    name!,
    spec!.split(',').filter((one) => revisions.includes(one)),
  ]);

/** The text of every file of that name below a directory. */
export const filesNamed = async (directory: string, name: string): Promise<string[]> => {
  const files = (await readdir(directory, { recursive: true })).filter((file) => file.endsWith(name));
  return Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
};

export const checksIn = async (directory: string): Promise<Check[]> =>
  (await filesNamed(directory, 'checks.json')).flatMap((text) => JSON.parse(text) as Check[]);

export interface Verdict {
  verdict: 'pass' | 'pass with warning' | 'FAIL';
  why: string;
  passed: number;
}

export const verdictOf = (checks: readonly Check[]): Verdict => {
  const bad = checks.filter((check) => check.status === 'FAILURE' || check.status === 'WARNING');
  const why = bad.map((check) => `${check.id}: ${check.errorMessage ?? check.status}`).join('; ');
  const passed = checks.filter((check) => check.status === 'SUCCESS').length;
  if (checks.length === 0) return { verdict: 'FAIL', why: 'no checks ran', passed };
  if (bad.some((check) => check.status === 'FAILURE')) return { verdict: 'FAIL', why, passed };
  if (passed === 0) return { verdict: 'FAIL', why: 'nothing was checked', passed };
  if (bad.length > 0) return { verdict: 'pass with warning', why, passed };
  const skipped = checks.filter((check) => check.status === 'SKIPPED').map((check) => check.id);
  const more = skipped.length > 0 ? `, skipped ${skipped.join(', ')}` : '';
  return { verdict: 'pass', why: `${passed} checks${more}`, passed };
};
