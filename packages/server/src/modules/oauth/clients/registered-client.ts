import { newId } from '../../../platform/ids/ids.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { ClientDraft, ClientRow } from '../stores/clients-store.ts';

/** Members that have a column, or that the engine adds by itself. */
const columns = new Set([
  'client_id',
  'client_name',
  'client_secret',
  'client_secret_expires_at',
  'client_id_issued_at',
  'jwks',
  'jwks_uri',
  'token_endpoint_auth_method',
  'grant_types',
  'redirect_uris',
  'response_types',
  'scope',
  'atrium_scope',
  'dpop_bound_access_tokens',
  // Follow the setting of the server, also when it changes.
  'id_token_signed_response_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
]);

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** The metadata of a registration as a row; `secret` is the new one, when there is one. */
export const registeredClient = (
  clientId: string,
  metadata: Record<string, unknown>,
  known: ClientRow | null,
): { draft: ClientDraft; secret: string | null } => {
  const given = typeof metadata['client_secret'] === 'string' ? metadata['client_secret'] : null;
  // What was read from the row is its hash, not a secret.
  const secret = given !== null && given !== known?.secret_hash ? given : null;
  const name = metadata['client_name'];
  const scope = metadata['atrium_scope'];
  const draft: ClientDraft = {
    id: known?.id ?? newId(),
    client_id: clientId,
    origin: 'registered',
    name: typeof name === 'string' && name.trim() !== '' ? name.slice(0, 200) : clientId,
    metadata: Object.fromEntries(
      Object.entries(metadata).filter(([key, value]) => !columns.has(key) && value !== undefined),
    ),
    secret_hash: secret === null ? (known?.secret_hash ?? null) : hashToken(secret),
    secret_sealed: null,
    secret_prefix: secret === null ? (known?.secret_prefix ?? null) : secret.slice(0, 8),
    secret_expires_at: null,
    jwks: (metadata['jwks'] as ClientDraft['jwks'] | undefined) ?? null,
    jwks_uri: typeof metadata['jwks_uri'] === 'string' ? metadata['jwks_uri'] : null,
    auth_method: String(metadata['token_endpoint_auth_method']),
    grant_types: texts(metadata['grant_types']),
    redirect_uris: texts(metadata['redirect_uris']),
    scopes: typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : [],
    allowed_resources: [],
    allowed_actors: [],
    require_state: false,
    dpop_required: metadata['dpop_bound_access_tokens'] === true,
    skip_consent: false,
    org_id: null,
    owner_id: null,
    created_by: null,
    enabled: true,
  };
  return { draft, secret };
};
