import { describe, expect, it } from 'vitest';
import { type MdnsRecord, MdnsRecords } from './mdns-records.ts';
import { mdnsSighting } from './mdns-services.ts';

const type = '_http._tcp';
const fqdn = 'My notes. At home._http._tcp.local';
const announced = (parts: { ttl?: number; address?: string; txt?: string[]; type?: string } = {}): MdnsRecord[] => [
  { type: 'PTR', name: `${parts.type ?? type}.local`, ttl: parts.ttl ?? 120, data: fqdn },
  { type: 'SRV', name: fqdn, ttl: parts.ttl ?? 120, data: { target: 'nas.local', port: 5000 } },
  { type: 'TXT', name: fqdn, ttl: parts.ttl ?? 120, data: (parts.txt ?? []).map((one) => Buffer.from(one)) },
  { type: 'A', name: 'NAS.local', ttl: parts.ttl ?? 120, data: parts.address ?? '192.168.1.9' },
];
const heard = (records: readonly MdnsRecord[], from = '192.168.1.9') => {
  const cache = new MdnsRecords();
  cache.take(records, from, 0);
  return cache;
};

describe('announced services', () => {
  it('are put together from their records, whatever dots their name has', () => {
    expect(heard(announced({ txt: ['App_Id=notes', 'path=/x', 'flag'] })).services([type])).toEqual([
      {
        fqdn,
        instance: 'My notes. At home',
        type,
        address: '192.168.1.9',
        port: 5000,
        txt: { app_id: 'notes', path: '/x', flag: '' },
      },
    ]);
  });

  it('end with their goodbye and with their time', () => {
    const cache = heard(announced());
    cache.expire(119_000);
    expect(cache.services([type])).toHaveLength(1);
    cache.take([{ type: 'PTR', name: `${type}.local`, ttl: 0, data: fqdn }], '192.168.1.9', 1000);
    expect(cache.services([type])).toEqual([]);
    const late = heard(announced());
    late.expire(120_000);
    expect(late.services([type])).toEqual([]);
  });

  it('are asked for what they left out', () => {
    const cache = heard(announced().slice(0, 1));
    expect(cache.missing([type])).toEqual([
      { name: fqdn, type: 'SRV' },
      { name: fqdn, type: 'TXT' },
    ]);
    cache.take(announced().slice(1, 3), '192.168.1.9', 0);
    expect(cache.missing([type])).toEqual([{ name: 'nas.local', type: 'A' }]);
  });

  it('take a new address when the old one is flushed', () => {
    const cache = heard(announced());
    cache.take([{ type: 'A', name: 'nas.local', ttl: 120, flush: true, data: '192.168.1.10' }], '192.168.1.10', 60_000);
    expect(cache.services([type])[0]?.address).toBe('192.168.1.10');
  });

  it.each([
    ['169.254.169.254', '192.168.1.9', false],
    ['127.0.0.1', '192.168.1.9', false],
    ['127.0.0.1', '127.0.0.1', true],
    ['203.0.113.5', '192.168.1.9', false],
    ['224.0.0.1', '192.168.1.9', false],
    ['10.0.0.7', '192.168.1.9', true],
  ])('at %s, told by %s, are believed: %s', (address, from, believed) => {
    expect(heard(announced({ address }), from).services([type]).length === 1).toBe(believed);
  });

  it.each([
    [[], type, 0.7],
    [['app_id=notes'], type, 0.85],
    [['nekzus_enable=true'], type, 0.95],
    [['atrium_enable=true', 'app_id=notes'], type, 0.95],
    [[], '_home-assistant._tcp', 0.8],
    [['app_id=ha'], '_home-assistant._tcp', 0.85],
    [['atrium_enable=true'], '_home-assistant._tcp', 1],
  ])('with %j of %s have the confidence %d', (txt, kind, confidence) => {
    const records = announced({ txt, type: kind }).map((record) => ({
      ...record,
      name: record.name.replace(`${type}.local`, `${kind}.local`),
      data: record.type === 'PTR' ? fqdn.replace(type, kind) : record.data,
    }));
    expect(mdnsSighting(heard(records).services([kind])[0]!)?.confidence).toBe(confidence);
  });

  it('that do not want to be here are none, and a path is one of ours with a key of ours alone', () => {
    const service = (txt: string[]) => mdnsSighting(heard(announced({ txt })).services([type])[0]!);
    expect(service(['atrium_enable=false', 'nekzus_enable=true'])).toBeNull();
    expect(service(['path=/index.html'])?.route).toEqual({ access: 'signed_in' });
    expect(service(['app_id=notes', 'path=/n/'])?.route).toMatchObject({
      path_base: '/apps/n/',
      scopes: ['access:notes'],
    });
  });
});
