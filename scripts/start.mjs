// Plain JavaScript, so that a Node too old for TypeScript still gets a sentence instead of a syntax error.
const [major] = process.versions.node.split('.').map(Number);
if (major < 26) {
  console.error(
    `Atrium runs on Node 26, and npm installs it beside the code; this is Node ${process.versions.node}.\n` +
      'Start it with "npm start" after "npm ci". If that still shows this line, the platform has no packaged Node: install Node 26 yourself.',
  );
  process.exit(78);
}
// The allocator of Linux keeps a heap for each thread, and what V8's helpers needed during the start would stay in those
// for good: 10 to 20 MB. Two are enough. It reads this setting only when a program begins, so the program begins again in
// its own place.
if (process.platform === 'linux' && process.env.MALLOC_ARENA_MAX === undefined && process.execve !== undefined)
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...process.env,
    MALLOC_ARENA_MAX: '2',
  });
const { keepCompiledCode } = await import('./compile-cache.mjs');
keepCompiledCode();

const { buildWebIfStale } = await import('./web-build.ts');
const { run } = await import('../packages/server/src/main.ts');
await run({ web: buildWebIfStale() });
