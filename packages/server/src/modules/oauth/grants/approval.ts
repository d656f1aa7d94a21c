import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { isUuid } from '../../../platform/ids/ids.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import { type ApprovalsService, longestApprovalS, pollIntervalS, usualApprovalS } from '../approvals-service.ts';
import type { ClientFacts } from '../clients/client-registry.ts';
import { approvalGrant } from '../clients/optional-grants.ts';
import { bindingMessage, refusal, refuseForNow } from '../engine/approval-checks.ts';
import type { EngineParts } from '../engine/engine-config.ts';
import { resourceFor } from '../engine/engine-config.ts';
import { errors, grantHelpers } from '../engine/oidc-provider.ts';
import { currentScope } from '../engine/request-scope.ts';
import { type ApprovalRow, approvalsStore } from '../stores/approvals-store.ts';
import { issueToken } from './issue-token.ts';

interface Params {
  approval_id?: string;
  login_hint?: string;
  sub?: string;
  binding_message?: string;
  authorization_details?: string;
  scope?: string;
  resource?: string | string[];
  requested_expiry?: string;
}

/** One transaction is worth one short moment. */
const tokenLifeMs = 300_000;

const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter((word) => word !== '');

const lifetime = (asked: string | undefined): number => {
  if (asked === undefined) return usualApprovalS;
  const seconds = Number(asked);
  if (!Number.isSafeInteger(seconds) || seconds < 1)
    throw new errors.InvalidRequest('requested_expiry must be a number of seconds');
  return Math.min(seconds, longestApprovalS);
};

const view = (row: ApprovalRow, now: Date) => ({
  id: row.id,
  state: row.state === 'pending' && row.expires_at <= now ? 'expired' : row.state,
  subject: row.subject,
  authorization_details: row.details,
  ...(row.scopes.length === 0 ? {} : { scope: row.scopes.join(' ') }),
  resource: row.resources[0],
  ...(row.binding_message === null ? {} : { binding_message: row.binding_message }),
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
  decided_at: row.decided_at?.toISOString() ?? null,
});

/**
 * Approval of one transaction by a person. The endpoint that asks and the polls for the answer are one grant type, so
 * that the engine authenticates clients for both alike.
 */
export const registerApproval = (provider: Provider, parts: EngineParts, approvals: ApprovalsService): void => {
  const { clients, clock } = parts;

  const factsOf = async (ctx: KoaContextWithOIDC): Promise<ClientFacts> => {
    const client = ctx.oidc.client!;
    if (client.clientAuthMethod === 'none')
      throw new errors.UnauthorizedClient('only clients that can prove who they are ask for approvals');
    const facts = await currentScope().run((db) => clients.facts(db, client.clientId));
    if (facts === null) throw new errors.InvalidClient('client not found');
    return facts;
  };

  /** The engine has checked the form of it. */
  const transactionOf = (params: Params): Record<string, unknown> => {
    const given = params.authorization_details;
    if (given === undefined) throw new errors.InvalidRequest('missing required parameter authorization_details');
    const [detail, ...others] = [JSON.parse(given)].flat() as Record<string, unknown>[];
    if (detail === undefined || others.length > 0)
      throw new errors.InvalidAuthorizationDetails('describe one transaction');
    return detail;
  };

  const targetOf = async (ctx: KoaContextWithOIDC, params: Params) => {
    const [resource, ...others] = [params.resource ?? []].flat();
    if (resource === undefined || others.length > 0) throw new errors.InvalidTarget('name one resource');
    const asked = words(params.scope);
    const may = words((await resourceFor(parts)(ctx, resource, ctx.oidc.client!)).scope);
    const beyond = asked.filter((scope) => !may.includes(scope));
    if (beyond.length > 0) throw new errors.InvalidScope('the client may not have it', beyond.join(' '));
    return { resource, scopes: [...new Set(asked)] };
  };

  const open = async (ctx: KoaContextWithOIDC, facts: ClientFacts): Promise<void> => {
    const params = ctx.oidc.params as Params;
    refuseForNow(ctx, await approvals.admit(facts.client_id), 'the client asks too often');
    const transaction = transactionOf(params);
    const message = bindingMessage(params.binding_message);
    const expires_in_s = lifetime(params.requested_expiry);
    const { resource, scopes } = await targetOf(ctx, params);
    if (params.login_hint !== undefined && params.sub !== undefined)
      throw new errors.InvalidRequest('give either login_hint or sub');
    const hint = params.sub ?? params.login_hint;
    if (hint === undefined && facts.agent === null)
      throw new errors.InvalidRequest('say who is asked, by login_hint or sub');
    const person = await approvals.whom(facts, hint);
    if (person === null) throw new errors.UnknownUserId('there is nobody to ask');
    refuseForNow(ctx, await approvals.room(facts.client_id, person), 'the person is asked enough already');
    const approval_id = newToken('apr_');
    const { id } = await approvals.open({
      ...{ kind: 'transaction', id_hash: hashToken(approval_id), facts, person, scopes, expires_in_s },
      ...{ details: [transaction], resources: [resource], binding_message: message },
    });
    ctx.status = 201;
    ctx.body = { id, approval_id, expires_in: expires_in_s, interval: pollIntervalS };
  };

  const own = async (facts: ClientFacts, id: string): Promise<ApprovalRow> => {
    const { client_id } = facts;
    const row = isUuid(id) ? await currentScope().run((db) => approvalsStore.find(db, { id, client_id })) : null;
    if (row === null) throw refusal(404, 'not_found', 'the client has no such approval');
    return row;
  };

  const withdraw = async (ctx: KoaContextWithOIDC, facts: ClientFacts, id: string): Promise<void> => {
    if (!(await approvals.withdraw(await own(facts, id))))
      throw refusal(409, 'invalid_request', 'the approval was decided, or is over');
    ctx.status = 204;
  };

  const polled = async (facts: ClientFacts, approval_id: string | undefined): Promise<ApprovalRow> => {
    if (approval_id === undefined) throw new errors.InvalidRequest('missing required parameter approval_id');
    const scope = currentScope();
    const of = { id_hash: hashToken(approval_id), client_id: facts.client_id };
    const find = () => scope.run((db) => approvalsStore.findPolled(db, of));
    if ((await find()) === null) throw new errors.InvalidGrant('approval not found');
    const inTime = await scope.write((tx) => approvalsStore.paceByHash(tx.db, of.id_hash, clock.now()));
    if (!inTime) throw new errors.SlowDown();
    // Read again behind the lock of the pace: whoever polls at the same time comes after this answer.
    const row = await find();
    if (row === null || row.consumed_at !== null || row.state === 'withdrawn')
      throw new errors.InvalidGrant('approval is over');
    return row;
  };

  const spend = async (row: ApprovalRow): Promise<void> => {
    if (!(await currentScope().write((tx) => approvalsStore.consume(tx.db, row.id, clock.now()))))
      throw new errors.InvalidGrant('approval is over');
  };

  const poll = async (ctx: KoaContextWithOIDC, facts: ClientFacts): Promise<void> => {
    // Before the pace is counted: a client that first has to fetch a nonce comes again at once.
    await grantHelpers.validateDpop(ctx.oidc.provider, ctx);
    const row = await polled(facts, (ctx.oidc.params as Params).approval_id);
    const now = clock.now();
    if (row.expires_at <= now) throw new errors.ExpiredToken('the approval has expired');
    if (row.state === 'pending') throw new errors.AuthorizationPending();
    if (row.state === 'denied') {
      await spend(row);
      throw new errors.AccessDenied('the person denied the request');
    }
    if (!(await approvals.stillStands(row))) throw new errors.InvalidGrant('the person is not there any more');
    const [resource] = row.resources as [string];
    const may = words((await resourceFor(parts)(ctx, resource, ctx.oidc.client!)).scope);
    const { agent, client_id } = facts;
    ctx.body = await issueToken(ctx, parts, {
      subject: row.subject,
      resource,
      scopes: row.scopes.filter((scope) => may.includes(scope)),
      grant_id: null,
      not_after: new Date(now.getTime() + tokenLifeMs),
      details: row.details,
      spend: () => spend(row),
      extra: {
        org: row.org_id,
        actor_type: 'user',
        ...(agent === null ? {} : { act: { sub: agent.id, client_id } }),
        ...(row.proof === null
          ? {}
          : {
              auth_time: Math.floor(Date.parse(row.proof.auth_time) / 1000),
              acr: row.proof.acr,
              amr: row.proof.amr,
            }),
      },
    });
  };

  const grant = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const facts = await factsOf(ctx);
    const { approval } = currentScope();
    if (approval === null) return await poll(ctx, facts);
    switch (approval.act) {
      case 'open':
        return await open(ctx, facts);
      case 'read':
        ctx.body = view(await own(facts, approval.id), clock.now());
        return;
      case 'withdraw':
        return await withdraw(ctx, facts, approval.id);
      default:
        return approval satisfies never;
    }
  };

  provider.registerGrantType(
    approvalGrant,
    grant as never,
    [
      'approval_id',
      'login_hint',
      'sub',
      'binding_message',
      'authorization_details',
      'scope',
      'resource',
      'requested_expiry',
    ],
    ['resource'],
  );
};
