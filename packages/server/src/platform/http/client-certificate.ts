import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { trustedProxies } from './trusted-proxies.ts';

/** The certificate with which the connection to the proxy was made; null when there was none, or none that counts. */
export type CertificateOf = (request: IncomingMessage) => X509Certificate | null;

const longestHeader = 16 * 1024;
const pemForm = /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;
const byteSequence = /^:([A-Za-z0-9+/]+={0,2}):$/;

/** A byte sequence by RFC 9440, or a PEM whose bytes outside of the unreserved ones are escaped. */
const readCertificate = (text: string): X509Certificate | null => {
  try {
    const bytes = byteSequence.exec(text)?.[1];
    if (bytes !== undefined) return new X509Certificate(Buffer.from(bytes, 'base64'));
    const pem = decodeURIComponent(text);
    return pemForm.test(pem) ? new X509Certificate(pem) : null;
  } catch {
    return null;
  }
};

/** Believes the header of a proxy alone: anybody else could write whatever certificate they have seen. */
export const certificatesFrom = (options: { header: string; proxies: readonly string[] }): CertificateOf => {
  const trusted = trustedProxies(options.proxies);
  return (request) => {
    const text = request.headers[options.header];
    if (typeof text !== 'string' || text === '' || text.length > longestHeader) return null;
    return trusted(request.socket.remoteAddress ?? '') ? readCertificate(text) : null;
  };
};

export const noCertificates: CertificateOf = () => null;

/** `x5t#S256` of RFC 8705. */
export const certificateThumbprint = (certificate: X509Certificate): string =>
  createHash('sha256').update(certificate.raw).digest('base64url');
