import { type ConfigResult, readConfig } from './config.ts';
import { readConfigFile, readEnvironment } from './env.ts';

/** Configuration of this process, from its environment and atrium.yaml. */
export const loadConfig = async (): Promise<ConfigResult> => {
  const environment = readEnvironment();
  const file = await readConfigFile(environment);
  return 'problems' in file ? { ok: false, problems: file.problems } : readConfig({ environment, file: file.content });
};
