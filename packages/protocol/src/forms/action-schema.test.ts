import { describe, expect, it } from 'vitest';
import { isOpenableAddress, itemAction, itemActions } from './action-schema.ts';

const ack = (id: string) => ({ kind: 'ack', id, label: 'OK' });
const http = { kind: 'http', id: 'h', label: 'Call', url: 'https://a.example/hook' };

describe('actions', () => {
  it.each([
    ack('a'),
    { kind: 'open_url', id: 'o', label: 'Open', url: 'https://a.example', style: 'primary' },
    { kind: 'open_url', id: 'o', label: 'Write', url: 'mailto:a@b.example?subject=x' },
    { kind: 'run_tool', id: 'r', label: 'Run', tool: 'deploy', arguments: { force: true }, style: 'danger' },
    { kind: 'reply', id: 'p', label: 'Reply', prompt: 'Go on' },
    { ...http, method: 'POST', headers: { 'X-Key': 'v' }, body: '{}' },
  ])('may be %j', (action) => expect(itemAction.parse(action)).toEqual(action));

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    ' https://a',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    '//a.example',
    '/x',
    'https:a',
    'mailto:',
    'mailto:x',
    'blob:https://a/b',
    'https://',
    'http:\\\\a',
  ])('never open %j', (url) => expect(isOpenableAddress(url)).toBe(false));

  it.each([
    [{ ...http, url: 'ftp://a.example' }],
    [{ ...http, url: 'https://user:pass@a.example' }],
    [{ ...http, headers: { Host: 'b' } }],
    [{ ...http, headers: { 'X-A': 'b\r\nX-B: c' } }],
    [{ ...http, headers: { 'X A': 'b' } }],
    [{ ...http, method: 'GET', body: 'x' }],
    [{ ...http, method: 'TRACE' }],
    [{ kind: 'ack', id: 'a', label: '' }],
    [{ kind: 'ack', id: 'a', label: 'x', url: 'https://a' }],
    [{ kind: 'explode', id: 'a', label: 'x' }],
  ])('are refused as %j', (action) => expect(itemAction.safeParse(action).success).toBe(false));

  it('are at most nine with ids of their own', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => ack(`a${i}`));
    expect(itemActions.safeParse(many(9)).success).toBe(true);
    expect(itemActions.safeParse(many(10)).success).toBe(false);
    expect(itemActions.safeParse([ack('a'), ack('a')]).success).toBe(false);
  });
});
