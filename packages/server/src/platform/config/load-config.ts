import { fileProblems } from '../tls/certificate-files.ts';
import { checkDocument } from './check-document.ts';
import { type ConfigProblem, type ConfigResult, readConfig } from './config.ts';
import { readConfigFile, readEnvironment } from './env.ts';

const member = (content: unknown, name: string): unknown =>
  typeof content === 'object' && content !== null ? ((content as Record<string, unknown>)[name] ?? []) : [];

/** Apps and routes are checked with the keys, so that all problems of a file are told at once. */
const documentProblems = async (content: unknown): Promise<ConfigProblem[]> => {
  const checked = await checkDocument({ apps: member(content, 'apps'), routes: member(content, 'routes') });
  return ('problems' in checked ? checked.problems : []).map(({ path, message }) => ({
    key: `${path} (atrium.yaml)`,
    problem: `is wrong: ${message}`,
    example: 'routes: [{ slug: notes, targets: [{ url: "http://127.0.0.1:8080" }] }]',
  }));
};

/** Configuration of this process, from its environment and atrium.yaml. */
export const loadConfig = async (): Promise<ConfigResult> => {
  const environment = readEnvironment();
  const file = await readConfigFile(environment);
  if ('problems' in file) return { ok: false, problems: file.problems };
  const { path, content } = file;
  const result = readConfig({ environment, file: content, path, sections: ['apps', 'routes'] });
  const certificates = result.ok ? fileProblems(result.values.config.tls, new Date()) : [];
  const problems = [...(result.ok ? [] : result.problems), ...certificates, ...(await documentProblems(content))];
  return problems.length === 0 ? result : { ok: false, problems };
};
