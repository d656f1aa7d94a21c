import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { judgeTarget, type TargetRules } from './target-guard.ts';

const range = (cidr: string) => {
  const [address, bits] = ipaddr.parseCIDR(cidr);
  return { cidr, address, bits };
};
const rules: TargetRules = { allow: [], deny: [], own_ports: [4400, 5432] };
const names: Record<string, string[]> = {
  'public.example.org': ['203.0.114.10'],
  'private.example.org': ['192.168.1.10'],
  'both.example.org': ['203.0.114.10', '10.0.0.1'],
  'metadata.example.org': ['169.254.169.254'],
  'metadata6.example.org': ['fd00:ec2::254'],
};
const resolve = async (host: string) => {
  const found = names[host];
  if (found === undefined) throw new Error('ENOTFOUND');
  return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
};
const judge = (url: string, more: Partial<TargetRules> = {}) => judgeTarget(url, { ...rules, ...more }, resolve);

describe('the target guard', () => {
  it.each([
    'http://169.254.169.254/',
    'http://169.254.1.1:8080',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
    'http://0.0.0.0/',
    'http://0.0.0.0:9000',
    'http://[::]/',
    'http://224.0.0.1/',
    'http://[ff02::1]/',
    'http://255.255.255.255/',
    'http://240.0.0.1/',
    'http://100.100.100.200/',
    'http://[::ffff:169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[2002:a9fe:a9fe::]/',
    'http://metadata.example.org/',
    'http://metadata6.example.org/',
  ])('G27: never connects to %s', async (url) => {
    expect((await judge(url)).kind).toBe('refused');
    // Nobody can allow it.
    expect((await judge(url, { allow: [range('0.0.0.0/0'), range('::/0')] })).kind).toBe('refused');
  });

  it.each([
    'http://2130706433/',
    'h2c://2130706433:50051',
    'h2c://0x7f.1:50051',
    'http://0x7f000001/',
    'http://017700000001/',
    'http://0300.0250.1.10/',
    'http://127.1/',
    'http://0xc0.0xa8.1.10:80/',
  ])('G27: refuses %s, an address in a form that hides it', async (url) => {
    expect((await judge(url)).kind).toBe('refused');
  });

  it.each([
    'http://127.0.0.1:4400/',
    'http://127.8.9.10:4400',
    'http://[::1]:4400',
    'http://localhost.example.org:5432',
  ])('G27: refuses %s, a port of the server itself', async (url) => {
    names['localhost.example.org'] = ['127.0.0.1'];
    expect((await judge(url)).kind).toBe('refused');
  });

  it('refuses its own port at every address of this machine', async () => {
    const own = Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .filter(({ address }) => !address.startsWith('fe80'));
    for (const { address, family } of own) {
      const host = family === 'IPv6' ? `[${address}]` : address;
      expect((await judge(`http://${host}:4400`)).kind).toBe('refused');
      expect((await judge(`http://${host}:8080`)).kind).not.toBe('refused');
    }
  });

  it.each([
    ['http://192.168.1.10', 'private'],
    ['http://10.0.0.1:8080/base', 'private'],
    ['http://127.0.0.1:8080', 'private'],
    ['http://[fd12:3456::1]:8080', 'private'],
    ['http://100.64.0.1', 'private'],
    ['http://private.example.org', 'private'],
    ['http://both.example.org', 'private'],
    ['https://public.example.org', 'public'],
    ['http://203.0.114.10', 'public'],
    ['http://nobody-knows.example.org', 'public'],
  ] as const)('judges %s as %s', async (url, kind) => {
    expect((await judge(url)).kind).toBe(kind);
  });

  it('lets settings allow a private range to everybody and deny any range', async () => {
    const allow = [range('192.168.1.0/24')];
    expect((await judge('http://192.168.1.10', { allow })).kind).toBe('listed');
    expect((await judge('http://192.168.2.10', { allow })).kind).toBe('private');
    expect((await judge('http://192.168.1.10', { allow, deny: allow })).kind).toBe('refused');
    expect((await judge('http://203.0.114.10', { deny: [range('203.0.114.0/24')] })).kind).toBe('refused');
  });
});
