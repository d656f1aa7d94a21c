import { expect, test } from 'vitest';
import { readAuditFilter, toAuditInput } from './audit-filter.ts';

test('only known texts of an address become a filter', () => {
  expect(readAuditFilter({ action: 'auth.*', q: '', actor: 3, evil: 'x', span: '24h' })).toEqual({
    action: 'auth.*',
    span: '24h',
  });
});

test('a span becomes a time that stays the same within a minute', () => {
  const at = Date.parse('2026-11-20T09:00:30.000Z');
  expect(toAuditInput({ span: '1h', q: 'x' }, at)).toEqual({ q: 'x', from: '2026-11-20T08:00:00.000Z' });
  expect(toAuditInput({ span: '1h' }, at + 29_000)).toEqual(toAuditInput({ span: '1h' }, at));
});

test('explicit times pass through, an unknown span does nothing', () => {
  const from = '2026-11-01T00:00:00.000Z';
  expect(toAuditInput({ from, span: 'ever' }, 0)).toEqual({ from });
});
