import { type SettingKey, settingKeys } from '@atrium/protocol';

interface RuleWords {
  label: string;
  hint: string;
  unit?: string;
  group: 'Answers' | 'Keeping' | 'Privacy';
}

/** Each setting in words. */
export const ruleWords: Record<SettingKey, RuleWords> = {
  correction_window_s: {
    label: 'Correction window',
    hint: 'How long an answer may be corrected by whoever gave it. 0 closes it at once.',
    unit: 'seconds',
    group: 'Answers',
  },
  elicitation_mirror: {
    label: 'Ask in the client as well',
    hint: 'A question also appears in the program of the agent that asks, where it can show one. The first answer counts.',
    group: 'Answers',
  },
  auto_create_channels: {
    label: 'Make unknown channels',
    hint: 'An agent that names a channel nobody made gets it. Otherwise it is told the nearest names.',
    group: 'Answers',
  },
  archive_after_days: {
    label: 'Archive after',
    hint: 'Answered and dismissed items leave the lists after this. They stay searchable.',
    unit: 'days',
    group: 'Keeping',
  },
  audit_retention_days: {
    label: 'Keep the audit trail for',
    hint: 'Older entries are pruned; a signed checkpoint keeps the rest verifiable.',
    unit: 'days',
    group: 'Keeping',
  },
  markdown_remote_images: {
    label: 'Load remote images',
    hint: 'Images in messages are fetched from other servers, which then learn that somebody reads.',
    group: 'Privacy',
  },
  diary_max_visibility: {
    label: 'Widest diaries',
    hint: 'How open a diary may be made. Private: shared by name only. Network: everybody who is signed in here. Public: anybody.',
    group: 'Privacy',
  },
  push_full_text: {
    label: 'Full text in push messages',
    hint: 'Otherwise a push says only that something waits. Push travels through the servers of browser makers.',
    group: 'Privacy',
  },
};

export const ruleGroups: readonly { group: RuleWords['group']; lead: string; keys: SettingKey[] }[] = (
  [
    ['Answers', 'How questions are asked and answered.'],
    ['Keeping', 'What stays and for how long.'],
    ['Privacy', 'What may leave this server.'],
  ] as const
).map(([group, lead]) => ({
  group,
  lead,
  keys: (Object.keys(settingKeys) as SettingKey[]).filter((key) => ruleWords[key].group === group),
}));
