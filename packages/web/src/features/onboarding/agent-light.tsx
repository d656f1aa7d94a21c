import { type AgentView, agentsGet } from '@atrium/protocol';
import { useQuery } from '@tanstack/react-query';
import { operationQuery } from '../../data/operations.ts';
import { ConnectCard } from '../../ui/connect-card.tsx';
import { connectWays, keyPlaceholder } from './connect-ways.ts';

/**
 * The agent as it is now. Its first call arrives as an event; which client it was is written some seconds later without
 * one, so the agent is read again until its client is known.
 */
export const useFirstCall = (agent: AgentView, since?: string): { agent: AgentView; connected: boolean } => {
  const query = useQuery({
    ...operationQuery(agentsGet, { id: agent.id }),
    initialData: agent,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data && isSettled(state.data, since) ? false : 3000),
  });
  return { agent: query.data, connected: isConnected(query.data, since) };
};

const isConnected = (agent: AgentView, since: string | undefined): boolean =>
  agent.last_seen_at !== null && (since === undefined || agent.last_seen_at > since);

/** Connected, and either the client is known or it had half a minute to say who it is; curl never does. */
const isSettled = (agent: AgentView, since: string | undefined): boolean =>
  isConnected(agent, since) && (agent.last_client !== null || Date.now() - Date.parse(agent.last_seen_at!) > 30_000);

/** Ready lines for an agent and the light of its first call. Without a key the lines hold a placeholder. */
export const AgentConnectCard = ({
  agent: given,
  apiKey,
  since,
}: {
  agent: AgentView;
  apiKey?: string;
  since?: string;
}) => {
  const { agent, connected } = useFirstCall(given, since);
  return (
    <ConnectCard
      title={`Connect ${agent.name}`}
      ways={connectWays(location.origin, apiKey ?? keyPlaceholder)}
      connected={connected ? { client: agent.last_client ?? agent.name } : null}
    />
  );
};
