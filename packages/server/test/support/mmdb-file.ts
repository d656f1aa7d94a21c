/* Writes databases in the format MMDB 2.0, as small as a test needs them. */

type Value = string | number | readonly Value[] | { readonly [key: string]: Value };

const control = (type: number, size: number): Buffer => {
  const head: number[] = [];
  const small = size < 29 ? size : 29;
  // Types above 7 stand in a byte of their own.
  if (type <= 7) head.push((type << 5) | small);
  else head.push(small, type - 7);
  if (size >= 29) head.push(size - 29);
  return Buffer.from(head);
};

const encoded = (value: Value): Buffer => {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(2, bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(6, 4), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encoded)]);
  const members = Object.entries(value as Record<string, Value>);
  return Buffer.concat([
    control(7, members.length),
    ...members.flatMap(([key, member]) => [encoded(key), encoded(member)]),
  ]);
};

interface Node {
  children: [Node | number | null, Node | number | null];
}

/** Countries of networks of IPv4, as in `{ '203.0.113.0/24': 'NZ' }`. */
export const mmdbFile = (networks: Readonly<Record<string, string>>): Buffer => {
  const data: Buffer[] = [];
  let size = 0;
  const root: Node = { children: [null, null] };
  for (const [network, iso_code] of Object.entries(networks)) {
    const [address = '', prefix = '32'] = network.split('/');
    const four = address.split('.').map(Number);
    // IPv4 lies in the lowest 32 bits of a tree for IPv6.
    const bits = '0'.repeat(96) + four.map((byte) => byte.toString(2).padStart(8, '0')).join('');
    let node = root;
    const depth = 96 + Number(prefix);
    for (let at = 0; at < depth; at++) {
      const side = bits[at] === '1' ? 1 : 0;
      if (at === depth - 1) {
        node.children[side] = size;
        break;
      }
      const next = node.children[side];
      const child: Node = next === null || typeof next === 'number' ? { children: [null, null] } : next;
      node.children[side] = child;
      node = child;
    }
    const record = encoded({ country: { iso_code } });
    data.push(record);
    size += record.length;
  }
  const nodes: Node[] = [root];
  for (const node of nodes)
    for (const child of node.children) if (child !== null && typeof child === 'object') nodes.push(child);
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [index, { children }] of nodes.entries())
    for (const [side, child] of children.entries()) {
      const value =
        child === null ? nodes.length : typeof child === 'number' ? nodes.length + 16 + child : nodes.indexOf(child);
      tree.writeUIntBE(value, index * 6 + side * 3, 3);
    }
  const metadata = encoded({
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 1_790_000_000 },
    ...{ database_type: 'Test-Country', description: { en: 'for tests' }, ip_version: 6, languages: ['en'] },
    ...{ node_count: nodes.length, record_size: 24 },
  });
  const marker = Buffer.from('abcdef4d61784d696e642e636f6d', 'hex');
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata]);
};
