import type { Outcome } from '@atrium/protocol';
import { describe, expect, it } from 'vitest';
import { decide, hookConfig, hookOutput } from './claude-hook-command.ts';

const outcome = (parts: Partial<Outcome>): Outcome => ({
  status: 'answered',
  source: 'person',
  values: null,
  reply: null,
  decision: null,
  action: null,
  answered_by: { type: 'user', id: null, name: 'Ada' },
  answered_at: null,
  corrected: false,
  state: null,
  ...parts,
});

describe('what an outcome means for a tool call', () => {
  it.each([
    [{ reply: { kind: 'accept' }, decision: 'accept' }, 'allow'],
    [{ decision: 'accept', source: 'rule' }, 'allow'],
    [{ reply: { kind: 'edit', arguments: { a: 1 } }, decision: 'edit' }, 'allow'],
    [{ reply: { kind: 'reject' }, decision: 'reject' }, 'deny'],
    [{ reply: { kind: 'respond', text: 'no' }, decision: 'respond' }, 'deny'],
    [{ decision: 'deny', source: 'timeout' }, 'deny'],
    [{ decision: null }, 'deny'],
    [{ status: 'pending' }, 'deny'],
    [{ status: 'dismissed' }, 'deny'],
    [{ status: 'expired' }, 'deny'],
    [{ status: 'withdrawn' }, 'deny'],
    [{ status: 'action' }, 'deny'],
  ] as [Partial<Outcome>, string][])('%j means %s', (parts, kind) => {
    expect(decide(outcome(parts)).kind).toBe(kind);
  });
});

it('both hooks get the form that they expect', () => {
  const edited = { kind: 'allow', arguments: { a: 1 } } as const;
  expect(hookOutput('PreToolUse', edited)).toEqual({
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'allow',
      permissionDecisionReason: 'Approved in Atrium.',
      updatedInput: { a: 1 },
    },
  });
  expect(hookOutput('PermissionRequest', edited)).toEqual({
    hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: { behavior: 'allow', updatedInput: { a: 1 } } },
  });
  expect(hookOutput('PermissionRequest', { kind: 'deny', reason: 'no' })).toMatchObject({
    hookSpecificOutput: { decision: { behavior: 'deny', message: 'no' } },
  });
  expect(hookOutput('PermissionRequest', { kind: 'ask', reason: '' })).toBeNull();
});

it('the settings give the hook longer than people have, and close when it fails', () => {
  const config = hookConfig({ event: 'PreToolUse', matcher: 'Bash', timeout: '10m', channel: "it's" }, 'work') as {
    hooks: { PreToolUse: { matcher: string; hooks: { command: string; timeout: number; onFailure: string }[] }[] };
  };
  const [entry] = config.hooks.PreToolUse;
  expect(entry?.matcher).toBe('Bash');
  expect(entry?.hooks[0]?.timeout).toBeGreaterThan(600);
  expect(entry?.hooks[0]?.onFailure).toBe('block');
  expect(entry?.hooks[0]?.command).toContain(`claude-hook --profile work --channel 'it'\\''s' --timeout 10m`);
});
