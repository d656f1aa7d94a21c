import { type ConfigValues, formatProblems } from './platform/config/config.ts';
import { loadConfig } from './platform/config/load-config.ts';

const wrongConfiguration = 78;

/** The settings of this process; when some are wrong it names all of them and ends with status 78. */
export const configOrExit = async (): Promise<ConfigValues> => {
  const result = await loadConfig();
  if (result.ok) return result.values;
  process.stderr.write(formatProblems(result.problems));
  process.exit(wrongConfiguration);
};
