import { z } from 'zod';

const days = z.int().min(1).max(3650);

/** Every setting an organisation can change, with its form and default. The table is the documentation. */
export const settingKeys = {
  correction_window_s: {
    schema: z.int().min(0).max(3600),
    default: 60,
    title: 'Seconds in which an answer may be corrected by its author',
  },
  auto_create_channels: {
    schema: z.boolean(),
    default: false,
    title: 'Create a channel when an item names an unknown one',
  },
  archive_after_days: {
    schema: days,
    default: 30,
    title: 'Days after which answered and dismissed items are archived',
  },
  audit_retention_days: { schema: days, default: 365, title: 'Days for which the audit trail is kept' },
  elicitation_mirror: {
    schema: z.boolean(),
    default: true,
    title: 'Also ask in the client of the agent that asks, where it can',
  },
  markdown_remote_images: { schema: z.boolean(), default: false, title: 'Load images of other servers in messages' },
  diary_max_visibility: {
    schema: z.enum(['private', 'network', 'public']),
    default: 'public',
    title: 'Widest visibility that a diary of the organisation may have',
  },
  push_full_text: { schema: z.boolean(), default: false, title: 'Put the text of items into push messages' },
} as const satisfies Record<string, { schema: z.ZodType; default: unknown; title: string }>;

export type SettingKey = keyof typeof settingKeys;
export type Settings = { [key in SettingKey]: z.infer<(typeof settingKeys)[key]['schema']> };

export const defaultSettings: Readonly<Settings> = Object.freeze(
  Object.fromEntries(Object.entries(settingKeys).map(([key, { default: value }]) => [key, value])),
) as Settings;
