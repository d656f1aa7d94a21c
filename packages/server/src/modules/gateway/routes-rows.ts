import type { RouteFilter, RouteTarget } from '@atrium/protocol';
import type { Selectable } from 'kysely';
import type { Schema } from '../../platform/db/schema.gen.ts';

/** A filter as it is stored: of a password only the argon2id hash. */
export type StoredFilter =
  | Exclude<RouteFilter, { kind: 'basic_auth' }>
  | { kind: 'basic_auth'; users: { name: string; hash: string }[] };

export type AppRow = Selectable<Schema['gateway_apps']>;
export type RouteRow = Omit<Selectable<Schema['gateway_routes']>, 'targets' | 'filters'> & {
  targets: RouteTarget[];
  filters: StoredFilter[];
};
/** A route with what is shown of its app. */
export type RouteWithApp = RouteRow & { app_slug: string; app_name: string };
export type HealthState = 'healthy' | 'unhealthy' | 'unknown';
export type WithStatus<Row> = Row & { status: HealthState };

/** '' as host stands for the origin of the server itself. */
export interface Claim {
  host: string;
  path: string;
}
