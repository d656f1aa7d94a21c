// Builds the pages once, so that the first start need not. Never fails the install: the start builds what is missing.
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * What no start, build or test reads takes a sixth of the disk: the C headers of Node, the source maps of packages, the
 * types of the GitHub client that the conformance suite brings, and those of icons under names that nothing here uses.
 */
const prune = (modules) => {
  for (const name of readdirSync(modules))
    if (/^node-(bin-)?(linux|darwin|win)-/.test(name))
      rmSync(join(modules, name, 'include'), { recursive: true, force: true });
  for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory() && entry.name === 'openapi-types' && entry.parentPath.endsWith('@octokit'))
      rmSync(join(entry.parentPath, entry.name), { recursive: true, force: true });
    else if (entry.isFile() && /\.([cm]?[jt]s|css)\.map$/.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
  const icons = join(modules, 'lucide-react');
  for (const name of ['dynamic', 'dynamicIconImports'])
    for (const type of ['d.ts', 'd.mts']) rmSync(join(icons, `${name}.${type}`), { force: true });
  for (const form of ['prefixed', 'suffixed']) rmSync(join(icons, `dist/lucide-react.${form}.d.ts`), { force: true });
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
}
