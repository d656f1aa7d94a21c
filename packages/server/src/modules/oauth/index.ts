/**
 * OAuth: turns what identity knows into tokens, by the rules of OAuth 2.1 and OpenID Connect. Owns the tables oauth_*:
 * clients, grants, what the engine stores, issued tokens, revocations, signing keys, resources, trusted issuers.
 * Announces oauth.* events (oauth-events.ts). Resolves access tokens to callers for every door.
 * Leaves to others: who somebody is and how they sign in (identity), the question of an approval (a higher module).
 */
import type { Provider } from 'oidc-provider';
import type { KeptConnection } from '../../platform/db/kept-connection.ts';
import { SampledFacts } from '../../platform/events/sampled-facts.ts';
import type { RequestLimiter } from '../../platform/http/http-options.ts';
import { newId } from '../../platform/ids/ids.ts';
import { internalCall } from '../../platform/operations/call.ts';
import { type Caller, systemCaller } from '../../platform/operations/caller.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { type ApprovalAsker, type ApprovalsService, createApprovalsService } from './approvals-service.ts';
import { createClientFacts } from './client-facts.ts';
import { ClientRegistry } from './clients/client-registry.ts';
import { optionalGrants } from './clients/optional-grants.ts';
import { ResourceRegistry } from './clients/resource-registry.ts';
import { type ConsentService, createConsentService } from './consent-service.ts';
import { ClientGuesses } from './engine/client-guesses.ts';
import { createEngine, type Engine } from './engine/engine.ts';
import type { EngineParts } from './engine/engine-config.ts';
import { loadEngine } from './engine/oidc-provider.ts';
import { registerApproval } from './grants/approval.ts';
import { type ClientHeaders, createClientHeaders } from './grants/client-headers.ts';
import { registerJwtBearer } from './grants/jwt-bearer.ts';
import { createPlainClientCredentials, type PlainClientCredentials } from './grants/plain-client-credentials.ts';
import { createPlainIntrospection, type PlainIntrospection } from './grants/plain-introspection.ts';
import { registerTokenExchange } from './grants/token-exchange.ts';
import { createGrantsService, type GrantsService } from './grants-service.ts';
import { type AgentWebhooks, createAgentWebhooks } from './hooks/agent-webhooks.ts';
import { createTokenHook } from './hooks/token-hook.ts';
import { KeyRing } from './keys/key-ring.ts';
import { createLogoutCalls, type LogoutCalls } from './logout/logout-calls.ts';
import { nilId } from './oauth-events.ts';
import { createOauthListener, type OauthNotice } from './oauth-listener.ts';
import type { OauthParts } from './oauth-parts.ts';
import { DeniedRanges } from './operators/denied-ranges.ts';
import { createRequestGate, type RequestGate } from './request-gate-service.ts';
import { AccessTokens } from './tokens/access-token.ts';
import { createBearerSource } from './tokens/bearer-source.ts';
import { createDeviceTokens, type DeviceTokensService } from './tokens/device-tokens.ts';
import { createEndings, type Endings } from './tokens/endings.ts';
import { RevocationSet } from './tokens/revocation-set.ts';
import { signServerJwtNow } from './tokens/server-jwt.ts';
import { createStatusLists, type StatusLists } from './tokens/status-lists.ts';
import { TokenJournal } from './tokens/token-journal.ts';
import { createTransactions } from './tokens/transactions.ts';

export type { ApprovalAsker, ApprovalQuestion, ApprovalsService } from './approvals-service.ts';
export type { ClientCertificates } from './clients/client-certificates.ts';
export type { OauthParts } from './oauth-parts.ts';

export interface OauthOptions extends OauthParts {
  requests: RequestLimiter;
  address_rule: () => { limit: number; window_s: number };
}

/** What higher modules and the hosts use. */
export interface Oauth {
  /** Before the doors open: makes the keys that are missing and begins to listen. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The caller of an open connection as it is now; null when its token has ended. */
  refresh(caller: Caller): Promise<Caller | null>;
  deniedAddress(ip: string): boolean;
  /** Who a client id and its secret stand for, where a door takes them with each request. Refuses what is wrong. */
  clientCaller: ClientHeaders;
  /** A JWT of this server for somebody else to check by its published keys. `typ` keeps it from being taken for an access token. */
  sign(typ: string, claims: Record<string, unknown>): string;
  /** Hears that some token ended, whichever; for caches of what tokens open. */
  onTokenEnded(listener: () => void): void;
  /** Registers whoever shows a person what a client asks them to approve; once, while the app is built. */
  onApprovalAsked(asker: ApprovalAsker): void;
  /** The person's answer, in the transaction that closes the question. Refuses without a fresh proof of who they are. */
  decideApproval: ApprovalsService['decide'];
  rotate: RotationVisit;
  parts: OauthInternals;
}

/** For oauth-module.ts and tests. */
export interface OauthInternals extends OauthOptions {
  keys: KeyRing;
  clients: ClientRegistry;
  resources: ResourceRegistry;
  revocations: RevocationSet;
  endings: Endings;
  tokens: AccessTokens;
  gate: RequestGate;
  /** Drops what was known of principals that a fact of identity is about. */
  forget: (kind: string) => void;
  denied: DeniedRanges;
  /** Takes the published keys into use as they are now. */
  readKeys: () => Promise<void>;
  plain: PlainClientCredentials;
  plainIntrospection: PlainIntrospection;
  statusLists: StatusLists | null;
  devices: DeviceTokensService;
  consent: ConsentService;
  grants: GrantsService;
  approvals: ApprovalsService;
  logoutCalls: LogoutCalls;
  webhooks: AgentWebhooks;
  engine: () => Engine;
}

/** The engine has its keys from its start; new ones take a new engine, while requests under way finish with the old. */
const createEngineHolder = (parts: EngineParts, keys: KeyRing, tokens: AccessTokens, guesses: ClientGuesses) => {
  const extend = (provider: Provider): void => {
    registerTokenExchange(provider, parts, tokens);
    registerJwtBearer(provider, parts);
    if (parts.config.approvals) registerApproval(provider, parts, parts.approvals);
  };
  let current: { engine: Engine; issuer: string } | null = null;
  return {
    forget: () => {
      current = null;
    },
    get: (): Engine => {
      const issuer = parts.public_url();
      if (current === null || current.issuer !== issuer) {
        current = { engine: createEngine(parts, keys.current, guesses, extend), issuer };
      }
      return current.engine;
    },
  };
};

export const createOauth = (options: OauthOptions): Oauth => {
  const { database, clock, config, identity, onError } = options;
  const db = database.read;
  let listener: KeptConnection | null = null;
  const fresh = () => listener?.connected === true;
  const access_ttl_s = Math.floor(config.accessTtlMs / 1000);
  const clients = new ClientRegistry(identity.subjects, options.secrets, fresh, optionalGrants(config));
  const resources = new ResourceRegistry({ origin: options.public_url, alg: config.signingAlg, access_ttl_s, fresh });
  const keys = new KeyRing({
    ...{ database, clock, secrets: options.secrets, alg: config.signingAlg },
    ...{ grace_ms: config.keyGraceMs, rotate_every_ms: config.keyRotationMs },
  });
  const revocations = new RevocationSet(db, clock, fresh);
  const { validated } = options;
  const tokens = new AccessTokens({ keys, clock, revocations, issuer: options.public_url, db, validated });
  const bearer = createBearerSource({
    ...{ tokens, revocations, identity, clock, origin: options.public_url, db },
    isOwnClient: async (clientId) => (await clients.facts(db, clientId))?.origin === 'operator',
  });
  const endings = createEndings(revocations, options.count);
  const sampled = new SampledFacts({ database, onError: (error) => onError(error, 'telling of clients') });
  const told = createClientFacts(sampled);
  const { agents } = config;
  const transactions =
    agents.transactionTokens && agents.trustDomain !== null
      ? createTransactions({
          ...{ keys, clock, revocations, issuer: options.public_url, trust_domain: agents.trustDomain },
        })
      : null;
  const statusLists = agents.statusLists
    ? createStatusLists({ keys, clock, db, issuer: options.public_url, revocations })
    : null;
  const tokenHook = createTokenHook(options.hooks, { clock, onError });
  const webhooks = createAgentWebhooks(options.hooks, { database, clock, subjects: identity.subjects, onError });
  const approvals = createApprovalsService({
    ...options,
    ...{ clients, resources, provider: () => engine.get().provider },
  });
  const engineParts: EngineParts = {
    ...options,
    ...{
      clients,
      resources,
      endings,
      tokens,
      keys,
      revocations,
      transactions,
      statusLists,
      tokenHook,
      approvals,
      told,
    },
  };
  const guesses = new ClientGuesses(options.limiter, database, (call, client_id) => {
    const alert = {
      alert: 'client_guessed' as const,
      target: { type: 'client', id: client_id },
      details: { client_id },
    };
    options.alerted('client_guessed');
    identity
      .raiseAlert({ ...call, caller: systemCaller({ id: nilId }), idempotency: null }, alert)
      .catch((error: unknown) => onError(error, 'raising an alert'));
  });
  const engine = createEngineHolder(engineParts, keys, tokens, guesses);
  const quick = createPlainClientCredentials({
    ...{ clients, resources, guesses, keys, clock, db },
    issuer: options.public_url,
    journal: new TokenJournal(database),
    count: options.count,
    ...{ told, tokenHook },
  });
  const clientCaller = createClientHeaders({ ...{ clients, resources, guesses, identity, clock, db }, issue: quick });
  // The quick way knows nothing of places in a list.
  const plain: PlainClientCredentials = statusLists === null ? quick : async () => null;
  const plainIntrospection = createPlainIntrospection({ clients, resources, tokens, guesses, clock, db, told });
  const denied = new DeniedRanges(db, clock);
  const gate = createRequestGate({ ...options, tokens, transactions });
  const forget = (kind: string): void => {
    bearer.invalidate(kind);
    if (kind.startsWith('identity.agent.')) clients.forgetAgents();
  };
  identity.addCredentialSource(bearer);
  identity.onChanged(({ kind }) => forget(kind));
  identity.onAgentShutOut(async (tx, { id, client_id }) => {
    await endings.client(tx, client_id, clock.now());
    await endings.subject(tx, id, clock.now());
  });
  const devices = createDeviceTokens({
    ...{ database, keys, clock, config, endings, identity, count: options.count },
    issuer: options.public_url,
  });
  identity.onDeviceJoining(devices.first);
  identity.onDeviceShutOut((tx, { id }) => endings.subject(tx, id, clock.now()));
  identity.onAgentKeyChanged(webhooks.keyChanged);
  identity.onUserDisabled((tx, userId) => endings.subject(tx, userId, clock.now()));

  const readKeys = async (): Promise<void> => {
    if (await keys.load()) engine.forget();
  };
  const onNotice = (notice: OauthNotice): void => {
    switch (notice.table) {
      case 'oauth_revocations':
        revocations.add({
          kind: notice.kind!,
          value: notice.key,
          before: new Date(notice.before!),
          expires_at: new Date(notice.expires_at!),
        });
        break;
      case 'oauth_clients':
        clients.forget(notice.key);
        break;
      case 'oauth_resources':
        resources.forget();
        break;
      case 'oauth_keys':
        readKeys().catch((error: unknown) => onError(error, 'reading signing keys'));
        break;
      case 'oauth_ip_denylist':
        denied.load().catch((error: unknown) => onError(error, 'reading denied addresses'));
        break;
    }
  };

  return {
    start: async () => {
      await keys.open(internalCall(systemCaller({ id: nilId }), newId()));
      listener = createOauthListener({
        url: options.database_url,
        onNotice,
        onConnect: async () => {
          await revocations.load();
          await denied.load();
          await readKeys();
          clients.forget(null);
          clients.forgetAgents();
          resources.forget();
        },
        onError: (error) => onError(error, 'listening for changes of tokens and keys'),
      });
      await listener.start();
    },
    stop: async () => {
      await sampled.stop();
      await listener?.stop();
    },
    refresh: (caller) =>
      caller.credential.kind === 'access_token' ? bearer.refresh(caller) : identity.refresh(caller),
    deniedAddress: denied.denied,
    clientCaller,
    sign: (typ, claims) => signServerJwtNow(keys, typ, claims),
    onTokenEnded: (listener) => revocations.onChange(listener),
    onApprovalAsked: approvals.onAsked,
    decideApproval: approvals.decide,
    rotate: keys.visit,
    parts: {
      ...options,
      ...{
        keys,
        clients,
        resources,
        revocations,
        endings,
        tokens,
        gate,
        plain,
        plainIntrospection,
        denied,
        readKeys,
        forget,
        statusLists,
        devices,
      },
      consent: createConsentService(engineParts),
      grants: createGrantsService({ database, clock, identity, endings }),
      approvals,
      webhooks,
      logoutCalls: createLogoutCalls({
        ...{ database, clock, onError, public_url: options.public_url },
        send: async (call) => {
          await loadEngine();
          return engine.get().sendLogout(call);
        },
      }),
      engine: engine.get,
    },
  };
};
