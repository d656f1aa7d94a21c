// Builds the pages and compiles the server once, so that the first start need not. Never fails the install: the start does
// what is missing.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';

const aboutItself =
  /^(?:readme|changelog|history|security|contributing|code_of_conduct|migrating|upgrading)\b[^/]*\.md$/i;

/**
 * What no start, build or test reads takes a third of the disk: the viewers of Playwright, the forms of ONNX Runtime for browsers, the C headers of Node,
 * the source maps of packages and what they say about themselves, the data of packages' own tests, the sources that zod brings beside what is built of them, the types of the GitHub client that the conformance suite
 * brings, and those of icons under names that nothing here uses.
 */
const prune = (modules) => {
  for (const name of readdirSync(modules))
    if (/^node-(bin-)?(linux|darwin|win)-/.test(name))
      rmSync(join(modules, name, 'include'), { recursive: true, force: true });
  const entries = readdirSync(modules, { recursive: true, withFileTypes: true });
  // The packages of the repository are linked here, and listed through the link; what they say about themselves is ours.
  const linked = entries
    .filter((entry) => entry.isSymbolicLink() && !entry.parentPath.endsWith('.bin'))
    .map((entry) => join(entry.parentPath, entry.name));
  const ours = (path) => linked.some((link) => path === link || path.startsWith(link + sep));
  for (const entry of entries)
    if (entry.isDirectory() && entry.name === 'openapi-types' && entry.parentPath.endsWith('@octokit'))
      rmSync(join(entry.parentPath, entry.name), { recursive: true, force: true });
    else if (
      entry.isFile() &&
      (/\.([cm]?[jt]s|css)\.map$/.test(entry.name) || aboutItself.test(entry.name)) &&
      !ours(entry.parentPath)
    )
      rmSync(join(entry.parentPath, entry.name), { force: true });
  const icons = join(modules, 'lucide-react');
  for (const name of ['dynamic', 'dynamicIconImports'])
    for (const type of ['d.ts', 'd.mts']) rmSync(join(icons, `${name}.${type}`), { force: true });
  for (const form of ['prefixed', 'suffixed']) rmSync(join(icons, `dist/lucide-react.${form}.d.ts`), { force: true });
  rmSync(join(modules, 'superjson/src/non-deduped-cal.json'), { force: true });
  for (const unread of ['zod/src', 'bintrees/test', 'fastify/test', 'undici/docs', 'playwright-core/lib/vite'])
    rmSync(join(modules, unread), { recursive: true, force: true });
  pruneOnnxRuntime(join(modules, 'onnxruntime-web'));
};

/** Of the runtime of models a process of Node loads three files; the others, nine tenths, are for browsers and graphics cards. */
const pruneOnnxRuntime = (runtime) => {
  const loaded = ['ort.node.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];
  const dist = join(runtime, 'dist');
  for (const name of readdirSync(dist)) if (!loaded.includes(name)) rmSync(join(dist, name));
  for (const name of ['lib', 'docs', 'node_modules']) rmSync(join(runtime, name), { recursive: true, force: true });
};

/** With the flags of `npm start`: V8 takes compiled code only by those that it was compiled with. */
const compile = () => {
  const { scripts } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../package.json'), 'utf8'));
  const flags = scripts.start.split(' ').filter((word) => word.startsWith('--'));
  execFileSync(process.execPath, [...flags, resolve(import.meta.dirname, 'compile-cache.mjs')], {
    stdio: 'ignore',
    timeout: 60_000,
  });
};

const [major] = process.versions.node.split('.').map(Number);
if (major >= 26) {
  try {
    const { buildWebIfStale } = await import('./web-build.ts');
    await buildWebIfStale();
  } catch (error) {
    console.warn(`The pages could not be built now and will be at the first start: ${error.message}`);
  }
  try {
    prune(resolve(import.meta.dirname, '../node_modules'));
  } catch (error) {
    console.warn(`The installed packages keep what nobody needs of them: ${error.message}`);
  }
  try {
    compile();
  } catch (error) {
    console.warn(`The server could not be compiled now and will be at its first start: ${error.message}`);
  }
}
