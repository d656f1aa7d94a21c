import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** DER, by tag and contents. */
const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (dotted: string): Buffer => {
  const [first, second, ...rest] = dotted.split('.').map(Number);
  const bytes = [first! * 40 + second!];
  for (const arc of rest) {
    const septets = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return der(0x06, Buffer.from(bytes));
};
const utf8 = (text: string) => der(0x0c, Buffer.from(text));
const time = (date: Date) => der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`));
const bits = (bytes: Buffer) => der(0x03, Buffer.from([0]), bytes);

const attributes: Record<string, string> = { CN: '2.5.4.3', O: '2.5.4.10', C: '2.5.4.6' };
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

const nameOf = (subject: Record<string, string>) =>
  sequence(...Object.entries(subject).map(([key, value]) => der(0x31, sequence(oid(attributes[key]!), utf8(value)))));

const alternative: Record<string, number> = { email: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 };
const alternativeBytes = (kind: string, value: string) =>
  kind === 'ip' ? Buffer.from(value.split('.').map(Number)) : Buffer.from(value);

export interface MadeCertificate {
  pem: string;
  der: Buffer;
  key: string;
  /** Of the certificate, as tokens that are bound to it say. */
  thumbprint: string;
  subject: Record<string, string>;
  publicJwk: Record<string, unknown>;
  privateKey: KeyObject;
}

export interface CertificatePlan {
  /** The most general name first. */
  subject: Record<string, string>;
  alternatives?: { email?: string; dns?: string | readonly string[]; uri?: string; ip?: string };
  /** Its own issuer when none is given. */
  issuer?: MadeCertificate;
  authority?: boolean;
  from?: Date;
  to?: Date;
}

const hour = 3_600_000;

/** An X.509 certificate for an elliptic key. */
export const makeCertificate = (plan: CertificatePlan): MadeCertificate => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { issuer, authority = false, alternatives = {} } = plan;
  const names = Object.entries(alternatives).flatMap(([kind, values]) =>
    [values].flat().map((value) => der(alternative[kind]!, alternativeBytes(kind, value as string))),
  );
  const extension = (id: string, value: Buffer) => sequence(oid(id), der(0x04, value));
  const extensions = [
    ...(authority ? [extension('2.5.29.19', sequence(der(0x01, Buffer.from([0xff]))))] : []),
    ...(names.length > 0 ? [extension('2.5.29.17', sequence(...names))] : []),
  ];
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    nameOf(issuer?.subject ?? plan.subject),
    sequence(time(plan.from ?? new Date(Date.now() - hour)), time(plan.to ?? new Date(Date.now() + 24 * hour))),
    nameOf(plan.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  const signature = sign('sha256', tbs, issuer?.privateKey ?? privateKey);
  const whole = sequence(tbs, ecdsaWithSha256, bits(signature));
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${whole
      .toString('base64')
      .match(/.{1,64}/g)!
      .join('\n')}\n-----END CERTIFICATE-----\n`,
    der: whole,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    thumbprint: createHash('sha256').update(whole).digest('base64url'),
    subject: plan.subject,
    publicJwk: publicKey.export({ format: 'jwk' }) as Record<string, unknown>,
    privateKey,
  };
};
