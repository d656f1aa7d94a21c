import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { applyMigrations } from '../packages/server/test/support/apply-migrations.ts';
import { startTestServer } from '../packages/server/test/support/test-server.ts';
import { describeSchema } from './schema-description.ts';
import { schemaTypes } from './schema-types.ts';

const folder = new URL('../packages/server/src/platform/db/', import.meta.url);
const typesFile = fileURLToPath(new URL('schema.gen.ts', folder));
const listingFile = fileURLToPath(new URL('schema.sql', folder));

/**
 * Migrates a scratch database and writes what it then looks like: Kysely's types and a listing for reviews. With
 * `check` nothing is written; the answer names the files that are out of date.
 */
export const generateDbTypes = async (options: { check: boolean }): Promise<string[]> => {
  const server = await startTestServer();
  try {
    const url = server.urlOf('postgres');
    await applyMigrations(url);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const wanted = [
      [typesFile, await schemaTypes(client)],
      [listingFile, await describeSchema(client)],
    ] as const;
    await client.end();
    const stale: string[] = [];
    for (const [file, text] of wanted) {
      if ((await readFile(file, 'utf8').catch(() => '')) === text) continue;
      stale.push(file);
      if (!options.check) await writeFile(file, text);
    }
    return stale;
  } finally {
    await server.stop();
  }
};

if (import.meta.main) {
  const check = process.argv.includes('--check');
  const stale = await generateDbTypes({ check });
  for (const file of stale) console.log(`${check ? 'out of date' : 'written'}: ${file}`);
  if (check && stale.length > 0) {
    console.log('Run `npm run db:types`.');
    process.exitCode = 1;
  }
}
