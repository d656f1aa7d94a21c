import { X509Certificate } from 'node:crypto';
import { AppError } from '../../../platform/errors/app-error.ts';
import { type CertificatePair, PairProblem, readPair } from '../../../platform/tls/certificate-pair.ts';

/** As RFC 8555 authorities allow; a chain of more is a bundle of something else. */
const mostNames = 100;
const mostInChain = 10;
const leastRsaBits = 2048;
const weakCurves = new Set([
  'secp112r1',
  'secp128r1',
  'secp160r1',
  'secp192k1',
  'secp224k1',
  'secp224r1',
  'prime192v1',
]);

/** A pair that may be kept, with what a row says of it. */
export interface KeepablePair extends CertificatePair {
  serial: string;
  issued_by: string;
  from: Date;
}

const refuse = (reason: string): never => {
  throw new AppError('certificate_unusable', `The certificate cannot be used: ${reason}.`, { extensions: { reason } });
};

const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

const weaknessOf = (certificate: X509Certificate): string | null => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = details?.modulusLength ?? 0;
    return bits < leastRsaBits ? `its RSA key has ${bits} bits; ${leastRsaBits} are the least` : null;
  }
  if (type === 'ec') {
    const curve = details?.namedCurve ?? '';
    return weakCurves.has(curve) ? `its key lies on the weak curve ${curve}` : null;
  }
  return type === 'ed25519' || type === 'ed448'
    ? null
    : `its key is of the kind ${type ?? 'unknown'}, which TLS does not use`;
};

const weaknessOfText = (chain: string): string | null => {
  const [first] = chain.match(block) ?? [];
  try {
    return first === undefined ? null : weaknessOf(new X509Certificate(first));
  } catch {
    return null;
  }
};

const commonName = (distinguished: string): string =>
  /^CN=(.+)$/m.exec(distinguished)?.[1] ?? distinguished.split('\n').at(-1) ?? '';

/** Reads a chain with its key, and refuses what should not be served with a reason. */
export const checkPair = (chain: string, key: string, now: Date): KeepablePair => {
  // Before OpenSSL refuses it in its own words.
  const weakness = weaknessOfText(chain);
  if (weakness !== null) refuse(weakness);
  let pair: CertificatePair;
  try {
    pair = readPair(chain, key, now);
  } catch (error) {
    if (!(error instanceof PairProblem)) throw error;
    return refuse(error.of === 'key' ? `its key ${error.message}` : `it ${error.message}`);
  }
  const certificates = chain.match(block)!.map((one) => new X509Certificate(one));
  const leaf = certificates[0]!;
  if (certificates.length > mostInChain)
    refuse(`its chain has ${certificates.length} certificates; ${mostInChain} are the most`);
  if (pair.names.length > mostNames) refuse(`it names ${pair.names.length} hosts; ${mostNames} are the most`);
  if (leaf.ca) refuse('it is a certificate of an authority, not of a server');
  for (const [at, issuer] of certificates.slice(1).entries()) {
    const issued = certificates[at]!;
    if (!issued.checkIssued(issuer) || !issued.verify(issuer.publicKey))
      refuse(`certificate ${at + 1} of its chain was not issued by certificate ${at + 2}`);
  }
  // SHA-1 and MD5 signatures; a root that signs itself is trusted by name and not by that.
  for (const [at, certificate] of certificates.entries()) {
    const algorithm = (certificate as X509Certificate & { signatureAlgorithm?: string }).signatureAlgorithm ?? '';
    const isRoot = at > 0 && certificate.issuer === certificate.subject;
    if (/sha1|md5/i.test(algorithm) && !isRoot) refuse(`it was signed with ${algorithm}, which clients no longer take`);
  }
  return {
    ...pair,
    serial: leaf.serialNumber,
    issued_by: commonName(leaf.issuer).slice(0, 200),
    from: new Date(leaf.validFrom),
  };
};
