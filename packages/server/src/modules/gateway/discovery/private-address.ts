import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether an address is one of this machine or its network. A name is taken for one: what it means is decided elsewhere. */
export const isPrivateAddress = (host: string): boolean =>
  isIP(host.replace(/%.*$/, '')) === 0 || ipaddr.process(host.replace(/%.*$/, '')).range() !== 'unicast';
