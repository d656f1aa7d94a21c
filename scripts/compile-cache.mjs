// Where the code of the server is kept between starts, compiled and without its types. Run by itself it fills that place
// with what starts load, so that the first one need not.
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What is loaded from now on is taken from there, or put there. A start that finds it loads no compiler and none of its memory. */
export const keepCompiledCode = () => {
  enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/atrium', import.meta.url)));
};

if (import.meta.main) {
  keepCompiledCode();
  await import('./web-build.ts');
  await import('../packages/server/src/main.ts');
  // What comes with the first client of OAuth.
  const { loadEngine } = await import('../packages/server/src/modules/oauth/engine/oidc-provider.ts');
  await loadEngine();
  flushCompileCache();
  process.exit();
}
