/** What an app or a route is in a version: its fields without secrets, its id, and for a route the slug of its app. */
export type Entry = Record<string, unknown> & { id: string; source: string };

/** What one version changed. Null before = made by it, null after = deleted by it. */
export interface Change {
  before: Entry | null;
  after: Entry | null;
}

/** Only what changed is kept: the state at a version is today's, with the later versions taken back. */
export interface VersionDocument {
  apps: Record<string, Change>;
  routes: Record<string, Change>;
}
