import { type AgentView, contractScopeTitle, scopeAliases } from '@atrium/protocol';
import type { Tone } from '../../ui/badge.tsx';

/** What an agent is doing, in one word. */
export const agentState = (agent: AgentView, now: number): { word: string; tone: Tone } => {
  if (agent.deactivated_at) return { word: 'Deactivated', tone: 'neutral' };
  if (!agent.last_seen_at) return { word: 'Never called', tone: 'warning' };
  return now - Date.parse(agent.last_seen_at) < 5 * 60_000
    ? { word: 'Active', tone: 'success' }
    : { word: 'Quiet', tone: 'neutral' };
};

const kinds: Record<AgentView['kind'], string> = { agent: 'Agent', device: 'Device', service: 'Service' };
export const agentKind = (agent: Pick<AgentView, 'kind'>): string => kinds[agent.kind];

/** A scope as a sentence part; what this page does not know keeps its name. */
export const scopeWords = (scope: string): string => {
  if (scope === '*') return 'Everything its role allows';
  const known = scopeAliases[scope] ?? scope;
  return contractScopeTitle(known) ?? scope;
};

export const itemScopeWords = (scope: AgentView['item_scope']): string => {
  switch (scope.kind) {
    case 'own':
      return 'Only items it made itself';
    case 'channels':
      return scope.channel_ids.length === 1
        ? 'Its own items and one channel'
        : `Its own items and ${scope.channel_ids.length} channels`;
    case 'org':
      return 'Every item of the organisation';
  }
};
