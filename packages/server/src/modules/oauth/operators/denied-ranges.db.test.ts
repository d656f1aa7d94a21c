import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../test/support/test-database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { deniedRangesStore } from '../stores/operator-lists-store.ts';
import { canonicalRange, DeniedRanges, rangeHolds } from './denied-ranges.ts';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const deny = (range: string, expires_at: Date | null = null) =>
  deniedRangesStore.insert(test.database.read, {
    ...{ id: newId(), range, reason: '', created_by: newId(), at: test.clock.now(), expires_at },
  });

describe('denied ranges', () => {
  it('hold the addresses of their prefix and no other, in both families and at odd lengths', async () => {
    const ranges = new DeniedRanges(test.database.read, test.clock);
    await ranges.load();
    expect(ranges.denied('198.51.100.7')).toBe(false);
    await deny('198.51.100.0/27');
    await deny('203.0.113.66/32');
    await deny('2001:db8:deac::/47');
    await ranges.load();
    expect(ranges.size).toBe(3);
    const denied = [
      '198.51.100.0',
      '198.51.100.31',
      '::ffff:198.51.100.7',
      '203.0.113.66',
      '2001:db8:deac::1',
      '2001:db8:dead:f::',
    ];
    const answered = ['198.51.100.32', '203.0.113.67', '2001:db8:deae::', '::1', 'no address', ''];
    expect(denied.filter((ip) => !ranges.denied(ip))).toEqual([]);
    expect(answered.filter((ip) => ranges.denied(ip))).toEqual([]);
  });

  it('end by themselves, without being read again', async () => {
    const ranges = new DeniedRanges(test.database.read, test.clock);
    await deny('192.0.2.0/24', new Date(test.clock.now().getTime() + 60_000));
    await ranges.load();
    expect(ranges.denied('192.0.2.9')).toBe(true);
    test.clock.advance(60_001);
    expect(ranges.denied('192.0.2.9')).toBe(false);
  });
});

describe('a range that an operator typed', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9/32'],
    ['203.0.113.77/28', '203.0.113.64/28'],
    ['2001:db8:0:0::1/64', '2001:db8::/64'],
    ['2001:db8::1', '2001:db8::1/128'],
  ])('%s becomes %s', (typed, range) => {
    expect(canonicalRange(typed)).toEqual({ range });
  });

  it('in the mapped form of IPv4 is refused, since no request ever has it', () => {
    expect(canonicalRange('::ffff:1.2.3.0/120')).toHaveProperty('problem');
  });

  it('is known to hold an address or not', () => {
    expect(rangeHolds('0.0.0.0/0', '192.0.2.1')).toBe(true);
    expect(rangeHolds('0.0.0.0/0', '2001:db8::1')).toBe(false);
    expect(rangeHolds('192.0.2.0/25', '192.0.2.200')).toBe(false);
    expect(rangeHolds('192.0.2.0/25', null)).toBe(false);
  });
});
