/**
 * Loaded before the engine's suite: the suite's imports of the engine's own sources get the engine that this server is
 * built on, the very modules that the module oauth uses.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { adaptations } from './adaptations.ts';

const suite = pathToFileURL(`${process.env['ATRIUM_ENGINE_SUITE_DIR']}/`).href;
const engine = dirname(fileURLToPath(import.meta.resolve('oidc-provider')));

const adapted = (url: string, source: string): string => {
  const file = url.slice(suite.length);
  let text = source;
  for (const { from, to } of adaptations.filter((one) => one.file === file)) {
    if (!text.includes(from)) throw new Error(`${file} of the suite has no "${from}" that could be adapted.`);
    text = text.replaceAll(from, to);
  }
  return text;
};

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context);
    if (!found.url.startsWith(`${suite}lib/`)) return found;
    const ours = join(engine, found.url.slice(`${suite}lib/`.length));
    if (!existsSync(ours)) throw new Error(`The engine has no ${ours.slice(engine.length + 1)} any more.`);
    return { ...found, url: pathToFileURL(ours).href };
  },
  load: (url, context, next) => {
    if (!url.startsWith(`${suite}test/`)) return next(url, context);
    return {
      format: 'module',
      source: adapted(url, readFileSync(fileURLToPath(url), 'utf8')),
      shortCircuit: true,
    };
  },
});
