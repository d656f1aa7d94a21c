import type { LookupAddress } from 'node:dns';
import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { createTargetGuard, guardedTargetLookup, literalRefusal, TargetRefused } from './target-guard.ts';

const guard = createTargetGuard({
  allow: () => ['10.9.0.0/16'],
  deny: () => ['192.168.66.0/24', '8.8.8.8'],
  own_ports: () => [4400, 5432],
});

it.each([
  '169.254.169.254',
  '::ffff:169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  'fe80::1',
  'fd00:ec2::254',
  '0.0.0.0',
  '::',
  '224.0.0.1',
  'ff02::1',
  '255.255.255.255',
  '240.0.0.1',
])('G27: nobody may use %s, operators included', (address) => {
  expect(guard.refusal(address, 80, true)).not.toBeNull();
});

it('G27: private and loopback addresses need an operator or the setting', () => {
  for (const address of ['192.168.1.10', '127.0.0.1', '::1', 'fd12::1', '100.64.0.1', '::ffff:10.1.2.3']) {
    expect(guard.refusal(address, 80, false)).not.toBeNull();
    expect(guard.refusal(address, 80, true)).toBeNull();
  }
  expect(guard.refusal('10.9.1.1', 80, false)).toBeNull();
  expect(guard.refusal('93.184.216.34', 80, false)).toBeNull();
});

it('G27: the server itself is no target, under any address of this machine', () => {
  const own = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);
  for (const address of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1', ...own]) {
    for (const port of [4400, 5432]) expect(guard.refusal(address, port, true)).not.toBeNull();
  }
  expect(guard.refusal('127.0.0.1', 8080, true)).toBeNull();
});

it('what is denied is denied to operators as well', () => {
  expect(guard.refusal('192.168.66.3', 80, true)).toBe('is in gateway.targets.deny');
  expect(guard.refusal('8.8.8.8', 80, true)).toBe('is in gateway.targets.deny');
});

it('G27: decimal and octal forms are the addresses that URLs make of them', () => {
  for (const url of [
    'http://2852039166/',
    'http://0251.0376.0251.0376/',
    'http://0xa9fea9fe/',
    'http://[fd00:ec2::254]/',
  ])
    expect(literalRefusal(guard, new URL(url).hostname, 80, true)).toBeInstanceOf(TargetRefused);
  expect(literalRefusal(guard, 'app.example.org', 80, false)).toBeNull();
});

it('G27: a name is refused when one of its addresses is, at the time of dialling', async () => {
  const look = (addresses: LookupAddress[], privateToo: boolean) =>
    new Promise((resolve) =>
      guardedTargetLookup(
        guard,
        async () => addresses,
        80,
        privateToo,
      )('x.example', { all: true }, (error, found) => resolve(error ?? found)),
    );
  const [good, bad] = [
    { address: '93.184.216.34', family: 4 },
    { address: '10.0.0.1', family: 4 },
  ];
  expect(await look([good], false)).toEqual([good]);
  expect(await look([good, bad], false)).toBeInstanceOf(TargetRefused);
  expect(await look([good, bad], true)).toEqual([good, bad]);
  expect(await look([], true)).toMatchObject({ code: 'ENOTFOUND' });
});
