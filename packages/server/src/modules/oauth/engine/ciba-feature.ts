import { holdsScope } from '@atrium/protocol';
import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import type { OauthConfig } from '../../../platform/config/config.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import { type ApprovalsService, pollIntervalS } from '../approvals-service.ts';
import type { ClientFacts, ClientRegistry } from '../clients/client-registry.ts';
import type { ResourceRegistry } from '../clients/resource-registry.ts';
import { oidcScopes } from '../clients/scopes-of-clients.ts';
import { bindingMessage, refuseForNow } from './approval-checks.ts';
import { errors } from './oidc-provider.ts';
import { currentScope } from './request-scope.ts';

interface Request {
  jti: string;
  scope?: string;
  resource?: string | string[];
  expiration: number;
}

const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter((word) => word !== '');

/** OpenID Connect CIBA in poll mode: the question goes to the person's inbox, and the engine does the rest. */
export const cibaFeature = (parts: {
  config: Pick<OauthConfig, 'ciba'>;
  clients: ClientRegistry;
  resources: ResourceRegistry;
  approvals: ApprovalsService;
}) => {
  const { clients, resources, approvals } = parts;

  const factsOf = async (client: Client): Promise<ClientFacts> => {
    const facts = await currentScope().run((db) => clients.facts(db, client.clientId));
    if (facts === null) throw new errors.InvalidClient('client not found');
    return facts;
  };

  const reachOf = async (request: Request, facts: ClientFacts) => {
    const asked = words(request.scope);
    const named = [request.resource ?? []].flat();
    const reach = new Set(asked.filter((one) => (oidcScopes as readonly string[]).includes(one)));
    for (const resource of named) {
      const known = await currentScope().run((db) => resources.find(db, resource));
      for (const one of asked) if (known?.scopes.includes(one) && holdsScope(facts.scopes, one)) reach.add(one);
    }
    return { scopes: [...reach], resources: named };
  };

  return {
    enabled: parts.config.ciba,
    deliveryModes: ['poll'] as ['poll'],

    processLoginHint: async (ctx: KoaContextWithOIDC, hint: string) =>
      (await approvals.whom(await factsOf(ctx.oidc.client!), hint))?.id,

    processLoginHintToken: () => {
      throw new errors.InvalidRequest('login_hint_token is not taken; give login_hint or id_token_hint');
    },

    /** The first thing the engine asks for; nobody is looked up before the client was counted. */
    validateRequestContext: async (ctx: KoaContextWithOIDC) => {
      const client = ctx.oidc.client!;
      if (client.clientAuthMethod === 'none')
        throw new errors.UnauthorizedClient('only clients that can prove who they are ask for approvals');
      refuseForNow(ctx, await approvals.admit(client.clientId), 'the client asks too often');
    },

    validateBindingMessage: (_ctx: KoaContextWithOIDC, message?: string) => void bindingMessage(message),

    /** The last thing it asks for before it stores the request, however the person was named. */
    verifyUserCode: async (ctx: KoaContextWithOIDC, account: { accountId: string }, userCode?: string) => {
      if (userCode !== undefined) throw new errors.InvalidRequest('user_code is not taken here');
      const person = await approvals.whom(await factsOf(ctx.oidc.client!), account.accountId);
      if (person === null) throw new errors.UnknownUserId('there is nobody to ask');
      const refused = await approvals.room(ctx.oidc.client!.clientId, person);
      refuseForNow(ctx, refused, 'the person is asked enough already');
      currentScope().asked = person;
    },

    triggerAuthenticationDevice: async (
      ctx: KoaContextWithOIDC,
      request: Request,
      _account: unknown,
      client: Client,
    ) => {
      const facts = await factsOf(client);
      const person = currentScope().asked;
      if (person === null) throw new Error('A request is stored after its person was found.');
      const params = ctx.oidc.params as { binding_message?: string; authorization_details?: string };
      const given = params.authorization_details;
      await approvals.open({
        ...{ kind: 'ciba', id_hash: hashToken(request.jti), facts, person, expires_in_s: request.expiration },
        ...(await reachOf(request, facts)),
        details: given === undefined ? [] : ([JSON.parse(given)].flat() as Record<string, unknown>[]),
        binding_message: bindingMessage(params.binding_message),
      });
      Object.assign(ctx.body as object, { interval: pollIntervalS });
    },
  };
};
