import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { plainAddress } from '../../../platform/tls/certificate-pair.ts';
import type { CertificateSettings } from './certificate-parts.ts';

type Source = 'public_url' | 'route' | 'extra_host' | 'base_domain' | 'machine' | 'address';

export interface OwnName {
  name: string;
  source: Source;
}

/** Endings that no authority on the internet gives certificates for. */
const privateEndings =
  /(?:^|\.)(?:localhost|local|lan|home|internal|intranet|private|test|example|invalid|home\.arpa)$/;

/** Whether an authority on the internet may give a certificate for a name. */
export const isPublicName = (name: string): boolean => {
  const bare = name.replace(/^\*\./, '');
  return isIP(bare) === 0 && bare.includes('.') && !privateEndings.test(bare);
};

const addresses = (): string[] =>
  Object.values(networkInterfaces())
    .flat()
    .filter((one) => one !== undefined && !one.address.startsWith('fe80:'))
    .map((one) => plainAddress(one!.address));

/** Everything that clients may call this server, the public name first, each once. */
export const ownNames = (
  publicUrl: string,
  settings: CertificateSettings,
  routeHosts: readonly string[],
): OwnName[] => {
  const host = publicUrl === '' ? 'localhost' : new URL(publicUrl).hostname.replace(/^\[|\]$/g, '');
  const machine = hostname().toLowerCase();
  const { base_domain: base } = settings;
  // A certificate names a hundred at most: those without which nobody comes in stand first, addresses last.
  const all: OwnName[] = [
    { name: host, source: 'public_url' },
    ...['localhost', machine, `${machine.replace(/\..*$/, '')}.local`].map((name) => ({
      name,
      source: 'machine' as const,
    })),
    ...['127.0.0.1', '::1'].map((name) => ({ name, source: 'address' as const })),
    ...settings.extra_hosts.map((name) => ({ name: name.toLowerCase(), source: 'extra_host' as const })),
    ...(base === null ? [] : [{ name: `*.${base}`, source: 'base_domain' as const }]),
    ...routeHosts.map((name) => ({ name, source: 'route' as const })),
    ...addresses().map((name) => ({ name, source: 'address' as const })),
  ];
  const seen = new Set<string>();
  return all.filter(({ name }) => name !== '' && !seen.has(name) && seen.add(name) !== undefined);
};

/** A name, or a wildcard that stands for it. */
export const isCoveredBy = (names: readonly string[], name: string): boolean => {
  if (names.includes(name)) return true;
  const dot = name.indexOf('.');
  return !name.startsWith('*') && dot > 0 && isIP(name) === 0 && names.includes(`*${name.slice(dot)}`);
};
