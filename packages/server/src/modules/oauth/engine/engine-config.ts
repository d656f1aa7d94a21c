import { holdsScope } from '@atrium/protocol';
import type { Client, ClientAuthMethod, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { newToken } from '../../../platform/secrets/tokens.ts';
import { type ApprovalsService, longestApprovalS, usualApprovalS } from '../approvals-service.ts';
import type { ClientFactsSampler } from '../client-facts.ts';
import { type CertificateName, carriesName, isIssued } from '../clients/client-certificates.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { createMetadataValidator, frontChannelMembers } from '../clients/registration-policy.ts';
import type { KnownResource, ResourceRegistry } from '../clients/resource-registry.ts';
import { oidcScopes } from '../clients/scopes-of-clients.ts';
import { mayIntrospect } from '../grants/plain-introspection.ts';
import type { TokenHook } from '../hooks/token-hook.ts';
import type { KeyRing, LoadedKeys } from '../keys/key-ring.ts';
import { checkSessionPath } from '../logout/session-state.ts';
import type { OauthParts } from '../oauth-parts.ts';
import { confirmCodePage, deviceDonePage, enterCodePage } from '../pages/device-pages.ts';
import { errorPage } from '../pages/error-page.ts';
import { loggedOutPage, logoutPage } from '../pages/logout-pages.ts';
import { grantsStore } from '../stores/grants-store.ts';
import type { AccessTokens } from '../tokens/access-token.ts';
import type { Endings } from '../tokens/endings.ts';
import type { RevocationSet } from '../tokens/revocation-set.ts';
import type { StatusLists } from '../tokens/status-lists.ts';
import type { Transactions } from '../tokens/transactions.ts';
import { cibaFeature } from './ciba-feature.ts';
import { createEngineAdapter } from './engine-adapter.ts';
import { createInteractionPolicy } from './interaction-policy.ts';
import { checkRequestedActor, namedAgentOf, paramsOf, requestedActor, withinAgent } from './named-agent.ts';
import { errors } from './oidc-provider.ts';
import { createEngineFetch } from './outbound.ts';
import { currentScope } from './request-scope.ts';
import { createExtraClaims, createJwtCustomizer } from './token-claims.ts';

export interface EngineParts extends OauthParts {
  clients: ClientRegistry;
  resources: ResourceRegistry;
  endings: Endings;
  told: ClientFactsSampler;
  tokens: AccessTokens;
  keys: KeyRing;
  revocations: RevocationSet;
  /** Null while they are switched off. */
  transactions: Transactions | null;
  statusLists: StatusLists | null;
  tokenHook: TokenHook;
  approvals: ApprovalsService;
}

/** What DPoP proofs may be signed with. */
export const proofAlgs = ['ES256', 'EdDSA', 'Ed25519'] as const;

export const engineRoutes = {
  authorization: '/oauth/authorize',
  backchannel_authentication: '/oauth/ciba',
  challenge: '/oauth/challenge',
  code_verification: '/device',
  credential: '/oauth/credential',
  device_authorization: '/oauth/device_authorization',
  end_session: '/oauth/logout',
  introspection: '/oauth/introspect',
  jwks: '/oauth/jwks',
  pushed_authorization_request: '/oauth/par',
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  token: '/oauth/token',
  userinfo: '/oauth/userinfo',
};

const daySeconds = 86_400;
const clientCredentials = 'client_credentials';
const defaultsApply = new Set(['authorization', 'pushed_authorization_request', 'device_authorization']);

const words = (text: unknown): string[] =>
  typeof text === 'string' ? text.split(' ').filter((word) => word !== '') : [];

/** Requests for OpenID Connect alone need no resource: their token is for userinfo. */
const isSignInOnly = (scope: unknown): boolean => {
  const asked = words(scope);
  return asked.includes('openid') && asked.every((one) => (oidcScopes as readonly string[]).includes(one));
};

const redirectOrigins = (client: Client): Set<string> =>
  new Set((client.redirectUris ?? []).flatMap((uri) => (URL.canParse(uri) ? [new URL(uri).origin] : [])));

/** What the engine is told of a resource for one client; also the place where a missing scope is filled in. */
export const resourceFor =
  ({ clients, resources, identity }: EngineParts) =>
  async (ctx: KoaContextWithOIDC, indicator: string, client: Client) => {
    const scope = currentScope();
    const [known, facts] = [
      await scope.run((db) => resources.find(db, indicator)),
      await scope.run((db) => clients.facts(db, client.clientId)),
    ];
    if (known === null || facts === null) throw new errors.InvalidTarget();
    if (facts.allowed_resources.length > 0 && !facts.allowed_resources.includes(indicator))
      throw new errors.InvalidTarget('the client may not ask for this resource');
    const params = ctx.oidc.params as Record<string, unknown> | undefined;
    if (facts.require_state && ctx.oidc.route === 'authorization' && params?.['state'] === undefined)
      throw new errors.InvalidRequest('state is required for this client');
    const own = params?.['grant_type'] === clientCredentials;
    if (own && known.built_in && facts.agent === null)
      throw new errors.InvalidTarget('the client acts for no agent of this server');
    const agent = await namedAgentOf(params, identity);
    const declared = words((client as unknown as { atrium_scope?: string }).atrium_scope);
    const allowed = (of: readonly string[]): string[] =>
      of.filter(
        (one) =>
          holdsScope(facts.scopes, one) &&
          (declared.length === 0 || holdsScope(declared, one)) &&
          withinAgent(agent, one),
      );
    const scopes = known.built_in || known.scopes.length > 0 ? allowed(known.scopes) : [];
    // A request that names no scope means the usual ones; the engine would find nothing to grant, and deny.
    if (params !== undefined && params['scope'] === undefined && (own || defaultsApply.has(ctx.oidc.route)))
      params['scope'] = (own ? scopes : allowed(known.default_scopes)).join(' ') || undefined;
    return resourceServer(known, scopes);
  };

const resourceServer = (known: KnownResource, scopes: readonly string[]) => ({
  scope: scopes.join(' '),
  audience: known.audience,
  accessTokenTTL: known.ttl_s,
  accessTokenFormat: known.format,
  jwt: { sign: { alg: known.alg } },
});

const accountFinder =
  ({ identity }: EngineParts) =>
  async (_ctx: KoaContextWithOIDC, sub: string) => {
    const scope = currentScope();
    const profile = await scope.run((db) => identity.subjects.profile(db, sub));
    if (profile === null) return undefined;
    return {
      accountId: sub,
      claims: async (_use: string, asked: string) => {
        const grantOrg = asked.includes('org') ? await orgOf() : null;
        return {
          sub,
          name: profile.name,
          ...(profile.email === null ? {} : { email: profile.email, email_verified: profile.email_verified }),
          ...(grantOrg === null ? {} : { org: grantOrg }),
        };
      },
    };

    async function orgOf() {
      const { grant } = _ctx.oidc as unknown as { grant?: { jti: string } };
      if (grant === undefined) return null;
      const row = await scope.run((db) => grantsStore.find(db, grant.jti));
      if (row === null) return null;
      const orgs = await scope.run((db) => identity.subjects.orgs(db, sub));
      const org = orgs.find(({ id }) => id === row.org_id);
      return org === undefined ? null : { id: org.id, name: org.name, role: org.role };
    }
  };

/** A grant of the same rights for this authorization, so that one device's end is not every device's. */
const existingGrant =
  ({ clients, clock, identity }: EngineParts) =>
  async (ctx: KoaContextWithOIDC) => {
    const { oidc } = ctx;
    const scope = currentScope();
    const { Grant } = oidc.provider;
    const decided = (oidc.result as { consent?: { grantId?: string } } | undefined)?.consent?.grantId;
    if (decided !== undefined) return await Grant.find(decided);
    const client_id = oidc.client!.clientId;
    const subject = oidc.account!.accountId;
    const { person } = scope;
    if (person === null || person.id !== subject) return undefined;
    const agent = await namedAgentOf(paramsOf(ctx), identity);
    const actor = agent?.id ?? null;
    const latest = await scope.run((db) => grantsStore.latest(db, { client_id, subject, actor }, clock.now()));
    const facts = await scope.run((db) => clients.facts(db, client_id));
    // That an agent acts is the person's to decide, also for software of the operator's own.
    const skips = facts?.skip_consent === true && agent === null;
    if (latest === null && !skips) return undefined;
    const grant = new Grant({ clientId: client_id, accountId: subject });
    if (latest !== null) {
      const { openid, resources, rejected } = latest.payload as Record<string, never>;
      Object.assign(grant, { openid, resources, rejected });
    }
    if (skips) grantAll(grant, ctx);
    scope.grant_actor = actor;
    scope.grant_org = latest?.org_id ?? person.org_id;
    await grant.save();
    return grant;
  };

const grantAll = (grant: InstanceType<KoaContextWithOIDC['oidc']['provider']['Grant']>, ctx: KoaContextWithOIDC) => {
  const { oidc } = ctx;
  const asked = [...(oidc.requestParamScopes as Set<string>)];
  grant.addOIDCScope(asked.filter((one) => (oidcScopes as readonly string[]).includes(one)).join(' '));
  for (const [indicator, server] of Object.entries(oidc.resourceServers ?? {}))
    grant.addResourceScope(indicator, asked.filter((one) => server.scopes.has(one)).join(' '));
};

const introspectionPolicy =
  ({ clients, resources }: EngineParts) =>
  async (_ctx: KoaContextWithOIDC, client: Client, token: { clientId: string; aud?: string | string[] }) => {
    const participants = currentScope().presented?.participants;
    if (participants !== undefined) return participants.includes(client.clientId);
    if (token.clientId === client.clientId) return true;
    if (client.clientAuthMethod === 'none') return false;
    const audience = (Array.isArray(token.aud) ? token.aud[0] : token.aud) ?? null;
    return await currentScope().run(async (db) => {
      const facts = await clients.facts(db, client.clientId);
      return facts !== null && (await mayIntrospect({ facts }, { client_id: token.clientId, audience }, resources, db));
    });
  };

const longestTransaction = 2000;

/** One act that a person is asked about in words; the resource that gets the token holds it to them. */
const validateTransaction = (_ctx: unknown, detail: Record<string, unknown>): void => {
  const { title } = detail;
  if (typeof title !== 'string' || title.trim() === '' || title.length > 300)
    throw new errors.InvalidAuthorizationDetails('title must be a text of at most 300 characters');
  if (JSON.stringify(detail).length > longestTransaction)
    throw new errors.InvalidAuthorizationDetails(`a detail must not be longer than ${longestTransaction} bytes`);
};

interface WithDetails {
  rar?: unknown[];
}

/** Details go from the consent to the token as they were asked for and allowed. */
const rarFeature = {
  enabled: true,
  types: { transaction: { validate: validateTransaction } },
  authorizationDetailsForGrantSource: (ctx: { oidc: { grant?: WithDetails } }) => ctx.oidc.grant?.rar ?? [],
  authorizationDetailsForAccessToken: (_ctx: unknown, _token: unknown, source: WithDetails | undefined) =>
    source?.rar ?? [],
  authorizationDetailsForIntrospection: (_ctx: unknown, token: WithDetails) => token.rar ?? [],
};

const clientAuthMethods = ({ certificates }: EngineParts) =>
  [
    'none',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt',
    ...(certificates === null ? [] : ['self_signed_tls_client_auth']),
    ...(certificates === null || certificates.authorities.length === 0 ? [] : ['tls_client_auth']),
  ] as ClientAuthMethod[];

/** RFC 8705 by the certificates that a proxy hands on. */
const mtlsFeature = ({ certificates, clock }: EngineParts) => ({
  enabled: certificates !== null,
  certificateBoundAccessTokens: certificates !== null,
  selfSignedTlsClientAuth: certificates !== null,
  tlsClientAuth: certificates !== null && certificates.authorities.length > 0,
  getCertificate: () => currentScope().certificate ?? undefined,
  certificateAuthorized: () => {
    const { certificate } = currentScope();
    return certificate !== null && certificates !== null && isIssued(certificate, certificates, clock.now());
  },
  certificateSubjectMatches: (_ctx: unknown, name: string, expected: string) => {
    const { certificate } = currentScope();
    return certificate !== null && carriesName(certificate, name as CertificateName, expected);
  },
});

/** Settings of the engine for one issuer and one set of keys. */
export const engineConfig = (parts: EngineParts, keys: LoadedKeys, issuer: string): Configuration => {
  const { config, clock, clients, resources } = parts;
  const host = (of: string): string => new URL(of).hostname;
  const listed = (name: string, list: readonly string[]): boolean =>
    list.some((entry) => (entry.startsWith('.') ? name.endsWith(entry) : name === entry));
  const secure = issuer.startsWith('https:');
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure, path: '/' } as const;
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const registration = config.registration !== 'off';
  const algs = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'] as const;
  return {
    adapter: createEngineAdapter({ clock, secrets: parts.secrets, clients, endings: parts.endings }),
    jwks: { keys: keys.signing },
    routes: engineRoutes,
    scopes: [...oidcScopes],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], org: ['org'] },
    responseTypes: ['code'],
    pkce: { required: () => true },
    subjectTypes: ['public'],
    clockTolerance: 5,
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    clientAuthMethods: clientAuthMethods(parts),
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: config.signingAlg,
      authorization_signed_response_alg: config.signingAlg,
      introspection_signed_response_alg: config.signingAlg,
    },
    enabledJWA: {
      clientAuthSigningAlgValues: [...algs, 'HS256'],
      requestObjectSigningAlgValues: [...algs],
      idTokenSigningAlgValues: ['ES256', 'EdDSA', 'RS256'],
      userinfoSigningAlgValues: ['ES256', 'EdDSA', 'RS256'],
      introspectionSigningAlgValues: ['ES256', 'EdDSA', 'RS256'],
      authorizationSigningAlgValues: ['ES256', 'EdDSA', 'RS256'],
      dPoPSigningAlgValues: [...proofAlgs],
    },
    cookies: {
      names: { session: 'atrium_oauth', interaction: 'atrium_interaction', resume: 'atrium_resume' },
      long: cookie,
      short: { httpOnly: true, sameSite: 'lax', signed: true, secure },
      keys: parts.keysFor('oauth cookies').map((key) => Buffer.from(key)),
    },
    clientBasedCORS: (_ctx, origin, client) =>
      client.clientAuthMethod === 'none' && redirectOrigins(client).has(origin),
    discovery: {
      service_documentation: `${issuer}/api/docs`,
      protected_resources: [`${issuer}/mcp`, `${issuer}/api/v1`, `${issuer}/v1`],
      ...(config.frontChannelLogout && {
        frontchannel_logout_supported: true,
        frontchannel_logout_session_supported: true,
      }),
      ...(config.sessionIframe && { check_session_iframe: `${issuer}${checkSessionPath}` }),
      ...(config.agents.idJag
        ? { authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'] }
        : {}),
      ...(config.approvals ? { approval_endpoint: `${issuer}/oauth/approvals` } : {}),
    },
    extraClientMetadata: {
      properties: ['atrium_scope', ...(config.frontChannelLogout ? frontChannelMembers : [])],
      validator: createMetadataValidator({ mode: config.registration }) as never,
    },
    extraParams: { [requestedActor]: checkRequestedActor as never },
    extraTokenClaims: createExtraClaims(parts) as never,
    formats: {
      bitsOfOpaqueRandomness: 256,
      customizers: { jwt: createJwtCustomizer(clock, parts.statusLists) as never },
    },
    expiresWithSession: () => false,
    issueRefreshToken: async (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') &&
      (code.scopes.has('offline_access') ||
        [...code.resourceIndicators].some((one) => one !== undefined && resources.builtInName(one) !== null)),
    rotateRefreshToken: (ctx) => {
      const { Client: client, RefreshToken: token } = ctx.oidc.entities;
      return client?.clientAuthMethod === 'none' || token?.isSenderConstrained() !== true;
    },
    loadExistingGrant: existingGrant(parts) as never,
    findAccount: accountFinder(parts) as never,
    fetch: createEngineFetch(parts.guardedFetch) as never,
    interactions: { policy: createInteractionPolicy(), url: (_ctx, { uid }) => `/oauth/interaction/${uid}` },
    renderError: (ctx, out, error) => errorPage(ctx, out as unknown as Record<string, string>, error),
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? seconds(config.accessTtlMs),
      ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? seconds(config.accessTtlMs),
      AuthorizationCode: () => seconds(config.codeTtlMs),
      BackchannelAuthenticationRequest: (ctx) =>
        Math.min(Number(ctx?.oidc.params?.['requested_expiry'] ?? usualApprovalS), longestApprovalS),
      DeviceCode: () => 600,
      Grant: () => 365 * daySeconds,
      IdToken: () => 3600,
      Interaction: () => 3600,
      RefreshToken: () => seconds(config.refreshTtlMs),
      Session: () => 30 * daySeconds,
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      ciba: cibaFeature(parts) as never,
      clientCredentials: { enabled: true },
      clientIdMetadataDocument: {
        enabled: config.clientDocuments,
        ack: 'draft-02',
        allowFetch: (_ctx, id) =>
          (config.documentHosts.length === 0 || listed(host(id), config.documentHosts)) &&
          !listed(host(id), config.documentHostsDenied),
        allowClient: (_ctx, client) => !listed(host(client.clientId), config.documentHostsDenied),
        cacheDuration: { min: 30, max: daySeconds },
      },
      deviceFlow: {
        enabled: true,
        charset: 'base-20',
        mask: '*****-*****',
        deviceInfo: () => {
          const { call } = currentScope();
          return { ip: call.ip, ua: call.user_agent };
        },
        userCodeInputSource: (ctx, _form, _out, error) => enterCodePage(ctx, error),
        userCodeConfirmSource: (ctx, _form, client, deviceInfo, userCode) =>
          confirmCodePage(ctx, client, deviceInfo as Record<string, string | null>, userCode),
        successSource: (ctx) => deviceDonePage(ctx),
      },
      dPoP: {
        enabled: true,
        nonceSecret: Buffer.from(parts.keysFor('oauth dpop nonces')[0]),
        requireNonce: () => true,
      },
      introspection: { enabled: true, allowedPolicy: introspectionPolicy(parts) as never },
      jwtIntrospection: { enabled: true },
      jwtResponseModes: { enabled: true },
      mTLS: mtlsFeature(parts) as never,
      pushedAuthorizationRequests: { enabled: true },
      registration: {
        enabled: registration,
        initialAccessToken: config.registration === 'token',
        idFactory: () => newToken('reg_').slice(0, 26),
        secretFactory: () => newToken('acs_'),
      },
      registrationManagement: { enabled: registration, rotateRegistrationAccessToken: true },
      requestObjects: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (ctx, _client, oneOf) => {
          if (Array.isArray(oneOf)) return oneOf[0]!;
          const params = ctx.oidc.params as Record<string, unknown> | undefined;
          return isSignInOnly(params?.['scope']) ? (undefined as never) : resources.usual;
        },
        getResourceServerInfo: resourceFor(parts) as never,
        useGrantedResource: () => true,
      },
      revocation: {
        enabled: true,
        // A foreign token is left alone, without a hint that it exists.
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      richAuthorizationRequests: rarFeature as never,
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx) => logoutPage(ctx),
        postLogoutSuccessSource: (ctx) => loggedOutPage(ctx),
      },
      userinfo: { enabled: true },
    },
  };
};
