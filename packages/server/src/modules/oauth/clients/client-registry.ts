import { isAppScope } from '@atrium/protocol';
import type { ClientMetadata } from 'oidc-provider';
import type { SecretBox } from '../../../platform/secrets/secret-box.ts';
import type { AgentClient, Subjects } from '../../identity/index.ts';
import { type ClientRow, clientsStore } from '../stores/clients-store.ts';
import type { Db } from '../stores/db.ts';
import { secretPlace } from './client-secrets.ts';
import { approvalGrant, cibaGrant, type OptionalGrants } from './optional-grants.ts';
import { contractScopes, oidcScopes, ordinaryScopes } from './scopes-of-clients.ts';

/** What the server knows of a client beside what the engine does. */
export interface ClientFacts {
  client_id: string;
  origin: 'operator' | 'registered' | 'document' | 'agent';
  name: string;
  /** What it may ever be given. */
  scopes: readonly string[];
  /** Empty: no limit. */
  allowed_resources: readonly string[];
  allowed_actors: readonly string[];
  require_state: boolean;
  skip_consent: boolean;
  org_id: string | null;
  /** The principal that its own tokens act for. */
  agent: AgentClient | null;
  created_at: Date | null;
}

export interface KnownClient {
  facts: ClientFacts;
  metadata: ClientMetadata;
}

const mostCached = 2000;
const lifeMs = 60_000;
/** Seconds at most, as for callers: a lost notification must not keep a role alive that an agent has lost. */
const agentLifeMs = 30_000;

export const isDocumentId = (clientId: string): boolean => /^https:\/\//i.test(clientId);

const secretOf = (row: ClientRow, secrets: SecretBox): string | null =>
  row.secret_sealed === null ? row.secret_hash : secrets.decrypt(row.secret_sealed, secretPlace(row.id));

const askMetadata = (grant_types: readonly string[]): Partial<ClientMetadata> => ({
  ...(grant_types.includes(cibaGrant) ? { backchannel_token_delivery_mode: 'poll' } : {}),
  // Whoever may put a question to a person may describe the transaction that it is about.
  ...([approvalGrant, cibaGrant].some((grant) => grant_types.includes(grant))
    ? { authorization_details_types: ['transaction'] }
    : {}),
});

const rowMetadata = (row: ClientRow, secret: string | null, off: readonly string[]): ClientMetadata => {
  // The engine knows no grant that is switched off, and would take a client that has it for a faulty one.
  const grant_types = row.grant_types.filter((grant) => !off.includes(grant));
  const code = grant_types.includes('authorization_code');
  return {
    ...row.metadata,
    client_id: row.client_id,
    client_name: row.name,
    client_id_issued_at: Math.floor(row.created_at.getTime() / 1000),
    token_endpoint_auth_method: row.auth_method as 'none',
    grant_types,
    redirect_uris: [...row.redirect_uris],
    response_types: code ? ['code'] : [],
    scope: row.scopes.join(' '),
    ...(secret === null ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    ...(row.auth_method === 'client_secret_jwt' ? { token_endpoint_auth_signing_alg: 'HS256' } : {}),
    ...(row.secret_expires_at === null
      ? {}
      : { client_secret_expires_at: Math.floor(row.secret_expires_at.getTime() / 1000) }),
    ...(row.jwks === null ? {} : { jwks: row.jwks }),
    ...(row.jwks_uri === null ? {} : { jwks_uri: row.jwks_uri }),
    ...(row.dpop_required ? { dpop_bound_access_tokens: true } : {}),
    ...askMetadata(grant_types),
  } as ClientMetadata;
};

/** An agent that came in by its own key is a service client; one that a person made acts for people as well. */
const grantsOf = (agent: AgentClient, on: readonly string[]): string[] =>
  agent.key_origin === 'registered'
    ? ['client_credentials']
    : ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange', ...on];

const agentMetadata = (agent: AgentClient, on: readonly string[]): ClientMetadata => ({
  client_id: agent.client_id,
  client_name: agent.name,
  client_secret: agent.client_secret_hash,
  client_secret_expires_at: 0,
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: grantsOf(agent, on),
  redirect_uris: [],
  response_types: [],
  scope: agent.scopes.join(' '),
  ...askMetadata(grantsOf(agent, on)),
});

const rowFacts = (row: ClientRow): ClientFacts => ({
  client_id: row.client_id,
  origin: row.origin,
  name: row.name,
  // A client that registered itself stays ordinary, whatever its row came to say.
  scopes:
    row.origin === 'registered'
      ? [
          ...[...oidcScopes, ...ordinaryScopes].filter(
            (scope) => row.scopes.length === 0 || row.scopes.includes(scope),
          ),
          ...row.scopes.filter(isAppScope),
        ]
      : row.scopes,
  allowed_resources: row.allowed_resources,
  allowed_actors: row.allowed_actors,
  require_state: row.require_state,
  skip_consent: row.skip_consent,
  org_id: row.org_id,
  agent: null,
  created_at: row.created_at,
});

const agentFacts = (agent: AgentClient): ClientFacts => ({
  client_id: agent.client_id,
  origin: 'agent',
  name: agent.name,
  scopes: agent.scopes.includes('*') ? contractScopes : agent.scopes,
  allowed_resources: [],
  allowed_actors: [],
  require_state: false,
  skip_consent: false,
  org_id: agent.org_id,
  agent,
  created_at: null,
});

const documentFacts = (clientId: string): ClientFacts => ({
  client_id: clientId,
  origin: 'document',
  name: new URL(clientId).host,
  scopes: [...oidcScopes, ...ordinaryScopes],
  allowed_resources: [],
  allowed_actors: [],
  require_state: false,
  skip_consent: false,
  org_id: null,
  agent: null,
  created_at: null,
});

/** Where clients are looked up: operators' and registered ones, agents, and those that are a document. */
export class ClientRegistry {
  readonly #subjects: Subjects;
  readonly #secrets: SecretBox;
  readonly #fresh: () => boolean;
  readonly #optional: OptionalGrants;
  readonly #cache = new Map<string, { row: ClientRow; until: number }>();
  readonly #agents = new Map<string, { known: KnownClient; until: number }>();
  /** Of what was forgotten: a row read before and kept after would be the old one. */
  #generation = 0;

  /** `fresh`: whether changes made elsewhere are heard of at the moment; without that nothing is kept. */
  constructor(subjects: Subjects, secrets: SecretBox, fresh: () => boolean, optional: OptionalGrants) {
    this.#subjects = subjects;
    this.#secrets = secrets;
    this.#fresh = fresh;
    this.#optional = optional;
  }

  async find(db: Db, clientId: string): Promise<KnownClient | null> {
    if (isDocumentId(clientId)) return null;
    if (clientId.startsWith('agent_')) {
      return await this.#agent(db, clientId);
    }
    const row = await this.#row(db, clientId);
    if (row === null || !row.enabled) return null;
    return { facts: rowFacts(row), metadata: rowMetadata(row, secretOf(row, this.#secrets), this.#optional.off) };
  }

  async facts(db: Db, clientId: string): Promise<ClientFacts | null> {
    if (isDocumentId(clientId)) return documentFacts(clientId);
    return (await this.find(db, clientId))?.facts ?? null;
  }

  /** Agents changed, here or on another replica. */
  forgetAgents(): void {
    this.#generation += 1;
    this.#agents.clear();
  }

  forget(clientId: string | null): void {
    this.#generation += 1;
    if (clientId === null) this.#cache.clear();
    else this.#cache.delete(clientId);
  }

  async #agent(db: Db, clientId: string): Promise<KnownClient | null> {
    const kept = this.#agents.get(clientId);
    if (kept !== undefined && kept.until > Date.now() && this.#fresh()) return kept.known;
    const before = this.#generation;
    const agent = await this.#subjects.agentClient(db, clientId);
    if (agent === null) return null;
    const known = { facts: agentFacts(agent), metadata: agentMetadata(agent, this.#optional.on) };
    if (before !== this.#generation) return known;
    this.#agents.delete(clientId);
    this.#agents.set(clientId, { known, until: Date.now() + agentLifeMs });
    if (this.#agents.size > mostCached) this.#agents.delete(this.#agents.keys().next().value!);
    return known;
  }

  async #row(db: Db, clientId: string): Promise<ClientRow | null> {
    const known = this.#cache.get(clientId);
    if (known !== undefined && known.until > Date.now() && this.#fresh()) return known.row;
    const before = this.#generation;
    const row = await clientsStore.find(db, clientId);
    if (row === null || before !== this.#generation) return row;
    this.#cache.delete(clientId);
    this.#cache.set(clientId, { row, until: Date.now() + lifeMs });
    if (this.#cache.size > mostCached) this.#cache.delete(this.#cache.keys().next().value!);
    return row;
  }
}
