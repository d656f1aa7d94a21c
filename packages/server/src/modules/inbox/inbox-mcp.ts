import { inboxGetItem } from '@atrium/protocol';
import { isUuid } from '../../platform/ids/ids.ts';
import type { McpResources } from '../../platform/mcp/mcp-face.ts';
import { authorize } from '../../platform/operations/authorize.ts';
import type { InboxServices } from './inbox-services.ts';

const base = 'atrium://inbox/';
const openLimit = 100;

/** `klaxon/item/{id}` and `atrium://inbox/item/{id}` are one thing. Null: not of this module. */
const pathOf = (uri: string): string | null => {
  for (const prefix of [base, 'klaxon://', 'klaxon/']) if (uri.startsWith(prefix)) return uri.slice(prefix.length);
  return null;
};

/** Items as MCP resources; seen through the same services, hence by the same rule, as everywhere. */
export const inboxResources = ({ items, waits }: InboxServices): McpResources => ({
  list: [
    { uri: `${base}open`, name: 'Open items', description: `The newest ${openLimit} open items that you see` },
    {
      uri: `${base}agents`,
      name: 'Agents',
      description: 'Who asked something that you see, and how much of it is open',
    },
  ],
  templates: [
    { uri_template: `${base}item/{id}`, name: 'Item', description: 'One item with its answer' },
    {
      uri_template: `${base}answer/{id}`,
      name: 'Answer',
      description: 'How an item stands: pending, answered, closed',
    },
  ],
  read: async (call, uri) => {
    const path = pathOf(uri);
    if (path === null) return null;
    // The scope and permission that the same reading needs as an operation.
    authorize(inboxGetItem, call.caller);
    if (path === 'open') {
      const flags = { include_archived: false, include_snoozed: false };
      return (await items.list(call, { status: ['open'], limit: openLimit, ...flags })).items;
    }
    if (path === 'agents') return items.askingAgents(call);
    const [kind, id, ...rest] = path.split('/');
    if (id === undefined || rest.length > 0 || !isUuid(id)) return null;
    if (kind === 'item') return items.get(call, id);
    return kind === 'answer' ? waits.peek(call, id) : null;
  },
  canonical: (uri) => {
    const path = pathOf(uri);
    return path === null ? uri : `${base}${path}`;
  },
  changedBy: ({ kind, id }) =>
    kind.startsWith('inbox.item.')
      ? [`${base}open`, `${base}item/${id}`, `${base}answer/${id}`]
      : kind === 'inbox.bulk.updated'
        ? [`${base}open`]
        : [],
});
