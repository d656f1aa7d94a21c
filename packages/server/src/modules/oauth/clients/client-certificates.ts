import type { X509Certificate } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { CertificateOf } from '../../../platform/http/client-certificate.ts';

/** How client certificates come here, and who may have issued them. */
export interface ClientCertificates {
  of: CertificateOf;
  /** Empty: only certificates that clients made themselves are taken. */
  authorities: readonly X509Certificate[];
}

/** By the names of RFC 8705, section 2.1.2. */
export const certificateNames = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const;
export type CertificateName = (typeof certificateNames)[number];

const forClients = '1.3.6.1.5.5.7.3.2';

/** Whether one of the authorities issued it for this purpose and time. */
export const isIssued = (certificate: X509Certificate, { authorities }: ClientCertificates, now: Date): boolean => {
  const live = (one: X509Certificate) => new Date(one.validFrom) <= now && now <= new Date(one.validTo);
  const { keyUsage: purposes } = certificate as { keyUsage: string[] | undefined };
  return (
    live(certificate) &&
    !certificate.ca &&
    (purposes === undefined || purposes.includes(forClients)) &&
    authorities.some(
      (authority) =>
        authority.ca &&
        live(authority) &&
        certificate.checkIssued(authority) &&
        certificate.verify(authority.publicKey),
    )
  );
};

/** Parts between separators that no backslash escapes. */
const split = (text: string, separator: RegExp): string[] =>
  (text.match(new RegExp(`(?:\\\\.|(?!${separator.source})[\\s\\S])+`, 'g')) ?? []).map((part) => part.trim());

const attribute = (part: string): string => {
  const equals = part.indexOf('=');
  return `${part.slice(0, equals).trim().toUpperCase()}=${part.slice(equals + 1).trim()}`;
};

/** RFC 4514 with the spelling of attribute types and the spaces around separators evened out. */
const distinguishedName = (names: readonly string[]): string =>
  names.map((name) => split(name, /\+/).map(attribute).toSorted().join('+')).join(',');

/** Node writes one name a line, the most general first and values escaped as RFC 2253 does. */
const subjectOf = (certificate: X509Certificate): string =>
  distinguishedName((certificate.subject ?? '').split('\n').reverse());

/** Alternative names of one kind. Node quotes those that hold a separator. */
const alternatives = (certificate: X509Certificate, kind: string): string[] => {
  const text = certificate.subjectAltName ?? '';
  const found: string[] = [];
  for (const [, label, value] of text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g))
    if (label === kind) found.push(value!.startsWith('"') ? String(JSON.parse(value!)) : value!);
  return found;
};

const sameAddress = (one: string, other: string): boolean =>
  ipaddr.isValid(one) && ipaddr.isValid(other) && ipaddr.parse(one).toString() === ipaddr.parse(other).toString();

/** Whether the certificate carries the one name that its client is registered with. Names are compared whole. */
export const carriesName = (certificate: X509Certificate, name: CertificateName, expected: string): boolean => {
  switch (name) {
    case 'tls_client_auth_subject_dn':
      return subjectOf(certificate) === distinguishedName(split(expected, /,/));
    case 'tls_client_auth_san_dns':
      return alternatives(certificate, 'DNS').some((one) => one.toLowerCase() === expected.toLowerCase());
    case 'tls_client_auth_san_uri':
      return alternatives(certificate, 'URI').includes(expected);
    case 'tls_client_auth_san_ip':
      return alternatives(certificate, 'IP Address').some((one) => sameAddress(one, expected));
    case 'tls_client_auth_san_email':
      return alternatives(certificate, 'email').includes(expected);
  }
};
