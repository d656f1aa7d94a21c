import { SecretReveal } from '../../ui/secret-reveal.tsx';
import { AgentConnectCard } from './agent-light.tsx';
import type { MadeAgent } from './create-agent-form.tsx';

/** What a new agent needs, in order: its key, then the line that uses it. */
export const MadeAgentPanel = ({ made }: { made: MadeAgent }) => (
  <div className="flex flex-col gap-4">
    <SecretReveal secret={made.api_key} name={`Key of ${made.agent.name}`} variable="ATRIUM_API_KEY" />
    <AgentConnectCard agent={made.agent} apiKey={made.api_key} />
    <details className="text-13 text-text-2">
      <summary className="w-fit cursor-pointer rounded-control py-0.5 font-medium hover:text-text">
        OAuth client credentials
      </summary>
      <div className="flex flex-col gap-3 pt-3">
        <p>For clients that get tokens by OAuth instead of sending the key. The secret is shown this once, too.</p>
        <p>
          Client id <code className="ml-1 text-text select-all">{made.client_id}</code>
        </p>
        <SecretReveal secret={made.client_secret} name="Client secret" variable="ATRIUM_CLIENT_SECRET" />
      </div>
    </details>
  </div>
);
