import { expect, test } from 'vitest';
import { type AuditEntry, auditSentence, isRefusal } from './audit-words.ts';

const entry = (action: string, details: Record<string, unknown> = {}): AuditEntry => ({
  id: '01980000-0000-7000-8000-000000000001',
  seq: 1,
  at: '2026-11-20T09:00:00.000Z',
  actor: { type: 'user', id: null, name: 'Mara' },
  action,
  target_type: null,
  target_id: null,
  item_id: null,
  item_title: null,
  details,
  ip: null,
  user_agent: null,
  trace_id: null,
  request_id: null,
  hash: 'h',
});

test('a known action reads as a sentence with the name of its thing', () => {
  expect(auditSentence(entry('members.change_role', { name: 'Tom Okafor', to: 'admin' }))).toBe(
    'changed the role of Tom Okafor',
  );
  expect(auditSentence(entry('auth.login'))).toBe('signed in');
});

test('an action that the page has never heard of is told by its own words', () => {
  expect(auditSentence(entry('flows.start_run', { name: 'Nightly' }))).toBe('start run flows Nightly');
});

test('a known action without a name leaves no hole', () => {
  expect(auditSentence(entry('agents.create'))).toBe('connected the agent');
});

test('refusals and failures stand out', () => {
  expect(['operation.denied', 'auth.login_failed', 'auth.login'].map((action) => isRefusal(entry(action)))).toEqual([
    true,
    true,
    false,
  ]);
});

test('an item is told by its title, and by the end of its id where it has none', () => {
  expect(auditSentence({ ...entry('inbox.answer'), item_id: 'x', item_title: 'Deploy?' })).toBe('answered “Deploy?”');
  expect(auditSentence({ ...entry('inbox.answer'), item_id: '01980000-0000-7000-8000-000000f688d5' })).toBe(
    'answered item f688d5',
  );
});

test('an invitation without an address went out as a link', () => {
  expect(auditSentence(entry('invitations.create', { email: null }))).toBe('invited by link');
});
