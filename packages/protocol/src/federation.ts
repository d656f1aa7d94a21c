import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/** Other Atrium servers that share apps with this one. Peers belong to the server, apps to their organisations. */

export const peerStates = ['online', 'offline'] as const;
export const peerRuleMatches = ['email', 'group'] as const;
const certificatePin = z.string().regex(/^sha256\/[A-Za-z0-9+/]{43}=$/, 'must be sha256/ and 43 characters of base64');

export const peerView = z.object({
  id: id.describe('of the other server, made at its first start'),
  name: z.string(),
  address: z.string().nullable().describe('where it is reached; null when it only reaches us'),
  state: z.enum(peerStates),
  dials: z.boolean().describe('this server opens the link'),
  joined_by: z.enum(['invitation', 'cluster_secret']),
  fingerprint: z.string().describe('SHA-256 of its key, in hex: compare it over another channel'),
  pins: z.array(z.string()).describe('certificate keys that it may show'),
  offered_pin: z.string().nullable().describe('a certificate key that it showed and that was refused'),
  remote_routes: z.boolean().describe('it lets its apps be opened through the link'),
  apps: z.int().describe('apps that it publishes to us'),
  last_seen_at: time.nullable(),
  last_sync_at: time.nullable(),
  last_error: z.string().nullable(),
  joined_at: time,
});
export type PeerView = z.infer<typeof peerView>;

export const remoteAppView = z.object({
  peer_id: id,
  peer_name: z.string(),
  app: id.describe('of the app at its owner'),
  slug: z.string(),
  name: z.string(),
  icon: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  openable: z.boolean().describe('it has a path there, so that it can be opened through the link'),
  local_app_id: id.nullable().describe('the app that opens it here; null while there is none'),
  local_slug: z.string().nullable(),
  updated_at: time,
});
export type RemoteAppView = z.infer<typeof remoteAppView>;

export const publicationView = z.object({
  app_id: id,
  slug: z.string(),
  name: z.string(),
  peer_ids: z.array(id).nullable().describe('who sees it; null for every peer'),
  published_by: actor,
  published_at: time,
});
export type PublicationView = z.infer<typeof publicationView>;

export const peerRuleView = z.object({
  id,
  peer_id: id,
  match: z.enum(peerRuleMatches),
  value: z.string(),
  app_id: id.nullable().describe('null for every app that is published to the peer'),
  created_by: actor,
  created_at: time,
});
export type PeerRuleView = z.infer<typeof peerRuleView>;

export const peerInvitationView = z.object({
  id,
  note: z.string(),
  created_by: actor,
  created_at: time,
  expires_at: time,
  used_at: time.nullable(),
  used_by: id.nullable().describe('the peer that joined'),
});
export type PeerInvitationView = z.infer<typeof peerInvitationView>;

export const neighbourStates = ['new', 'peer', 'other_key'] as const;
export const neighbourView = z.object({
  id: id.describe('as it says itself'),
  name: z.string(),
  address: z.string().describe('where it says it is reached'),
  fingerprint: z.string().describe('SHA-256 of the key that it announces, in hex'),
  state: z
    .enum(neighbourStates)
    .describe('other_key: it has the id of a peer and announces another key, so it is another server or an impostor'),
  first_seen_at: time,
  last_seen_at: time,
});
export type NeighbourView = z.infer<typeof neighbourView>;

const manages = { access: 'signed_in', permission: 'federation.manage', operator: true } as const;
const reads = { ...manages, scope: 'gateway:read', method: 'GET', status: 200 } as const;
const writes = { ...manages, scope: 'gateway:write' } as const;

export const federationStatus = defineOperation({
  ...reads,
  name: 'federation.status',
  summary: 'Show this server as its peers see it',
  path: '/api/v1/federation/status',
  input: noInput,
  output: z.object({
    enabled: z.boolean(),
    id: id.nullable().describe('null before federation was ever on'),
    name: z.string(),
    address: z.string(),
    fingerprint: z.string().nullable(),
    pins: z.array(z.string()),
    allow_remote_routes: z.boolean(),
    cluster: z.boolean().describe('a cluster secret is set'),
    peers: z.int(),
    online: z.int(),
    published: z.int(),
    received: z.int(),
  }),
  errors: [],
  mcp: { tool: 'federation_status', title: 'Show the federation', read_only: true },
});

export const federationPeers = defineOperation({
  ...reads,
  name: 'federation.peers',
  summary: 'List peers, by name',
  path: '/api/v1/federation/peers',
  input: z.strictObject({ state: z.enum(peerStates).optional(), ...pageInput }),
  output: page(peerView),
  errors: ['bad_request'],
  mcp: { tool: 'federation_peers', title: 'List peers', read_only: true },
});

export const federationPeer = defineOperation({
  ...reads,
  name: 'federation.peer',
  summary: 'Show a peer',
  path: '/api/v1/federation/peers/{id}',
  input: byId,
  output: peerView,
  errors: ['not_found'],
  mcp: { tool: 'federation_peer', title: 'Show a peer', read_only: true },
});

export const federationRemovePeer = defineOperation({
  ...writes,
  name: 'federation.remove_peer',
  summary: 'End the trust in a peer: its link, its apps here and its rules go',
  method: 'DELETE',
  path: '/api/v1/federation/peers/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
  mcp: { tool: 'federation_remove_peer', title: 'Remove a peer', destructive: true },
});

export const federationTrust = defineOperation({
  ...writes,
  name: 'federation.trust',
  summary: 'Accept another certificate key of a peer',
  description:
    'A peer that shows a certificate key which is not known is refused. Compare the pin with the one that its operator ' +
    'sees, then accept it. Renewals are told over the link and need none of this.',
  method: 'POST',
  path: '/api/v1/federation/peers/{id}/trust',
  input: z.strictObject({ id, pin: certificatePin }),
  output: peerView,
  status: 200,
  errors: ['not_found'],
});

export const federationSync = defineOperation({
  ...writes,
  name: 'federation.sync',
  summary: 'Exchange whole catalogues with every peer now',
  method: 'POST',
  path: '/api/v1/federation/sync',
  input: z.strictObject({}),
  output: z.object({ peers: z.int().describe('online peers that are asked') }),
  status: 200,
  errors: ['federation_off'],
  mcp: { tool: 'federation_sync', title: 'Synchronise peers', idempotent: true },
});

export const federationInvite = defineOperation({
  ...writes,
  name: 'federation.invite',
  summary: 'Invite another server; the invitation is shown once and is good once',
  method: 'POST',
  path: '/api/v1/federation/invitations',
  input: z.strictObject({
    note: z.string().trim().max(200).default(''),
    expires_in_minutes: z.int().min(5).max(10_080).default(60),
  }),
  output: peerInvitationView.extend({ invitation: z.string().describe('for federation.join at the other server') }),
  status: 201,
  errors: ['federation_off'],
  idempotency: 'header',
});

export const federationInvitations = defineOperation({
  ...reads,
  name: 'federation.invitations',
  summary: 'List invitations of servers, newest first',
  path: '/api/v1/federation/invitations',
  input: z.strictObject(pageInput),
  output: page(peerInvitationView),
  errors: ['bad_request'],
});

export const federationRevokeInvitation = defineOperation({
  ...writes,
  name: 'federation.revoke_invitation',
  summary: 'Revoke an invitation that nobody has used',
  method: 'DELETE',
  path: '/api/v1/federation/invitations/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const federationJoin = defineOperation({
  ...writes,
  name: 'federation.join',
  summary: 'Join the server that sent an invitation',
  method: 'POST',
  path: '/api/v1/federation/join',
  input: z.strictObject({ invitation: z.string().trim().min(20).max(4000) }),
  output: peerView,
  status: 201,
  errors: ['validation_failed', 'federation_off', 'federation_refused'],
});

export const federationNeighbours = defineOperation({
  ...reads,
  name: 'federation.neighbours',
  summary: 'List servers that announce themselves in the local network, by name',
  description:
    'With ATRIUM_FEDERATION_MDNS. What they say of themselves is not proven, and none of them is a peer before an operator ' +
    'pairs with it or joins it by an invitation.',
  path: '/api/v1/federation/neighbours',
  input: z.strictObject(pageInput),
  output: page(neighbourView),
  errors: ['bad_request'],
  mcp: { tool: 'federation_neighbours', title: 'List servers of the local network', read_only: true },
});

export const federationPair = defineOperation({
  ...writes,
  name: 'federation.pair',
  summary: 'Join a server of the local network that knows the same cluster secret',
  description:
    'It has to prove the key that it announced. Without a cluster secret, ask its operator for an invitation.',
  method: 'POST',
  path: '/api/v1/federation/neighbours/{id}/pair',
  input: byId,
  output: peerView,
  status: 201,
  errors: ['not_found', 'federation_off', 'federation_refused'],
});

export const federationPublications = defineOperation({
  ...reads,
  name: 'federation.publications',
  summary: 'List apps of the organisation that peers see, by slug',
  path: '/api/v1/federation/publications',
  input: z.strictObject(pageInput),
  output: page(publicationView),
  errors: ['bad_request'],
  mcp: { tool: 'federation_publications', title: 'List published apps', read_only: true },
});

export const federationPublish = defineOperation({
  ...writes,
  name: 'federation.publish',
  summary: 'Show an app to peers, or change to which ones',
  description:
    'Peers see name, icon, tags and description. Who of theirs may open it is decided by rules: see federation.add_rule.',
  method: 'PUT',
  path: '/api/v1/federation/publications/{app_id}',
  input: z.strictObject({ app_id: id, peer_ids: z.array(id).max(100).nullable().default(null) }),
  output: publicationView,
  status: 200,
  errors: ['not_found', 'validation_failed', 'federation_off'],
  mcp: { tool: 'federation_publish', title: 'Publish an app to peers', idempotent: true },
});

export const federationUnpublish = defineOperation({
  ...writes,
  name: 'federation.unpublish',
  summary: 'Take an app back from all peers',
  method: 'DELETE',
  path: '/api/v1/federation/publications/{app_id}',
  input: z.strictObject({ app_id: id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
  mcp: { tool: 'federation_unpublish', title: 'Take an app back from peers', destructive: true },
});

export const federationCatalogue = defineOperation({
  ...reads,
  name: 'federation.catalogue',
  summary: 'List apps that peers publish to this server, by name',
  path: '/api/v1/federation/apps',
  input: z.strictObject({ peer_id: id.optional(), ...pageInput }),
  output: page(remoteAppView),
  errors: ['bad_request'],
  mcp: { tool: 'federation_catalogue', title: 'List apps of peers', read_only: true },
});

export const federationMount = defineOperation({
  ...writes,
  name: 'federation.mount',
  summary: 'Make an app here that opens an app of a peer through the link',
  description:
    'Its route says who of this organisation may ask; the owner decides again about each request by rules of its own.',
  method: 'POST',
  path: '/api/v1/federation/apps/{peer_id}/{app}/mount',
  input: z.strictObject({
    peer_id: id,
    app: id,
    slug: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'takes letters, digits, - and _, at most 64')
      .optional()
      .describe('default: the slug at its owner'),
    access: z.enum(['signed_in', 'people']).default('signed_in'),
    people: z
      .strictObject({
        user_ids: z.array(id).max(200).default([]),
        team_ids: z.array(id).max(200).default([]),
        role_ids: z.array(id).max(200).default([]),
      })
      .optional(),
  }),
  output: remoteAppView,
  status: 201,
  errors: ['not_found', 'name_taken', 'gateway_route_conflict', 'federation_off', 'federation_refused'],
});

export const federationUnmount = defineOperation({
  ...writes,
  name: 'federation.unmount',
  summary: 'Remove the app here that opens an app of a peer',
  method: 'DELETE',
  path: '/api/v1/federation/apps/{peer_id}/{app}/mount',
  input: z.strictObject({ peer_id: id, app: id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const federationRules = defineOperation({
  ...reads,
  name: 'federation.rules',
  summary: 'List rules about who of a peer may open published apps, newest first',
  path: '/api/v1/federation/rules',
  input: z.strictObject({ peer_id: id.optional(), ...pageInput }),
  output: page(peerRuleView),
  errors: ['bad_request'],
});

export const federationAddRule = defineOperation({
  ...writes,
  name: 'federation.add_rule',
  summary: 'Let a person or a group of a peer open published apps',
  description:
    'Without a rule everybody of a peer is a stranger. `email`: the verified address that the peer vouches for. `group`: ' +
    'the slug of a team there.',
  method: 'POST',
  path: '/api/v1/federation/rules',
  input: z.strictObject({
    peer_id: id,
    match: z.enum(peerRuleMatches),
    value: z.string().trim().toLowerCase().min(1).max(254),
    app_id: id.nullable().default(null),
  }),
  output: peerRuleView,
  status: 201,
  errors: ['not_found', 'validation_failed', 'name_taken'],
  idempotency: 'header',
});

export const federationRemoveRule = defineOperation({
  ...writes,
  name: 'federation.remove_rule',
  summary: 'Remove a rule; what runs by it ends',
  method: 'DELETE',
  path: '/api/v1/federation/rules/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const federationOperations = [
  federationStatus,
  federationPeers,
  federationPeer,
  federationRemovePeer,
  federationTrust,
  federationSync,
  federationInvite,
  federationInvitations,
  federationRevokeInvitation,
  federationJoin,
  federationNeighbours,
  federationPair,
  federationPublications,
  federationPublish,
  federationUnpublish,
  federationCatalogue,
  federationMount,
  federationUnmount,
  federationRules,
  federationAddRule,
  federationRemoveRule,
];
