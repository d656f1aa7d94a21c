import { defaultSettings } from '@atrium/protocol';
import type { Database } from '../../platform/db/database.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { SettingsStore } from '../../platform/settings/settings-store.ts';

/** Settings of an organisation, as its members read and its admins change them. */
export const createSettingsService = (parts: { database: Database; store: SettingsStore }) => {
  const { database, store } = parts;
  const get = async ({ caller }: Call) => ({
    settings: { ...(await store.get(caller.org_id)) },
    defaults: { ...defaultSettings },
  });
  return {
    get,
    update: async (call: Call, input: { settings: Record<string, unknown> }) => {
      await database.transaction(call, async (tx) => {
        await store.update(tx, call.caller.org_id, input.settings);
        tx.audit({ action: 'settings.update', target_type: 'settings', details: input.settings });
      });
      return get(call);
    },
  };
};

export type SettingsService = ReturnType<typeof createSettingsService>;
