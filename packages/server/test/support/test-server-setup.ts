import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { applyMigrations } from './apply-migrations.ts';
import { startTestServer } from './test-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the maintenance database; test files clone `atrium_template` from there. */
    postgres_url: string;
  }
}

export const templateDatabase = 'atrium_template';

/** Vitest's global setup: one server a run, one migrated template; each test file clones the template. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const server = await startTestServer();
  const client = new pg.Client({ connectionString: server.urlOf('postgres') });
  await client.connect();
  await client.query(`create database ${templateDatabase}`);
  await applyMigrations(server.urlOf(templateDatabase));
  // Nobody may be connected to a template while it is cloned.
  await client.query(`alter database ${templateDatabase} with is_template true allow_connections false`);
  await client.end();
  project.provide('postgres_url', server.urlOf('postgres'));
  return server.stop;
};
