import { defaultSettings, type InputOf, inboxAsk, inboxCreateItem, type ParsedInputOf } from '@atrium/protocol';
import type { InboxParts, InboxSettings } from '../../src/modules/inbox/inbox-parts.ts';
import { createInboxServices, type InboxServices } from '../../src/modules/inbox/inbox-services.ts';
import type { WaitLimits } from '../../src/modules/inbox/waits-service.ts';
import type { StoredEvent } from '../../src/platform/module.ts';
import { createGuardedFetch } from '../../src/platform/net/guarded-fetch.ts';
import { createTestDatabase, type TestDatabase, testCipher } from './test-database.ts';

export interface TestInbox extends TestDatabase {
  inbox: InboxServices;
  parts: InboxParts;
  settings: InboxSettings;
  /** Events committed so far, oldest first. */
  events: StoredEvent[];
  errors: unknown[];
}

/** The services of the inbox over a database of their own; waits are woken as a dispatcher would wake them. */
export const createTestInbox = async (
  options: { limits?: WaitLimits; parts?: Partial<InboxParts>; max?: number; reachable?: string[] } = {},
): Promise<TestInbox> => {
  const events: StoredEvent[] = [];
  const errors: unknown[] = [];
  const settings: InboxSettings = { ...defaultSettings };
  let services: InboxServices | null = null;
  const db = await createTestDatabase({
    max: options.max ?? 10,
    onCommitted: (committed) => {
      events.push(...committed);
      for (const event of committed) services?.waits.wake(event);
    },
  });
  const guardedFetch = createGuardedFetch({ allow: options.reachable ?? [] });
  const parts: InboxParts = {
    database: db.database,
    clock: db.clock,
    secrets: testCipher,
    settingsOf: async () => settings,
    refreshCaller: async (caller) => caller,
    meterNotification: async () => {},
    decideOutside: async () => {},
    personIn: async () => null,
    guardedFetch,
    onError: (error) => void errors.push(error),
    ...options.parts,
  };
  services = createInboxServices(parts, options.limits);
  return {
    ...db,
    inbox: services,
    parts,
    settings,
    events,
    errors,
    drop: async () => {
      await guardedFetch.close();
      await db.drop();
    },
  };
};

/** Inputs as the hosts hand them over: checked, defaults filled in. */
export const asking = (input: Partial<InputOf<typeof inboxAsk>> = {}): ParsedInputOf<typeof inboxAsk> =>
  inboxAsk.input.parse({ title: 'Deploy?', form: { fields: [{ type: 'yesno', id: 'ok', required: true }] }, ...input });
export const approving = (
  args: Record<string, unknown> = { command: 'git status' },
  input: Partial<InputOf<typeof inboxAsk>> = {},
): ParsedInputOf<typeof inboxAsk> =>
  inboxAsk.input.parse({ title: 'Run it?', approval: { tool: 'shell', arguments: args }, ...input });
export const noticing = (input: Partial<InputOf<typeof inboxCreateItem>> = {}): ParsedInputOf<typeof inboxCreateItem> =>
  inboxCreateItem.input.parse({ title: 'Done', ...input });

/** The code an act is refused with; fails when it is not refused. */
export const refusal = async (
  act: Promise<unknown>,
): Promise<{ code: string; extensions: Record<string, unknown>; errors?: unknown }> =>
  act.then(
    () => {
      throw new Error('was not refused');
    },
    (error: { code?: string }) => {
      if (typeof error.code !== 'string') throw error;
      return error as { code: string; extensions: Record<string, unknown> };
    },
  );
