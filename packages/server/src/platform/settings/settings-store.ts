import { defaultSettings, type FieldError, type SettingKey, type Settings, settingKeys } from '@atrium/protocol';
import { type Kysely, sql } from 'kysely';
import type { Clock } from '../clock/clock.ts';
import type { Transaction } from '../db/database.ts';
import type { Schema } from '../db/schema.gen.ts';
import { AppError } from '../errors/app-error.ts';
import type { StoredEvent } from '../module.ts';

export const settingsUpdated = 'core.settings.updated';

export interface SettingsStore {
  /** All settings of an organisation, defaults filled in. Cached. */
  get(orgId: string): Promise<Readonly<Settings>>;
  /** Changes the members of `patch` and announces it; null brings a default back. Checks keys and values. */
  update(tx: Transaction, orgId: string, patch: Readonly<Record<string, unknown>>): Promise<void>;
  /** To be called for each committed event; drops what changed elsewhere. */
  onEvent(event: StoredEvent): void;
  /** To be called when events of an organisation were lost. */
  forget(orgId: string): void;
}

/** A replica that is cut off from events must not believe an old value for ever. */
const cacheMs = 60_000;
const cacheLimit = 10_000;

const isKey = (key: string): key is SettingKey => Object.hasOwn(settingKeys, key);

const checkPatch = (patch: Readonly<Record<string, unknown>>): void => {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(patch)) {
    const path = `settings.${key}`;
    if (!isKey(key)) errors.push({ path, message: 'No such setting.' });
    else if (value !== null) {
      const parsed = settingKeys[key].schema.safeParse(value);
      if (!parsed.success) errors.push({ path, message: parsed.error.issues[0]!.message });
    }
  }
  if (errors.length > 0) throw new AppError('validation_failed', 'Some settings are wrong.', { errors });
};

const load = async (db: Kysely<Schema>, orgId: string): Promise<Readonly<Settings>> => {
  const found = await sql<{ key: string; value: unknown }>`
    select key, value from core_settings where org_id = ${orgId}`.execute(db);
  const stored = found.rows.flatMap(({ key, value }) => {
    // A value that an older release stored and this one refuses counts as not set.
    const parsed = isKey(key) ? settingKeys[key].schema.safeParse(value) : null;
    return parsed?.success ? [[key, parsed.data] as const] : [];
  });
  return Object.freeze({ ...defaultSettings, ...Object.fromEntries(stored) });
};

/** Settings of organisations, kept in memory until an event says otherwise. */
export const createSettingsStore = (db: Kysely<Schema>, clock: Clock): SettingsStore => {
  const cache = new Map<string, { settings: Readonly<Settings>; until: number }>();
  /** Raised by each invalidation: a load that began before one must not be kept. */
  let generation = 0;
  const forget = (orgId: string): void => {
    generation += 1;
    cache.delete(orgId);
  };
  return {
    get: async (orgId) => {
      const known = cache.get(orgId);
      const now = clock.now().getTime();
      if (known !== undefined && known.until > now) return known.settings;
      const before = generation;
      const settings = await load(db, orgId);
      if (before === generation) {
        if (cache.size >= cacheLimit) cache.clear();
        cache.set(orgId, { settings, until: now + cacheMs });
      }
      return settings;
    },
    update: async (tx, orgId, patch) => {
      checkPatch(patch);
      for (const [key, value] of Object.entries(patch)) {
        if (value === null)
          await sql`delete from core_settings where org_id = ${orgId} and key = ${key}`.execute(tx.db);
        else {
          await sql`insert into core_settings (org_id, key, value, updated_at)
            values (${orgId}, ${key}, ${JSON.stringify(value)}::jsonb, ${clock.now()})
            on conflict (org_id, key) do update set value = excluded.value, updated_at = excluded.updated_at`.execute(
            tx.db,
          );
        }
      }
      tx.emit({ kind: settingsUpdated, id: orgId, org_id: orgId, body: { keys: Object.keys(patch) } });
      tx.afterCommit(() => forget(orgId));
    },
    onEvent: (event) => {
      if (event.kind === settingsUpdated) forget(event.org_id);
    },
    forget,
  };
};
