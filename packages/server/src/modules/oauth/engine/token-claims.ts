import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../../platform/clock/clock.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { AgentClient, IdentityService } from '../../identity/index.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { type HookClaims, type TokenHook, TokenRefused } from '../hooks/token-hook.ts';
import { nilId, oauthEvents } from '../oauth-events.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import { grantsStore } from '../stores/grants-store.ts';
import type { AccessTokens } from '../tokens/access-token.ts';
import type { StatusLists } from '../tokens/status-lists.ts';
import { errors } from './oidc-provider.ts';
import { currentScope } from './request-scope.ts';

type Token = AccessToken | ClientCredentials;

/** What a token says of the key of its agent, so that whoever gets it can check signatures without asking back. */
interface KeyClaims {
  identity_id: string;
  public_key: string;
  fingerprint: string;
  'moltnet:identity_id': string;
  'moltnet:public_key': string;
  'moltnet:fingerprint': string;
}

/** Under both names that clients look for; nothing for an agent without a key. */
export const keyClaims = ({
  id,
  public_key,
  fingerprint,
}: Pick<AgentClient, 'id' | 'public_key' | 'fingerprint'>): Partial<KeyClaims> =>
  public_key === null || fingerprint === null
    ? {}
    : {
        ...{ identity_id: id, public_key, fingerprint },
        ...{ 'moltnet:identity_id': id, 'moltnet:public_key': public_key, 'moltnet:fingerprint': fingerprint },
      };

const keyClaimNames = ['identity_id', 'public_key', 'fingerprint'] as const;

/** What a token that is exchanged said of the key of its subject, for the one that it becomes. */
export const keyClaimsIn = (claims: Readonly<Record<string, unknown>>): Partial<KeyClaims> =>
  Object.fromEntries(
    keyClaimNames
      .flatMap((name) => [name, `moltnet:${name}`])
      .flatMap((name) => (typeof claims[name] === 'string' ? [[name, claims[name]]] : [])),
  );

/** Claims of our own beside those of RFC 9068. They stand in JWTs and in answers to introspection. */
export type TokenExtra = {
  /** The principal when it is not the account: the agent of a client. */
  sub?: string;
  org?: string;
  actor_type?: string;
  grant_id?: string;
  auth_time?: number;
  amr?: readonly string[];
  acr?: string;
  act?: Record<string, unknown>;
  may_act?: Record<string, unknown>;
} & Partial<KeyClaims> &
  HookClaims;

interface ClaimsParts {
  clients: ClientRegistry;
  tokens: AccessTokens;
  identity: Pick<IdentityService, 'subjects'>;
  tokenHook: TokenHook;
}

interface Source {
  authTime?: number;
  amr?: string[];
  acr?: string;
}

/** What operators say of an agent's token. Their no is one of the token endpoint. */
const hookClaims = async ({ tokenHook }: ClaimsParts, token: Token, agent: AgentClient): Promise<HookClaims> => {
  if (tokenHook === null) return {};
  const { resourceServer, scope } = token as unknown as { resourceServer?: { audience?: string }; scope?: string };
  try {
    return await tokenHook({ agent, resource: resourceServer?.audience ?? null, scopes: scope?.split(' ') ?? [] });
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    const Refusal = error.code === 'access_denied' ? errors.AccessDenied : errors.TemporarilyUnavailable;
    throw new Refusal(error.message);
  }
};

const defined = (extra: Record<string, unknown>): TokenExtra =>
  Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== undefined)) as TokenExtra;

/**
 * The agent that the person agreed to. It acts when it proves itself by a token of its own, or when an operator lets the
 * client speak for it; otherwise the token says that the agent may exchange it and act then.
 */
const actorClaims = async (
  { clients, tokens, identity }: ClaimsParts,
  actor: string,
  clientId: string,
): Promise<Pick<TokenExtra, 'act' | 'may_act'>> => {
  const scope = currentScope();
  const agent = await scope.run((db) => identity.subjects.namedAgent(db, actor));
  if (agent === null) throw new errors.InvalidGrant('the agent that acts is gone');
  const named = { sub: agent.id, client_id: agent.client_id };
  if (scope.actor_token !== null) {
    const proof = await tokens.verify(scope.actor_token, scope.db);
    if (proof?.subject !== agent.id) {
      scope.spends_nothing = true;
      throw new errors.InvalidGrant('actor_token is not a live token of the agent that acts');
    }
    return { act: named };
  }
  const facts = await scope.run((db) => clients.facts(db, clientId));
  const vouched = facts?.allowed_actors.some((one) => one === agent.id || one === agent.client_id) === true;
  return vouched ? { act: named } : { may_act: named };
};

/** What a token says of its principal. A grant type of our own may have said it already. */
export const createExtraClaims =
  (parts: ClaimsParts) =>
  async (ctx: KoaContextWithOIDC, token: Token): Promise<Record<string, unknown> | undefined> => {
    const given = (token as { extra?: TokenExtra }).extra;
    if (given !== undefined) return given;
    const scope = currentScope();
    if (token.kind === 'ClientCredentials') {
      const facts = await scope.run((db) => parts.clients.facts(db, token.clientId!));
      const { agent, org_id } = facts!;
      return agent === null
        ? defined({ org: org_id ?? undefined, actor_type: 'service' })
        : defined({
            ...{ sub: agent.id, org: agent.org_id, actor_type: agent.kind },
            ...keyClaims(agent),
            ...(await hookClaims(parts, token, agent)),
          });
    }
    const { grantId } = token as AccessToken;
    const grant = grantId === undefined ? null : await scope.run((db) => grantsStore.find(db, grantId));
    const { RefreshToken, AuthorizationCode, DeviceCode, BackchannelAuthenticationRequest } = ctx.oidc
      .entities as Record<string, Source | undefined>;
    const source = RefreshToken ?? AuthorizationCode ?? DeviceCode ?? BackchannelAuthenticationRequest;
    return defined({
      org: grant?.org_id,
      actor_type: 'user',
      grant_id: grantId,
      auth_time: source?.authTime,
      amr: source?.amr,
      acr: source?.acr,
      ...(grant?.actor == null ? {} : await actorClaims(parts, grant.actor, token.clientId!)),
    });
  };

/** The last step before a JWT is signed: its subject is the principal, and its row is written. */
export const createJwtCustomizer =
  (clock: Clock, statusLists: StatusLists | null) =>
  async (_ctx: KoaContextWithOIDC, token: Token, parts: { payload: Record<string, unknown> }): Promise<void> => {
    const { payload } = parts;
    const extra = ((token as { extra?: TokenExtra }).extra ?? {}) as TokenExtra;
    if (extra.sub !== undefined) payload['sub'] = extra.sub;
    const place = statusLists === null ? null : await currentScope().write((tx) => statusLists.claim(tx.db));
    if (place !== null) payload['status'] = place.status;
    const row = {
      id: newId(),
      hash: hashToken(String(payload['jti'])),
      format: 'jwt' as const,
      kind: token.kind as 'AccessToken' | 'ClientCredentials',
      grant_id: extra.grant_id ?? null,
      client_id: token.clientId!,
      subject: String(payload['sub']),
      org_id: extra.org ?? null,
      actor: extra.act ?? null,
      resource: String(payload['aud']),
      scopes: String(payload['scope'] ?? '')
        .split(' ')
        .filter((one) => one !== ''),
      payload: null,
      ...(place === null ? {} : { status_position: place.position }),
      created_at: clock.now(),
      expires_at: new Date(Number(payload['exp']) * 1000),
    };
    await currentScope().write(async (tx) => {
      await accessTokensStore.insert(tx.db, row);
      const { client_id, subject, scopes, resource } = row;
      tx.emit({
        kind: oauthEvents.tokenIssued,
        id: row.id,
        org_id: row.org_id ?? nilId,
        body: { client_id, subject, scopes, resource },
      });
    });
  };
