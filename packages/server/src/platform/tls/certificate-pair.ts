import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';

/** Why a certificate and a key cannot be served, as the rest of a sentence about one of the two. */
export class PairProblem extends Error {
  readonly of: 'certificate' | 'key';

  constructor(of: 'certificate' | 'key', message: string, cause?: unknown) {
    super(message, { cause });
    this.of = of;
  }
}

/** A certificate with its key, ready for handshakes. */
export interface CertificatePair {
  context: SecureContext;
  /** In small letters; `*.` before names of which it covers one label more. */
  names: readonly string[];
  expires: Date;
  /** Of its key, and of the key that issued it when the chain says so. */
  pins: readonly string[];
  /** Of everything that is shown to clients. */
  digest: string;
}

const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** `sha256/` and the base64 of the hash of a public key, by which devices know a certificate again. */
export const pinOf = (certificate: X509Certificate): string =>
  `sha256/${createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')}`;

/** An address as it is usually written: OpenSSL spells IPv6 out. */
export const plainAddress = (name: string): string =>
  isIP(name) === 6 ? new URL(`http://[${name}]/`).hostname.slice(1, -1) : name.toLowerCase();

const namesOf = (certificate: X509Certificate): string[] =>
  [...(certificate.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name]) =>
    plainAddress(name!),
  );

const keyOf = (pem: string): KeyObject => {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    const locked = /ENCRYPTED/.test(pem);
    throw new PairProblem(
      'key',
      locked ? 'has a password; store it without one' : 'holds no private key in PEM',
      cause,
    );
  }
};

const certificatesOf = (pem: string): X509Certificate[] => {
  try {
    return (pem.match(block) ?? ['']).map((one) => new X509Certificate(one));
  } catch (cause) {
    throw new PairProblem('certificate', 'holds no certificate in PEM', cause);
  }
};

/** Reads a chain whose first certificate is served, with its key. Throws PairProblem. */
export const readPair = (chain: string, key: string, now: Date): CertificatePair => {
  const [leaf, issuer] = certificatesOf(chain) as [X509Certificate, X509Certificate?];
  const privateKey = keyOf(key);
  if (!leaf.checkPrivateKey(privateKey)) throw new PairProblem('key', 'belongs to another certificate');
  const [from, expires] = [new Date(leaf.validFrom), new Date(leaf.validTo)];
  if (expires <= now) throw new PairProblem('certificate', `expired on ${expires.toISOString().slice(0, 10)}`);
  if (from > now) throw new PairProblem('certificate', `is valid only from ${from.toISOString()} on`);
  const names = namesOf(leaf);
  if (names.length === 0) throw new PairProblem('certificate', 'names no host (it has no subjectAltName)');
  try {
    return {
      ...{ names, expires, digest: createHash('sha256').update(chain).digest('hex') },
      pins: [leaf, ...(issuer === undefined ? [] : [issuer])].map(pinOf),
      context: createSecureContext({ cert: chain, key, minVersion: 'TLSv1.2' }),
    };
  } catch (cause) {
    throw new PairProblem('certificate', `cannot be served: ${(cause as Error).message}`, cause);
  }
};

/** Whether one of the names is this host. A wildcard stands for one label. */
export const covers = (names: readonly string[], host: string): boolean => {
  if (names.includes(host)) return true;
  const dot = host.indexOf('.');
  return dot > 0 && isIP(host) === 0 && names.includes(`*${host.slice(dot)}`);
};
