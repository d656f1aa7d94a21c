import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConfigProblem } from './config.ts';
import { configKeys } from './config-keys.ts';
import { readYaml } from './read-yaml.ts';

/** The variables of this process. Nothing else in the server reads process.env. */
export const readEnvironment = (): Record<string, string | undefined> => ({ ...process.env });

/** The few variables a child process may see; settings and secrets of the server stay out of it. */
export function childEnvironment(): Record<string, string> {
  const passed = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'SYSTEMROOT', 'windir'];
  return Object.fromEntries(
    passed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

export type ConfigFile = { path: string; content: unknown } | { problems: ConfigProblem[] };

/** Reads and parses the file of ATRIUM_CONFIG, or ./atrium.yaml when it is there (`content` is null when not). */
export async function readConfigFile(environment: Readonly<Record<string, string | undefined>>): Promise<ConfigFile> {
  const named = environment[configKeys.configFile.env]?.trim() || null;
  const path = resolve(named ?? configKeys.configFile.default);
  const wrong = (problem: string): ConfigFile => ({
    problems: [
      { key: named === null ? path : configKeys.configFile.env, problem, example: 'server:\n      port: 8080' },
    ],
  });

  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && named === null) return { path, content: null };
    return wrong(code === 'ENOENT' ? `names a file that does not exist: ${path}` : `cannot be read (${code}): ${path}`);
  }
  const read = await readYaml(text);
  return 'problems' in read ? wrong(`is not valid YAML: ${read.problems.join('; ')}`) : { path, content: read.content };
}
