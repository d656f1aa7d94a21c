import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ClientCertificates } from '../modules/oauth/index.ts';
import type { ConfigValues } from '../platform/config/config.ts';
import { StartupError } from '../platform/errors/startup-error.ts';
import { certificatesFrom } from '../platform/http/client-certificate.ts';

const pem = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

const readAuthorities = async (path: string | null): Promise<X509Certificate[]> => {
  if (path === null) return [];
  try {
    const found = (await readFile(path, 'utf8')).match(pem) ?? [];
    const authorities = found.map((one) => new X509Certificate(one));
    if (authorities.length > 0 && authorities.every((one) => one.ca)) return authorities;
  } catch (cause) {
    throw new StartupError(`ATRIUM_OAUTH_CERTIFICATE_AUTHORITIES: ${path} cannot be read as certificates.`, { cause });
  }
  throw new StartupError(
    `ATRIUM_OAUTH_CERTIFICATE_AUTHORITIES: ${path} must hold certificates of authorities, and nothing but those.`,
  );
};

/** Null while they are switched off. */
export const openClientCertificates = async ({ config }: ConfigValues): Promise<ClientCertificates | null> => {
  const { mtls, certificateHeader, certificateAuthorities } = config.oauth;
  if (!mtls) return null;
  const proxies = config.server.trustedProxies.map(({ cidr }) => cidr);
  return {
    of: certificatesFrom({ header: certificateHeader, proxies }),
    authorities: await readAuthorities(certificateAuthorities),
  };
};
