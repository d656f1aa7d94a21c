/**
 * The server that the cases are run against in runs B and C: started whole in the process of the suite, on the database
 * of the run. Where it would make its engine it makes one for each provider that a case asks for, from its own settings
 * with those of the case over them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Configuration, interactionPolicy, Provider } from 'oidc-provider';
import { startApp } from '../../../src/app/app.ts';
import type { ClientFacts } from '../../../src/modules/oauth/clients/client-registry.ts';
import { createEngine, type Engine } from '../../../src/modules/oauth/engine/engine.ts';
import { readConfig } from '../../../src/platform/config/config.ts';
import { FirstProcess } from '../../../src/platform/processes/siblings.ts';
import { createLogger } from '../../../src/platform/telemetry/logger.ts';

type EngineArguments = Parameters<typeof createEngine>;
type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;
type SuiteConfiguration = Configuration & {
  clients?: Record<string, unknown>[];
  cookies?: object;
  features?: Record<string, Record<string, unknown> | undefined>;
};

let insideRequest = (): boolean => true;

/** Whether a request is under way, in which something can still be read and written. */
export const tellRequests = (inside: () => boolean): void => {
  insideRequest = inside;
};

let captured: EngineArguments | null = null;
let asked: SuiteConfiguration | null = null;
let current: Handler | null = null;
const known = new Map<string, ClientFacts>();

/** Where the engine of this server answers, for the places where the suite looks for it. */
const places: readonly [string, string][] = [
  ['/token/introspection', '/oauth/introspect'],
  ['/token/revocation', '/oauth/revoke'],
  ['/token', '/oauth/token'],
  ['/device/auth', '/oauth/device_authorization'],
  ['/session/end', '/oauth/logout'],
  ['/request', '/oauth/par'],
  ['/auth', '/oauth/authorize'],
  ['/backchannel', '/oauth/ciba'],
  ['/challenge', '/oauth/challenge'],
  ['/credential', '/oauth/credential'],
  ['/jwks', '/oauth/jwks'],
  ['/reg', '/oauth/register'],
  ['/me', '/oauth/userinfo'],
];

export const placeOf = (route: string): string => {
  for (const [from, to] of places)
    if (route === from || (route.startsWith(from) && /^[/?]/.test(route.slice(from.length))))
      return `${to}${route.slice(from.length)}`;
  return route;
};

/** Without what is not offered, of which a client with several kinds of answers needs none. */
const withoutImplicit = (client: Record<string, unknown>): Record<string, unknown> => {
  const types = client['response_types'] as string[] | undefined;
  const grants = client['grant_types'] as string[] | undefined;
  const kept = types?.filter((type) => type === 'code');
  return {
    ...client,
    ...(kept === undefined ? {} : { response_types: kept }),
    ...(grants === undefined
      ? {}
      : {
          grant_types: grants.filter(
            (grant) =>
              grant !== 'implicit' && (grant !== 'authorization_code' || kept === undefined || kept.includes('code')),
          ),
        }),
  };
};

const suitePolicy = (policy: interactionPolicy.DefaultPolicy): interactionPolicy.DefaultPolicy => {
  policy.get('login')!.checks.remove('other_account');
  return policy;
};

/** Ours, whatever a case says: what this server lets nobody choose. */
const decided = [
  'routes',
  'pkce',
  'responseTypes',
  'subjectTypes',
  'clockTolerance',
  'acceptQueryParamAccessTokens',
  'renderError',
  'clientAuthMethods',
] as const;

/** Settings of this server with those of a case over them. `given` of the case: its clients, people, keys and storage. */
const merged = (ours: Configuration, given: SuiteConfiguration): Configuration => {
  const own = ours as Configuration & Record<string, unknown>;
  const features: Record<string, unknown> = { ...ours.features };
  for (const [name, setting] of Object.entries(given.features ?? {}))
    features[name] = { ...(features[name] as object | undefined), ...setting };
  // A nonce is asked of every proof here; cases that are not about it bring none.
  features['dPoP'] = { ...ours.features!.dPoP, requireNonce: undefined, ...given.features?.['dPoP'] };
  if ((features['dPoP'] as { requireNonce?: unknown }).requireNonce === undefined)
    delete (features['dPoP'] as { requireNonce?: unknown }).requireNonce;
  // Who may register is decided by an operator's token here; cases that are not about it bring none.
  if (given.features?.['registration'] !== undefined)
    features['registration'] = {
      ...ours.features!.registration,
      initialAccessToken: false,
      ...given.features['registration'],
    };
  // What a scope is good for is read from rows that cases do not have.
  if (given.features?.['resourceIndicators'] === undefined)
    features['resourceIndicators'] = { ...ours.features!.resourceIndicators, defaultResource: () => undefined };
  const { loadExistingGrant: _grant, cookies: _cookies, interactions, extraTokenClaims, ...rest } = own;
  return {
    ...rest,
    // Cases leave out the address of clients that have one.
    allowOmittingSingleRegisteredRedirectUri: true,
    // Cases make tokens outside of any request.
    extraTokenClaims: (ctx, token) =>
      ctx === undefined || !insideRequest() ? undefined : extraTokenClaims?.(ctx, token),
    ...given,
    ...Object.fromEntries(decided.map((name) => [name, own[name]])),
    interactions: {
      ...interactions,
      policy: suitePolicy(interactions!.policy as interactionPolicy.DefaultPolicy),
      ...given.interactions,
    },
    clientDefaults: { ...ours.clientDefaults, ...given.clientDefaults },
    ...(given.clients === undefined ? {} : { clients: given.clients.map(withoutImplicit) }),
    features,
  } as Configuration;
};

export const mergedWithAsked = (ours: Configuration): Configuration => (asked === null ? ours : merged(ours, asked));

const factsOf = (client: Record<string, unknown>): ClientFacts => ({
  ...{ client_id: String(client['client_id']), origin: 'operator', name: 'Suite', org_id: null, agent: null },
  ...{ scopes: [], allowed_resources: [], allowed_actors: [] },
  ...{ require_state: false, skip_consent: false, created_at: null },
});

/** For the server that is started: takes what its engines are made from, and answers with the provider of the case. */
export const captureEngine = (...given: EngineArguments): Engine => {
  captured = given;
  const [{ clients }] = given;
  const facts = clients.facts.bind(clients);
  clients.facts = async (db, clientId) => known.get(clientId) ?? (await facts(db, clientId));
  const engine = createEngine(...given);
  return {
    ...engine,
    handle: (request, response) => (current === null ? engine.handle(request, response) : current(request, response)),
  };
};

export const answerWith = (handler: Handler): void => {
  current = handler;
};

export const createProvider = (issuer: string, configuration: SuiteConfiguration): Provider => {
  if (captured === null) throw new Error('The server has not been started.');
  const [parts, keys, guesses, extend] = captured;
  known.clear();
  for (const client of configuration.clients ?? []) known.set(String(client['client_id']), factsOf(client));
  asked = configuration;
  try {
    return createEngine({ ...parts, public_url: () => issuer }, keys, guesses, extend).provider;
  } finally {
    asked = null;
  }
};

/** The server, listening on a port of its own; its address. */
export const startHost = async (options: { database_url: string; data_dir: string; public_url: string }) => {
  const read = readConfig({
    environment: {
      DATABASE_URL: options.database_url,
      ATRIUM_DATA_DIR: options.data_dir,
      ATRIUM_PUBLIC_URL: options.public_url,
      ATRIUM_PORT: '0',
      ATRIUM_OAUTH_CIBA: 'true',
      // The other way to register takes programs on the own machine alone.
      ATRIUM_OAUTH_REGISTRATION: 'token',
      // Its durable work would wake by the clock that cases move.
      ATRIUM_ROLE: 'api',
      ATRIUM_DISCOVERY_ENABLED: 'false',
      ATRIUM_CONTAINERS_RUNTIME: 'off',
      ATRIUM_RATE_LIMIT_ADDRESS: '1000000',
    },
    file: null,
  });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const app = await startApp({
    values: read.values,
    clock: { now: () => new Date() },
    log: createLogger('fatal'),
    version: '0.0.0',
    web_root: null,
    siblings: new FirstProcess(),
    process_number: 1,
    stopping: new AbortController().signal,
  });
  // The first request makes the engine.
  await fetch(`${app.address}/.well-known/openid-configuration`).then((answer) => answer.arrayBuffer());
  if (captured === null) throw new Error('The server made no engine.');
  return app;
};
