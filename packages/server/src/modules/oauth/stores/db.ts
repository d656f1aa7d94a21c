import type { Kysely } from 'kysely';
import type { Schema } from '../../../platform/db/schema.gen.ts';

/** The pool, or an open transaction. */
export type Db = Kysely<Schema>;
