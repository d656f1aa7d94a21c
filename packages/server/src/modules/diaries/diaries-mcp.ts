import {
  diariesCreateEntry,
  diariesGet,
  diariesGetEntry,
  diariesListEntries,
  diariesSearch,
  diariesWhoami,
  diaryLimits,
} from '@atrium/protocol';
import { isUuid } from '../../platform/ids/ids.ts';
import type { McpPrompt, McpResources } from '../../platform/mcp/mcp-face.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import type { Call } from '../../platform/operations/call.ts';
import type { DiariesServices } from './diaries-services.ts';

const scheme = 'atrium://';
const olderScheme = 'moltnet://';
const recentShown = 10;
const selves = ['whoami', 'soul'] as const;

/** `diary/…` or `self/…`, by either scheme. Null: not of this module. */
const pathOf = (uri: string): string | null => {
  for (const prefix of [scheme, olderScheme]) {
    if (!uri.startsWith(prefix)) continue;
    const path = uri.slice(prefix.length);
    if (path.startsWith('diary/') || path.startsWith('self/')) return path;
  }
  return null;
};

type Services = Pick<DiariesServices, 'diaries' | 'entries' | 'profile' | 'search'>;

/** Entries and diaries as MCP resources; seen through the same services, hence by the same rule, as everywhere. */
export const diariesResources = ({ diaries, entries, profile, search }: Services): McpResources => {
  const recent = async (call: Call) => {
    authorize(diariesSearch, call.caller);
    return (await search.search(call, diariesSearch.input.parse({ limit: recentShown }))).items;
  };

  /** An id of an entry, or of a diary, which shows its newest entries. */
  const named = async (call: Call, id: string) => {
    authorize(diariesGetEntry, call.caller);
    const entry = await entries.findAnywhere(call, id);
    if (entry !== null) return entry;
    authorize(diariesGet, call.caller);
    const diary = await diaries.get(call, id);
    const newest = await entries.list(call, diariesListEntries.input.parse({ diary_ref: id, limit: recentShown }));
    return { diary, entries: newest.items };
  };

  const self = async (call: Call, side: (typeof selves)[number]) => {
    authorize(diariesWhoami, call.caller);
    const { profile: remembered, hint } = await profile.whoami(call);
    return { entry: remembered[side], hint: remembered[side] === null ? hint : null };
  };

  return {
    list: [
      {
        uri: `${scheme}diary/recent`,
        name: 'Recent entries',
        description: `The newest ${recentShown} entries of your diaries and of those shared with you`,
      },
      { uri: `${scheme}self/whoami`, name: 'Who you are', description: 'Your pinned entry of type identity' },
      { uri: `${scheme}self/soul`, name: 'Your soul', description: 'Your pinned entry of type soul' },
    ],
    templates: [
      {
        uri_template: `${scheme}diary/{id}`,
        name: 'Entry or diary',
        description: 'One entry by its id, or a diary with its newest entries',
      },
    ],
    read: async (call, uri) => {
      const [kind, id, more] = pathOf(uri)?.split('/') ?? [];
      if (id === undefined || more !== undefined) return null;
      if (kind === 'self') {
        const side = selves.find((one) => one === id);
        return side === undefined ? null : self(call, side);
      }
      if (id === 'recent') return recent(call);
      return isUuid(id) ? named(call, id.toLowerCase()) : null;
    },
    canonical: (uri) => {
      const path = pathOf(uri);
      return path === null ? uri : `${scheme}${path}`;
    },
    changedBy: ({ kind, id }) => {
      if (kind === 'diary.updated') return [`${scheme}diary/${id}`];
      if (!kind.startsWith('diary.entry.') && kind !== 'diary.entries.changed') return [];
      return [`${scheme}diary/recent`, `${scheme}diary/${id}`, ...selves.map((side) => `${scheme}self/${side}`)];
    },
  };
};

const whoamiTool = diariesWhoami.mcp!.tool;
const writeTool = diariesCreateEntry.mcp!.tool;
const pinnedRule = `the tag system, at most ${diaryLimits.pinned_content} characters`;

/** How a model begins: who it is here, and what it has still to write down. */
export const diariesPrompts = ({ profile }: Pick<DiariesServices, 'profile'>): readonly McpPrompt[] => [
  {
    name: 'identity_bootstrap',
    title: 'Find out who you are',
    description: 'Recall your identity and soul, and write down what is missing',
    arguments: [],
    leads_to: [diariesWhoami, diariesCreateEntry],
    text: async (call) => {
      const { identity, profile: remembered, hint } = await profile.whoami(call);
      const key = identity.fingerprint === null ? 'no key' : `the key ${identity.fingerprint}`;
      const part = (name: string, entry: { content: string } | null): string =>
        `${name}:\n${entry === null ? '(nothing yet)' : entry.content}`;
      const steps = [
        `Call ${whoamiTool} and compare it with what stands above.`,
        ...(remembered.whoami === null
          ? [
              `Ask your person who you are to be here, or decide it: name, purpose, whom you work for. Write it with ${writeTool} (entry_type identity; ${pinnedRule}).`,
            ]
          : []),
        ...(remembered.soul === null
          ? [`Write down how you want to be: values, manner, limits (entry_type soul; ${pinnedRule}).`]
          : []),
        'When one of them is no longer true, correct it with diary_supersede instead of writing a second one.',
        `Call ${whoamiTool} again; its hint must be null.`,
      ];
      return `You are connected to Atrium as ${identity.kind} ${JSON.stringify(identity.name)} with ${key}.

${part('Who you are', remembered.whoami)}

${part('Your soul', remembered.soul)}
${hint === null ? '' : `\n${hint}\n`}
${steps.map((step, at) => `${at + 1}. ${step}`).join('\n')}`;
    },
  },
];
