import type { ClientView } from '@atrium/protocol';
import { invalid } from '../../../platform/errors/app-error.ts';
import { type ClientCertificates, certificateNames } from '../clients/client-certificates.ts';
import { approvalGrant, cibaGrant } from '../clients/optional-grants.ts';

/** Methods by which a client proves itself with a secret of ours. */
export const withSecret: ReadonlySet<string> = new Set([
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
]);
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
/** Grants by which a client acts without a person in front of it; a public client could be anybody. */
const confidentialOnly = [
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  approvalGrant,
  cibaGrant,
];

interface ClientSettings {
  auth_method: string;
  grant_types: readonly string[];
  redirect_uris: readonly string[];
  jwks: { keys: readonly object[] } | null;
  jwks_uri: string | null;
  application_type: 'web' | 'native';
  certificate_required: boolean;
  certificate_name: { kind: string; value: string } | null;
}

const isWeb = (uri: string): boolean => uri.startsWith('https:');
const isLoopback = (uri: string): boolean => uri.startsWith('http:');

const overTls = new Set(['tls_client_auth', 'self_signed_tls_client_auth']);

/** Certificates that nobody hands on would shut the client out, with nothing to see. */
const requireSoundCertificate = (client: ClientSettings, certificates: ClientCertificates | null): void => {
  const { auth_method, certificate_required, certificate_name, jwks } = client;
  if (certificates === null && (overTls.has(auth_method) || certificate_required))
    throw invalid(
      overTls.has(auth_method) ? 'auth_method' : 'certificate_required',
      'client certificates are switched off on this server: see ATRIUM_OAUTH_MTLS',
    );
  if (auth_method === 'tls_client_auth') {
    if (certificates?.authorities.length === 0)
      throw invalid(
        'auth_method',
        'no authority is known that issues certificates: see ATRIUM_OAUTH_CERTIFICATE_AUTHORITIES',
      );
    if (certificate_name === null)
      throw invalid('certificate_name', 'tls_client_auth needs the name that the certificate carries');
  } else if (certificate_name !== null)
    throw invalid('certificate_name', `a client that authenticates by ${auth_method} has no use for it`);
  const bare = (jwks?.keys ?? []).findIndex((key) => !('x5c' in key) && !('x5t#S256' in key));
  if (auth_method === 'self_signed_tls_client_auth' && bare !== -1)
    throw invalid(`jwks.keys.${bare}`, 'needs its certificate as x5c, or the thumbprint of it as x5t#S256');
};

/** What must fit together in a client, whoever changes which part of it. */
export const requireSoundClient = (client: ClientSettings, certificates: ClientCertificates | null): void => {
  const { auth_method, grant_types, redirect_uris, jwks, jwks_uri, application_type } = client;
  const code = grant_types.includes('authorization_code');
  if (code && redirect_uris.length === 0)
    throw invalid('redirect_uris', 'the authorization code needs at least one address to return to');
  if (
    grant_types.includes('refresh_token') &&
    !code &&
    ![deviceGrant, cibaGrant].some((one) => grant_types.includes(one))
  )
    throw invalid('grant_types', 'refresh_token comes with authorization_code, the device code or CIBA');
  if (auth_method === 'none') {
    const wrong = confidentialOnly.find((grant) => grant_types.includes(grant));
    if (wrong !== undefined)
      throw invalid('grant_types', `${wrong} needs a client that can prove itself; choose how it authenticates`);
  }
  const needsKeys = auth_method === 'private_key_jwt' || auth_method === 'self_signed_tls_client_auth';
  if (needsKeys && jwks === null && jwks_uri === null)
    throw invalid('jwks', `${auth_method} needs the public keys of the client, as jwks or jwks_uri`);
  if (jwks !== null && jwks_uri !== null) throw invalid('jwks_uri', 'give either jwks or jwks_uri');
  requireSoundCertificate(client, certificates);
  if (application_type === 'web') {
    const wrong = redirect_uris.find((uri) => !isWeb(uri) && !isLoopback(uri));
    if (wrong !== undefined)
      throw invalid('redirect_uris', `${wrong} is the scheme of an application; its application_type is native`);
  }
};

const bound = 'tls_client_certificate_bound_access_tokens';

/** What a client's metadata say of certificates, in the words of the operators' operations. */
export const certificateSettings = (
  metadata: Record<string, unknown>,
): { certificate_required: boolean; certificate_name: ClientView['certificate_name'] } => {
  const name = certificateNames.find((one) => typeof metadata[one] === 'string');
  return {
    certificate_required: metadata[bound] === true,
    certificate_name:
      name === undefined
        ? null
        : {
            kind: name.slice('tls_client_auth_'.length) as NonNullable<ClientView['certificate_name']>['kind'],
            value: String(metadata[name]),
          },
  };
};

/** The other way round; what is not given stays. */
export const withCertificate = (
  metadata: Record<string, unknown>,
  given: {
    certificate_required?: boolean | undefined;
    certificate_name?: ClientView['certificate_name'] | undefined;
  },
): Record<string, unknown> => {
  const { certificate_required = metadata[bound] === true, certificate_name } = given;
  const next = { ...metadata };
  if (certificate_required) next[bound] = true;
  else delete next[bound];
  if (certificate_name === undefined) return next;
  for (const name of certificateNames) delete next[name];
  if (certificate_name !== null) next[`tls_client_auth_${certificate_name.kind}`] = certificate_name.value;
  return next;
};
