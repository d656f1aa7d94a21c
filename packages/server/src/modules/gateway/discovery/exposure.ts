import type { Proposal } from '@atrium/protocol';
import ipaddr from 'ipaddr.js';
import type { Binding } from './sighting.ts';

export type SecurityNote = Proposal['security_notes'][number];

const severityOf = (address: string): SecurityNote['severity'] | null => {
  const text = address.replace(/%.*$/, '');
  if (text === '' || !ipaddr.isValid(text)) return 'critical';
  const range = ipaddr.process(text).range();
  if (range === 'loopback') return null;
  return range === 'private' || range === 'uniqueLocal' || range === 'linkLocal' ? 'warning' : 'critical';
};

/** Whether others reach the service past this server: at all addresses of the machine, or at one of its network. */
export const exposureOf = (bindings: readonly Binding[]): SecurityNote[] => {
  const worst = new Map<number, { severity: 'critical' | 'warning'; address: string }>();
  for (const { port, address } of bindings) {
    const severity = severityOf(address);
    if (severity === null || severity === 'info') continue;
    if (worst.get(port)?.severity === 'critical') continue;
    if (severity === 'critical' || !worst.has(port)) worst.set(port, { severity, address });
  }
  return [...worst]
    .sort(([a], [b]) => a - b)
    .map(([port, { severity, address }]) => ({
      severity,
      note:
        severity === 'critical'
          ? `Port ${port} is open at ${address === '0.0.0.0' || address === '::' ? 'all addresses' : address} of this machine: whoever reaches it goes past the sign-in. Publish it as 127.0.0.1:${port} instead.`
          : `Port ${port} is open at ${address}: that network reaches it past the sign-in.`,
    }));
};
