import { createPublicKey, randomBytes, type X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** ECDSA on P-256 with SHA-256: what every client of the last ten years takes. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const authorityDays = 3650;
const leafDays = 90;

/** A certificate and its key, both in PEM. */
export interface MadePair {
  certificate: string;
  key: string;
}

/** Loaded when the first certificate is made: a server without them keeps the memory. */
const library = async () => {
  await import('reflect-metadata');
  return import('@peculiar/x509');
};

/** Positive and 20 octets at most (RFC 5280, 4.1.2.2). */
const newSerial = (): string => `00${randomBytes(16).toString('hex')}`;

const pemOf = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END ${label}-----\n`;

const keyPem = async (key: CryptoKey): Promise<string> =>
  pemOf('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', key));

const importKey = (pem: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('pkcs8', Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'), algorithm, false, [
    'sign',
  ]);

const newKeys = (): Promise<{ publicKey: CryptoKey; privateKey: CryptoKey }> =>
  crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

/** The root of the internal authority; it signs leaves alone. */
export const makeAuthority = async (label: string, now: Date): Promise<MadePair> => {
  const x509 = await library();
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [label] }],
    notBefore: new Date(now.getTime() - hourMs),
    notAfter: new Date(now.getTime() + authorityDays * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) };
};

const keysOf = async (pem: string): Promise<{ publicKey: CryptoKey; pem: string }> => {
  const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' });
  return { publicKey: await crypto.subtle.importKey('spki', spki, algorithm, true, ['verify']), pem };
};

const freshKeys = async (): Promise<{ publicKey: CryptoKey; pem: string }> => {
  const { publicKey, privateKey } = await newKeys();
  return { publicKey, pem: await keyPem(privateKey) };
};

/** A certificate for names, signed by the internal authority, for a key that was there or a fresh one; its chain has both. */
export const makeLeaf = async (
  authority: MadePair,
  names: readonly string[],
  now: Date,
  key: string | null = null,
): Promise<MadePair> => {
  const x509 = await library();
  const [keys, signingKey] = await Promise.all([key === null ? freshKeys() : keysOf(key), importKey(authority.key)]);
  const issuer = new x509.X509Certificate(authority.certificate);
  const end = Math.min(now.getTime() + leafDays * dayMs, issuer.notAfter.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    // A common name holds 64 characters; what counts are the alternative names.
    subject: [{ CN: [names[0]!.slice(0, 64)] }],
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - hourMs),
    notAfter: new Date(end),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return {
    certificate: `${certificate.toString('pem')}\n${authority.certificate}`,
    key: keys.pem,
  };
};

/** id-pe-acmeIdentifier (RFC 8737, 3). */
const acmeIdentifier = '1.3.6.1.5.5.7.1.31';

/** What a TLS-ALPN-01 challenge wants to see in a handshake: the hash of the key authorization in a certificate of that name. */
export const makeChallengePair = async (name: string, keyAuthorization: string, now: Date): Promise<MadePair> => {
  const x509 = await library();
  const keys = await newKeys();
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(keyAuthorization));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: ['ACME challenge'] }],
    notBefore: new Date(now.getTime() - hourMs),
    notAfter: new Date(now.getTime() + dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      // An OCTET STRING of 32 bytes, in DER.
      new x509.Extension(acmeIdentifier, true, Buffer.concat([Buffer.from([0x04, 32]), Buffer.from(digest)])),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await keyPem(keys.privateKey) };
};

/** In pairs of hex digits, as certificate stores of systems show it. */
export const fingerprintOf = (certificate: X509Certificate): string => certificate.fingerprint256;
