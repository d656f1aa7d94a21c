import { z } from 'zod';
import { defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';
import type { Scope } from './scopes.ts';

/* Phones and desktops that join by a picture, each with a key of its own. */

export const devicePlatforms = ['ios', 'android', 'web', 'desktop', 'linux', 'macos', 'windows'] as const;
const line = z.string().regex(/^[^\p{Cc}]*$/u, 'must not contain control characters');
const scopeList = z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/)).max(50);

/** What a companion gets unless it is paired with less. */
export const companionScopes = ['gateway:read', 'events:read', 'device:self', 'access:*'] as const;

/**
 * What a device may hold at all, beside `access:<slug>` of single apps. What would let it outlive its end, such as making
 * keys, or run the organisation, is not among it.
 */
export const deviceScopes = [
  ...companionScopes,
  'gateway:write',
  'inbox:read',
  'inbox:write',
  'diary:read',
  'diary:write',
  'org:read',
  'account:read',
  'events:write',
] as const satisfies readonly Scope[];

const appScope = /^access:[A-Za-z0-9_-]{1,64}$/;
export const isDeviceScope = (scope: string): boolean =>
  (deviceScopes as readonly string[]).includes(scope) || appScope.test(scope);

/** Whether `held` reaches as far as `wanted`: `access:*` covers every app. */
export const deviceScopeCovers = (held: readonly string[], wanted: string): boolean =>
  held.some((one) => one === '*' || one === wanted || (one === 'access:*' && wanted.startsWith('access:')));

/** The letters of a code: none that a person takes for another. */
export const pairingAlphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
export const pairingCodeLength = 10;

/** A code as it was typed, with spaces, dashes or small letters. */
export const normalisePairingCode = (typed: string): string => typed.replaceAll(/[\s-]/g, '').toUpperCase();

/** A code for reading aloud and typing. */
export const spellPairingCode = (code: string): string => `${code.slice(0, 5)}-${code.slice(5)}`;

export const device = z.object({
  id,
  name: z.string(),
  platform: z.enum(devicePlatforms),
  platform_version: z.string().nullable(),
  model: z.string().nullable(),
  owner: z.object({ id, name: z.string() }),
  key_fingerprint: z.string(),
  scopes: z.array(z.string()),
  online: z.boolean(),
  created_at: time,
  last_seen_at: time.nullable(),
  needs_pairing: z.boolean().describe('its tokens ended because one of them was used twice; pair it again'),
  revoked_at: time.nullable(),
});
export type Device = z.infer<typeof device>;

export const pairingQr = z.object({
  u: z.string().describe('address of the server'),
  c: z.string().describe('code'),
  v: z.string().describe('first 16 bytes of SHA-256 over the length-prefixed fields, base64url'),
});
export const pairing = z.object({
  id,
  name: z.string().nullable(),
  state: z.enum(['waiting', 'redeemed', 'completed', 'expired', 'dead']),
  scopes: z.array(z.string()),
  expires_at: time,
  created_at: time,
  device: device.nullable(),
});
const pairs = {
  access: 'signed_in',
  scope: 'account:write',
  permission: 'devices.pair',
  principals: ['user'],
} as const;

export const pairingsCreate = defineOperation({
  ...pairs,
  name: 'devices.create_pairing',
  summary: 'Make a code that lets one device join as yours',
  method: 'POST',
  path: '/api/v1/devices/pairings',
  input: z.strictObject({
    name: line.trim().min(1).max(100).optional(),
    scopes: scopeList.optional().describe('a part of your own; default those of a companion'),
    expires_in: z.int().min(30).max(600).default(300).describe('seconds'),
  }),
  output: pairing.extend({ code: z.string().describe('shown once'), url: z.string(), qr: pairingQr }),
  status: 201,
  errors: ['escalation_denied', 'pairing_limit', 'validation_failed'],
});
export const pairingsGet = defineOperation({
  ...pairs,
  scope: 'account:read',
  name: 'devices.get_pairing',
  summary: 'Tell how a pairing of yours is going',
  method: 'GET',
  path: '/api/v1/devices/pairings/{id}',
  input: z.strictObject({ id }),
  output: pairing,
  status: 200,
  errors: ['not_found'],
});
export const pairingsCancel = defineOperation({
  ...pairs,
  name: 'devices.cancel_pairing',
  summary: 'Make the code of a pairing useless',
  method: 'DELETE',
  path: '/api/v1/devices/pairings/{id}',
  input: z.strictObject({ id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

const open = { access: 'public', scope: null, permission: null, status: 200 } as const;
export const pairingsRedeem = defineOperation({
  ...open,
  name: 'pairing.redeem',
  summary: 'Trade a code for a pairing token; needs the header X-Pairing-Request: true',
  method: 'POST',
  path: '/auth/pair',
  header: ['x-pairing-request', 'true'],
  input: z.strictObject({ code: z.string().trim().min(1).max(64) }),
  output: z.object({
    base_url: z.string(),
    name: z.string(),
    server_id: id,
    spki_pins: z.array(z.string()).max(2),
    pairing_token: z.string(),
    capabilities: z.array(z.string()),
    expires_at: time,
  }),
  errors: ['pairing_invalid', 'rate_limited', 'bad_request'],
  body_limit: 10_240,
});
export const pairingsComplete = defineOperation({
  ...open,
  name: 'pairing.complete',
  summary: 'Join as a device: its key, a proof of it, and the pairing token as bearer',
  method: 'POST',
  path: '/auth/pair/complete',
  input: z.strictObject({
    device: z.strictObject({
      name: line.trim().min(1).max(100),
      model: line.trim().max(100).optional(),
      platform: z.enum(devicePlatforms),
      platform_version: line.trim().max(50).optional(),
      push_token: line.max(512).optional(),
      public_key: z.record(z.string().max(40), z.string().max(200)).describe('JWK: EC P-256 or OKP Ed25519'),
    }),
    proof: z.string().max(4000).describe('DPoP proof (RFC 9449) of that key for this request'),
  }),
  output: z.object({
    access_token: z.string(),
    token_type: z.literal('DPoP'),
    expires_in: z.int(),
    refresh_token: z.string(),
    scopes: z.array(z.string()),
    device_id: id,
  }),
  errors: ['pairing_invalid', 'rate_limited', 'validation_failed'],
  presents: true,
  body_limit: 10_240,
});

const sees = { access: 'signed_in', scope: 'account:read', permission: null } as const;
const changes = { access: 'signed_in', scope: 'account:write', permission: null } as const;
export const devicesList = defineOperation({
  ...sees,
  name: 'devices.list',
  summary: 'List devices: your own, or with devices.manage all of the organisation',
  method: 'GET',
  path: '/api/v1/devices',
  input: z.strictObject({
    everyone: z.boolean().default(false).describe('of the whole organisation; needs devices.manage'),
    include_revoked: z.boolean().default(false),
    q: line.trim().max(200).optional(),
    ...pageInput,
  }),
  output: page(device),
  status: 200,
  errors: ['bad_request', 'permission_denied'],
  mcp: { tool: 'devices_list', title: 'List devices', read_only: true },
});
export const devicesGet = defineOperation({
  ...sees,
  name: 'devices.get',
  summary: 'Show a device',
  method: 'GET',
  path: '/api/v1/devices/{id}',
  input: z.strictObject({ id }),
  output: device,
  status: 200,
  errors: ['not_found'],
});
export const devicesUpdate = defineOperation({
  ...changes,
  name: 'devices.update',
  summary: 'Rename a device or narrow what it may do',
  method: 'PATCH',
  path: '/api/v1/devices/{id}',
  input: z.strictObject({ id, name: line.trim().min(1).max(100).optional(), scopes: scopeList.optional() }),
  output: device,
  status: 200,
  errors: ['not_found', 'escalation_denied', 'validation_failed'],
});
export const devicesRevoke = defineOperation({
  ...changes,
  name: 'devices.revoke',
  summary: 'Shut a device out at once: its tokens, sockets and tunnels end',
  method: 'DELETE',
  path: '/api/v1/devices/{id}',
  input: z.strictObject({ id }),
  output: nothing,
  status: 204,
  errors: ['not_found'],
  mcp: { tool: 'devices_revoke', title: 'Revoke a device', destructive: true },
});

/** Of the device that asks; to whoever is none, there is none. */
const self = { access: 'signed_in', scope: 'device:self', permission: null } as const;
export const deviceGetSelf = defineOperation({
  ...self,
  name: 'device.get',
  summary: 'Show the device that asks',
  method: 'GET',
  path: '/api/v1/device',
  input: noInput,
  output: device,
  status: 200,
  errors: ['not_found'],
});
export const deviceUpdateSelf = defineOperation({
  ...self,
  name: 'device.update',
  summary: 'Rename the device that asks, or tell its version or where it takes notifications',
  method: 'PATCH',
  path: '/api/v1/device',
  input: z.strictObject({
    name: line.trim().min(1).max(100).optional(),
    platform_version: line.trim().max(50).optional(),
    push_token: line.max(512).nullable().optional(),
  }),
  output: device,
  status: 200,
  errors: ['not_found', 'validation_failed'],
});
export const deviceLeave = defineOperation({
  ...self,
  name: 'device.leave',
  summary: 'End the device that asks, as when its app is removed',
  method: 'DELETE',
  path: '/api/v1/device',
  input: noInput,
  output: nothing,
  status: 204,
  errors: ['not_found'],
});

export const deviceOperations = [
  pairingsCreate,
  pairingsGet,
  pairingsCancel,
  pairingsRedeem,
  pairingsComplete,
  devicesList,
  devicesGet,
  devicesUpdate,
  devicesRevoke,
  deviceGetSelf,
  deviceUpdateSelf,
  deviceLeave,
] as const;
