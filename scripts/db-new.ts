/** `npm run db:new inbox add-something`: creates the next numbered migration of a module, or of the platform (`core`). */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { moduleOrder } from '../packages/server/src/app/module-order.ts';
import { root } from './run-steps.ts';

const source = resolve(root, 'packages/server/src');
const [owner, name] = process.argv.slice(2);

const directoryOf = (part: string | undefined): string | null => {
  if (part === 'core') return resolve(source, 'platform/db/migrations');
  return moduleOrder.some((known) => known === part) ? resolve(source, 'modules', part!, 'migrations') : null;
};

const directory = directoryOf(owner);
if (directory === null || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name ?? '')) {
  console.error(
    `Say whose it is and what it does: npm run db:new inbox add-something\nOwners: core, ${moduleOrder.join(', ')}`,
  );
  process.exit(1);
}

const present = existsSync(directory) ? readdirSync(directory) : [];
const last = Math.max(0, ...present.map((file) => Number.parseInt(file, 10)));
const file = resolve(directory, `${String(last + 1).padStart(3, '0')}-${name}.sql`);
mkdirSync(directory, { recursive: true });
writeFileSync(file, '-- Why this changes. Forward only: an older release may still run beside it.\n');
console.log(`${relative(root, file)}\nWrite it, then run "npm run db:types" and commit what it generates.`);
