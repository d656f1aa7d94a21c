/**
 * Loaded before the engine's suite: the suite's imports of the engine's own sources get the engine that this server is
 * built on, the very modules that the module oauth uses.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { adaptations, proven } from './adaptations.ts';
import type { SuiteOrder } from './results.ts';

const suite = pathToFileURL(`${process.env['ATRIUM_ENGINE_SUITE_DIR']}/`).href;
const { mode } = JSON.parse(process.env['ATRIUM_ENGINE_SUITE_ORDER']!) as SuiteOrder;
const mounted = mode !== 'adapter';
const oauth = new URL('../../../src/modules/oauth/', import.meta.url).href;
/** What stands in place of an import, by who imports it, in runs against the settings of this server. */
const places = [
  { parent: `${oauth}index.ts`, specifier: './engine/engine.ts', to: './mounted-engine.ts' },
  { parent: `${oauth}engine/engine.ts`, specifier: './engine-config.ts', to: './mounted-config.ts' },
  {
    parent: `${oauth}engine/engine.ts`,
    specifier: '../../../platform/secrets/tokens.ts',
    to: './mounted-tokens.ts',
  },
];
const engine = dirname(fileURLToPath(import.meta.resolve('oidc-provider')));

const adapted = (url: string, source: string): string => {
  const file = url.slice(suite.length);
  let text = source;
  for (const { from, to } of adaptations.filter((one) => one.file === file && (mounted || !one.mounted))) {
    if (!text.includes(from)) throw new Error(`${file} of the suite has no "${from}" that could be adapted.`);
    text = text.replaceAll(from, to);
  }
  return mounted ? proven(file, text) : text;
};

registerHooks({
  resolve: (specifier, context, next) => {
    const place = mounted && places.find((one) => one.parent === context.parentURL && one.specifier === specifier);
    if (place) return next(new URL(place.to, import.meta.url).href, context);
    const found = next(specifier, context);
    if (mounted && found.url === `${suite}lib/index.js`)
      return next(new URL('./mounted-provider.ts', import.meta.url).href, context);
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
