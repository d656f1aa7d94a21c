import { z } from 'zod';
import { actor, byId, defineOperation, id, noInput, nothing, page, pageInput, time } from './operation.ts';

/** Certificates that the server shows to clients over TLS. They belong to the server, not to an organisation. */

export const certificateIssuers = ['internal', 'acme', 'uploaded'] as const;
export const certificateStates = ['pending', 'active', 'failed'] as const;
export const certificateActs = [
  'generated',
  'uploaded',
  'ordered',
  'renewed',
  'replaced',
  'failed',
  'deleted',
] as const;

/** Names of one certificate, as RFC 8555 authorities allow them. */
const mostNames = 100;
const hostName = z
  .string()
  .trim()
  .toLowerCase()
  .min(1)
  .max(253)
  .regex(
    /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$|^[0-9a-f:.]+$/,
    'must be a host name, *. and a host name, or an IP address',
  );
const names = z.array(hostName).min(1).max(mostNames);
/** A chain of a few certificates is 10 KiB. */
const pem = z.string().max(65_536);

export const certificateView = z.object({
  id,
  names: z.array(z.string()),
  issuer: z.enum(certificateIssuers),
  issued_by: z.string().nullable().describe('common name of who signed it; null before there is one'),
  state: z.enum(certificateStates).describe('`active`: it is served; `pending`: ordered for the first time'),
  managed: z.boolean().describe('kept by the server itself for the names it answers to'),
  not_before: time.nullable(),
  not_after: time.nullable(),
  renew_at: time.nullable().describe('when it is renewed, or the next attempt; null for uploaded ones'),
  pin: z.string().nullable().describe('sha256/ and the base64 of the hash of its public key'),
  serial: z.string().nullable(),
  failures: z.int().describe('attempts to renew it that failed in a row'),
  last_error: z.string().nullable(),
  created_by: actor,
  created_at: time,
  updated_at: time,
});
export type CertificateView = z.infer<typeof certificateView>;

const manages = {
  access: 'signed_in',
  permission: 'certificates.manage',
  operator: true,
} as const;
const reads = { ...manages, scope: 'gateway:read' } as const;
const writes = { ...manages, scope: 'gateway:write' } as const;

export const certificatesList = defineOperation({
  ...reads,
  name: 'certificates.list',
  summary: 'List certificates, newest first',
  method: 'GET',
  path: '/api/v1/certificates',
  input: z.strictObject({
    search: z.string().trim().max(200).optional().describe('part of a name'),
    issuer: z.enum(certificateIssuers).optional(),
    state: z.enum(certificateStates).optional(),
    ...pageInput,
  }),
  output: page(certificateView),
  status: 200,
  errors: ['bad_request'],
  mcp: { tool: 'certificates_list', title: 'List certificates', read_only: true },
});

export const certificatesGet = defineOperation({
  ...reads,
  name: 'certificates.get',
  summary: 'Show a certificate with its chain; never its key',
  method: 'GET',
  path: '/api/v1/certificates/{id}',
  input: byId,
  output: certificateView.extend({ chain: z.string().nullable().describe('PEM, its own certificate first') }),
  status: 200,
  errors: ['not_found'],
  mcp: { tool: 'certificates_get', title: 'Show a certificate', read_only: true },
});

export const certificatesCreate = defineOperation({
  ...writes,
  name: 'certificates.create',
  summary: 'Make a certificate by the internal authority, order one, or upload one',
  description:
    '`internal`: signed by the authority of this server, renewed by itself. `acme`: ordered from the authority of ' +
    'tls.acme.directory for names that this server answers to; the answer comes at once, the certificate a little later. ' +
    '`upload`: a chain and its key in PEM.',
  method: 'POST',
  path: '/api/v1/certificates',
  input: z.strictObject({
    kind: z.enum(['internal', 'acme', 'upload']),
    names: names.optional().describe('for `internal` and `acme`; an uploaded certificate says its names itself'),
    chain: pem.optional().describe('PEM, its own certificate first; for `upload`'),
    key: pem.optional().describe('PEM without a password; for `upload`. Kept encrypted, and shown to nobody again'),
  }),
  output: certificateView,
  status: 201,
  errors: ['validation_failed', 'certificate_unusable'],
  idempotency: 'header',
  mcp: { tool: 'certificates_create', title: 'Make or order a certificate' },
});

export const certificatesRenew = defineOperation({
  ...writes,
  name: 'certificates.renew',
  summary: 'Renew a certificate now, with a new key',
  method: 'POST',
  path: '/api/v1/certificates/{id}/renew',
  input: byId,
  output: certificateView,
  status: 200,
  errors: ['not_found', 'certificate_unusable'],
  mcp: { tool: 'certificates_renew', title: 'Renew a certificate' },
});

export const certificatesReplace = defineOperation({
  ...writes,
  name: 'certificates.replace',
  summary: 'Put another chain and key in the place of an uploaded certificate',
  method: 'POST',
  path: '/api/v1/certificates/{id}/replace',
  input: z.strictObject({ id, chain: pem, key: pem }),
  output: certificateView,
  status: 200,
  errors: ['not_found', 'validation_failed', 'certificate_unusable'],
});

export const certificatesDelete = defineOperation({
  ...writes,
  name: 'certificates.delete',
  summary: 'Delete a certificate and its key; connections that were made with it live on',
  method: 'DELETE',
  path: '/api/v1/certificates/{id}',
  input: byId,
  output: nothing,
  status: 204,
  errors: ['not_found', 'certificate_unusable'],
  mcp: { tool: 'certificates_delete', title: 'Delete a certificate', destructive: true },
});

export const certificatesSuggest = defineOperation({
  ...reads,
  name: 'certificates.suggest',
  summary: 'Names that this server answers to, and whether a certificate covers each',
  method: 'GET',
  path: '/api/v1/certificates/suggest',
  input: noInput,
  output: z.object({
    mode: z.enum(['off', 'files', 'internal', 'acme']).describe('tls.mode of the server'),
    names: z.array(
      z.object({
        name: z.string(),
        source: z.enum(['public_url', 'route', 'extra_host', 'base_domain', 'machine', 'address']),
        covered: z.boolean(),
        public: z.boolean().describe('an authority on the internet may give a certificate for it'),
      }),
    ),
  }),
  status: 200,
  errors: [],
});

export const certificatesHistory = defineOperation({
  ...reads,
  name: 'certificates.history',
  summary: 'List what happened to certificates, newest first',
  method: 'GET',
  path: '/api/v1/certificates/history',
  input: z.strictObject({ certificate_id: id.optional(), ...pageInput }),
  output: page(
    z.object({
      id,
      certificate_id: id,
      names: z.array(z.string()),
      act: z.enum(certificateActs),
      reason: z.string().nullable(),
      actor,
      at: time,
    }),
  ),
  status: 200,
  errors: ['bad_request'],
});

export const certificatesAuthority = defineOperation({
  access: 'signed_in',
  scope: 'gateway:read',
  permission: null,
  name: 'certificates.authority',
  summary: 'Show the root of the internal authority, for devices that are to trust this server',
  method: 'GET',
  path: '/api/v1/certificates/authority',
  input: noInput,
  output: z.object({
    pem: z.string(),
    fingerprint: z.string().describe('SHA-256 of the certificate, in pairs of hex digits'),
    not_after: time,
  }),
  status: 200,
  errors: ['not_found'],
});

export const certificateOperations = [
  certificatesList,
  certificatesSuggest,
  certificatesHistory,
  certificatesAuthority,
  certificatesGet,
  certificatesCreate,
  certificatesRenew,
  certificatesReplace,
  certificatesDelete,
];
