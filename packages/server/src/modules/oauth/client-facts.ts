import type { SampledFacts } from '../../platform/events/sampled-facts.ts';
import { nilId, oauthEvents } from './oauth-events.ts';

/** What clients do so often that it is told by samples. */
export const createClientFacts = (facts: SampledFacts) => ({
  authenticated: (client: { client_id: string; org_id: string | null; method: string }): void =>
    facts.note(`authenticated ${client.client_id}`, () => ({
      kind: oauthEvents.clientAuthenticated,
      org_id: client.org_id ?? nilId,
      body: { client_id: client.client_id, method: client.method },
    })),

  checked: (client: { client_id: string; org_id: string | null; active: boolean }): void =>
    facts.note(`checked ${client.active} ${client.client_id}`, () => ({
      kind: oauthEvents.tokenChecked,
      org_id: client.org_id ?? nilId,
      body: { client_id: client.client_id, active: client.active },
    })),
});

export type ClientFactsSampler = ReturnType<typeof createClientFacts>;
