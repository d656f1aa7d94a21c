// Plain JavaScript, so that a Node too old for TypeScript still gets a sentence instead of a syntax error.
const [major] = process.versions.node.split('.').map(Number);
if (major < 26) {
  console.error(
    `Atrium runs on Node 26, and npm installs it beside the code; this is Node ${process.versions.node}.\n` +
      'Start it with "npm start" after "npm ci". If that still shows this line, the platform has no packaged Node: install Node 26 yourself.',
  );
  process.exit(78);
}
// Keeps the compiled and type-stripped code between starts: the second start loads neither the compiler nor its memory.
const { enableCompileCache } = await import('node:module');
enableCompileCache(new URL('../node_modules/.cache/atrium', import.meta.url).pathname);

const { buildWebIfStale } = await import('./web-build.ts');
const { run } = await import('../packages/server/src/main.ts');
await run({ web: buildWebIfStale() });
