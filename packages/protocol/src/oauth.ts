import { z } from 'zod';
import { actor, byId, defineOperation, id, nothing, page, pageInput, time } from './operation.ts';

/* ---------- connected applications ---------- */

export const connectedApp = z.object({
  id: id.describe('of the newest authorization'),
  client: z.object({
    client_id: z.string(),
    name: z.string(),
    host: z.string().nullable().describe('of the document that the client is, or of where its answers go'),
    verified: z.boolean().describe('registered by the operator of this server'),
  }),
  org: z.object({ id, name: z.string() }),
  agents: z.array(actor).describe('through which it acts for you; empty: it acts for you by itself'),
  scopes: z.array(z.string()).describe('of all its authorizations together, as are the resources'),
  resources: z.array(z.string()),
  authorizations: z.int().describe('how many programs of this application are connected'),
  created_at: time,
  last_used_at: time,
  expires_at: time,
});
export type ConnectedApp = z.infer<typeof connectedApp>;

export const connectedAppsList = defineOperation({
  name: 'connected_apps.list',
  summary: 'List the applications you allowed something',
  method: 'GET',
  path: '/api/v1/me/grants',
  access: 'signed_in',
  scope: 'account:read',
  permission: null,
  principals: ['user'],
  input: z.strictObject(pageInput),
  output: page(connectedApp),
  status: 200,
  errors: ['bad_request'],
});

export const connectedAppsWithdraw = defineOperation({
  name: 'connected_apps.withdraw',
  summary: 'Withdraw what you allowed an application; all its tokens for you end at once',
  method: 'DELETE',
  path: '/api/v1/me/grants/{id}',
  access: 'signed_in',
  scope: 'account:write',
  permission: null,
  principals: ['user'],
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const oauthOperations = [connectedAppsList, connectedAppsWithdraw] as const;
