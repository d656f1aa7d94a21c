import type { ItemView } from '@atrium/protocol';
import { describe, expect, test } from 'vitest';
import { items, many } from '../../../test/support/inbox-records.ts';
import { argumentForm, changesAsDiff, changesOf, toArguments, toFieldPath, toFieldValues } from './argument-form.ts';
import { deviceName } from './device-name.ts';
import { listInput, matches, parseSearch } from './item-filter.ts';
import { linesOf, worstLevel } from './run-groups.ts';
import { timelineOf } from './timeline-entries.ts';

const me = '01980000-0000-7000-8000-000000000001';
const now = Date.now();
const needsMe = listInput({});
const fits = (change: Partial<ItemView>, input = needsMe) => matches({ ...items.yesNo, ...change }, input, me, now);

describe('the boxes', () => {
  test('show me what is open, awake and mine to act on', () => {
    expect(fits({})).toBe(true);
    expect(fits({ status: 'answered' })).toBe(false);
    expect(fits({ archived_at: items.yesNo.created_at })).toBe(false);
    expect(fits({ snoozed_until: new Date(now + 60_000).toISOString() })).toBe(false);
    expect(fits({ snoozed_until: new Date(now - 1).toISOString() })).toBe(true);
    expect(fits({ assignee: { type: 'user', id: 'another', name: 'Tom' } })).toBe(false);
  });

  test('leave out what I asked, unless I asked myself', () => {
    const mine = { type: 'user', id: me, name: 'Mara' } as const;
    expect(fits({ created_by: mine })).toBe(false);
    expect(fits({ created_by: mine, assignee: mine })).toBe(true);
  });

  test('let a notice go once it is seen, a question stays', () => {
    const seen = { viewed_at: items.yesNo.created_at };
    expect(fits({ kind: 'notice', ...seen })).toBe(false);
    expect(fits(seen)).toBe(true);
  });

  test('ask named approvers only, and each only once', () => {
    expect(fits({ require: { all_of: ['another'] } })).toBe(false);
    expect(fits({ require: { any_of: [me], n: 2 } })).toBe(true);
    const decided = {
      by: { type: 'user', id: me, name: 'Mara' },
      decision: 'accept',
      at: items.yesNo.created_at,
    } as const;
    expect(fits({ require: { n: 2 }, approvals: [decided] })).toBe(false);
  });

  test('leave words and saved views to the server, what the filter excludes is out without it', () => {
    expect(fits({}, listInput({ q: 'deploy' }))).toBeNull();
    expect(fits({}, listInput({ q: 'deploy', level: ['error'] }))).toBe(false);
  });
});

describe('the address', () => {
  test('keeps what it knows and drops the rest', () => {
    const search = parseSearch({ box: 'nowhere', level: ['error', 'hot'], priority: 3, q: '', agent: 'a' });
    expect(search).toEqual({ level: ['error'], priority: ['3'], agent: 'a' });
    expect(listInput(search)).toEqual({ box: 'needs_me', level: ['error'], priority: [3], agent: 'a', limit: 100 });
  });
});

describe('runs', () => {
  test('collapse where their newest item stands; single ones and pinned ones stay as they are', () => {
    const [a, b, c, d] = many(4) as [ItemView, ItemView, ItemView, ItemView];
    const list = [a, { ...b, run_id: 'r' }, c, { ...d, run_id: 'r' }, { ...items.yesNo, run_id: 'single' }];
    expect(linesOf(list, new Set()).map((line) => line.key)).toEqual([a.id, 'run r', c.id, items.yesNo.id]);
    expect(linesOf(list, new Set(['r'])).map((line) => line.key)).toEqual([
      a.id,
      'run r',
      b.id,
      d.id,
      c.id,
      items.yesNo.id,
    ]);
    const pinned = [...list.slice(0, 3), { ...d, run_id: 'r', pinned_at: d.created_at }];
    expect(linesOf(pinned, new Set()).map((line) => line.key)).toEqual([d.id, a.id, b.id, c.id]);
  });

  test('take the colour of the most urgent item', () => {
    const [a, b] = many(2) as [ItemView, ItemView];
    expect(
      worstLevel([
        { ...a, level: 'success' },
        { ...b, level: 'warning' },
      ]),
    ).toBe('warning');
  });
});

describe('arguments as a form', () => {
  const approval = items.approval.approval!;
  const { form, names } = argumentForm(approval);

  test('give each its field as the schema describes it', () => {
    expect(form.fields?.map((field) => [field.label, field.type])).toEqual([
      ['Service', 'select'],
      ['Version', 'text'],
      ['Replicas', 'number'],
      ['Drain connections first', 'toggle'],
      ['Change', 'textarea'],
    ]);
  });

  test('come back unchanged when nothing is edited', () => {
    const back = toArguments(names, toFieldValues(names, approval.arguments));
    expect(back).toEqual(approval.arguments);
    expect(changesOf(approval.arguments, back)).toEqual([]);
  });

  test('take any name and any value without a schema', () => {
    const odd = { tool: 't', arguments: { 'a b': 1, __proto: 'x', list: [1, { y: 2 }], none: null } };
    const made = argumentForm(odd);
    expect(made.form.fields?.map((field) => field.type)).toEqual(['number', 'text', 'json', 'json']);
    expect(toArguments(made.names, toFieldValues(made.names, odd.arguments))).toEqual(odd.arguments);
  });

  test('show their changes as a diff and place errors at their field', () => {
    const changes = changesOf(approval.arguments, { ...approval.arguments, version: '2.4.2' });
    expect(changesAsDiff(changes)).toBe('-version: 2.4.1\n+version: 2.4.2');
    expect(toFieldPath(names, 'arguments.version')).toBe('argument_1');
    expect(toFieldPath(names, 'reply.arguments.patch')).toBe('argument_4');
    expect(toFieldPath(names, 'option')).toBe('');
  });
});

describe('the timeline', () => {
  const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 9, 0, second)).toISOString();
  const tom = { type: 'user', id: 'tom', name: 'Tom' } as const;

  test('merges acts and comments by time, says a repeated quiet act once, names the device of the answer', () => {
    const entries = timelineOf(
      items.yesNo,
      [
        { at: at(9), actor: tom, action: 'inbox.answer', details: {} },
        { at: at(1), actor: items.yesNo.created_by, action: 'inbox.create', details: {} },
        { at: at(2), actor: tom, action: 'inbox.ack', details: {} },
        { at: at(3), actor: tom, action: 'inbox.ack', details: {} },
        { at: at(5), actor: tom, action: 'inbox.comment', details: {} },
      ],
      [{ id: 'c', item_id: items.yesNo.id, author: tom, body: 'Wait', created_at: at(5) }],
      [
        {
          id: 'r',
          item_id: items.yesNo.id,
          by: tom,
          source: 'person',
          values: {},
          reply: null,
          device: 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit Version/19.0 Safari/604.1',
          supersedes: null,
          created_at: at(9),
        },
      ],
    );
    expect(
      entries.map((entry) => (entry.kind === 'comment' ? entry.comment.body : [entry.words, entry.device])),
    ).toEqual([['asked', null], ['saw this', null], 'Wait', ['answered', 'Safari on iPhone']]);
  });

  test('names a device as people do', () => {
    expect(deviceName('Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0')).toBe('Edge on Windows');
    expect(deviceName('curl/8.9.1')).toBe('curl');
    expect(deviceName(null)).toBeNull();
  });
});
