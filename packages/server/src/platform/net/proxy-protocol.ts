import ipaddr from 'ipaddr.js';

/* The PROXY protocol, version 2: a proxy that passes on bytes says before them between whom they pass. */

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const fixed = 16;
/** With all that proxies add; what is longer is no header that anybody sends. */
const longest = 4096;

export interface Endpoint {
  address: string;
  port: number;
}

export type ProxyHeader =
  | { kind: 'more' }
  | { kind: 'none' }
  | { kind: 'broken' }
  /** `source` is null when the proxy speaks for itself, as in checks of its own. */
  | { kind: 'header'; length: number; source: Endpoint | null };

/** What the first bytes of a connection say. */
export const readProxyHeader = (bytes: Buffer): ProxyHeader => {
  const shared = Math.min(bytes.length, signature.length);
  if (!bytes.subarray(0, shared).equals(signature.subarray(0, shared))) return { kind: 'none' };
  if (bytes.length < fixed) return { kind: 'more' };
  const [versionAndCommand, family, size] = [bytes[12]!, bytes[13]!, bytes.readUInt16BE(14)];
  const length = fixed + size;
  if (versionAndCommand >> 4 !== 2 || (versionAndCommand & 0x0f) > 1 || length > longest) return { kind: 'broken' };
  if (bytes.length < length) return { kind: 'more' };
  if ((versionAndCommand & 0x0f) === 0) return { kind: 'header', length, source: null };
  const body = bytes.subarray(fixed, length);
  switch (family >> 4) {
    case 0:
      return { kind: 'header', length, source: null };
    case 1:
      if (body.length < 12) return { kind: 'broken' };
      return { kind: 'header', length, source: endpoint(body.subarray(0, 4), body.readUInt16BE(8)) };
    case 2:
      if (body.length < 36) return { kind: 'broken' };
      return { kind: 'header', length, source: endpoint(body.subarray(0, 16), body.readUInt16BE(32)) };
    default:
      return { kind: 'broken' };
  }
};

const endpoint = (address: Buffer, port: number): Endpoint => ({
  address: ipaddr.process(ipaddr.fromByteArray([...address]).toString()).toString(),
  port,
});

/** For a target: who the client is, and where it came in. */
export const writeProxyHeader = (source: Endpoint, destination: Endpoint): Buffer => {
  const ends = [source, destination].map(({ address }) => ipaddr.process(address));
  const four = ends.every((address) => address.kind() === 'ipv4');
  const size = four ? 4 : 16;
  const bytesOf = (address: ipaddr.IPv4 | ipaddr.IPv6): number[] =>
    four || address.kind() === 'ipv6'
      ? address.toByteArray()
      : (address as ipaddr.IPv4).toIPv4MappedAddress().toByteArray();
  const header = Buffer.alloc(fixed + 2 * size + 4);
  signature.copy(header);
  header[12] = 0x21;
  header[13] = four ? 0x11 : 0x21;
  header.writeUInt16BE(2 * size + 4, 14);
  for (const [index, address] of ends.entries()) Buffer.from(bytesOf(address)).copy(header, fixed + index * size);
  header.writeUInt16BE(source.port, fixed + 2 * size);
  header.writeUInt16BE(destination.port, fixed + 2 * size + 2);
  return header;
};
