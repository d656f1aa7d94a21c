import { describe, expect, it } from 'vitest';
import { applyDefaults, splitSealed, validateAnswer, validatePage } from './form-answer.ts';
import type { Form, FormField } from './form-fields.ts';
import { everyType } from './form-samples.ts';
import { isLinear, stepOf, visitedPages } from './form-walk.ts';

const matchPattern = (pattern: string, text: string) => new RegExp(`^(?:${pattern})$`, 'u').test(text);
const answer = (form: Form, values: unknown) => validateAnswer(form, values, { matchPattern });
const flat = (...fields: FormField[]): Form => ({ id: 'f', title: 'F', fields });
const messageOf = (field: FormField, value: unknown) => {
  const result = answer(flat(field), { [field.id]: value });
  return result.ok ? null : (result.errors[0]?.message ?? '');
};
const accepts = (field: FormField, ...values: unknown[]) => {
  for (const value of values)
    expect(answer(flat(field), { [field.id]: value })).toEqual({ ok: true, values: { [field.id]: value } });
};
const refuses = (field: FormField, ...values: unknown[]) => {
  for (const value of values) expect(messageOf(field, value), JSON.stringify(value)).toEqual(expect.any(String));
};
const upload = { attachment_id: '0198c0de-0000-7000-8000-000000000001', name: 'a.txt', size: 10, mime: 'text/plain' };

const basics = { name: 'ab', kind: 'short' };
const detail = {
  when: '2026-02-28T10:00:00+01:00',
  issue: '#1',
  patch: { decision: 'approve', comment: 'fine' },
  stars: 5,
  level: 0.1 + 0.2,
  log: upload,
};
const last = {
  hosts: [{ host: 'a', port: 1 }, { host: 'b' }],
  day: '2026-02-28',
  hour: '14:30',
  mail: 'a@b.example',
  link: 'https://b.example/x',
  extra: { a: 1 },
};

describe('an answer', () => {
  it('keeps the values of the pages it went through and drops those of the branch not taken', () => {
    const long = { ...basics, kind: 'long', tags: ['b', 'a'], sure: false, loud: true, ok: true, count: 3 };
    expect(answer(everyType, { ...long, ...detail, ...last })).toEqual({
      ok: true,
      values: { ...long, ...detail, ...last },
    });
    expect(answer(everyType, { ...basics, ...detail, ...last })).toEqual({ ok: true, values: { ...basics, ...last } });
    expect(visitedPages(everyType, long)).toEqual(['basics', 'detail', 'last']);
    expect(visitedPages(everyType, basics)).toEqual(['basics', 'last']);
  });

  it('does not look at wrong values of pages that are not visited', () => {
    expect(answer(everyType, { ...basics, stars: 'many' })).toEqual({ ok: true, values: basics });
  });

  it('names every unknown key, also inside rows, and every wrong field once', () => {
    const result = answer(everyType, { name: 'A!', hosts: [{ port: 0, x: 1 }], ghost: 1, note: 'not a value' });
    expect(result.ok ? [] : result.errors).toEqual([
      { path: 'ghost', message: 'is not a field of this form' },
      { path: 'note', message: 'is not a field of this form' },
      { path: 'name', message: 'does not match the required pattern' },
      { path: 'kind', message: 'is required' },
      { path: 'hosts.0.x', message: 'is not a field of this form' },
      { path: 'hosts.0.host', message: 'is required' },
      { path: 'hosts.0.port', message: 'must be at least 1' },
    ]);
  });

  it('accepts an empty optional number and any other empty optional field', () => {
    for (const empty of ['', null, undefined]) {
      expect(answer(everyType, { ...basics, count: empty, mail: empty, day: empty, hosts: empty })).toEqual({
        ok: true,
        values: basics,
      });
    }
    expect(messageOf({ id: 'n', type: 'number', required: true }, '')).toBe('is required');
  });

  it('checks numbers, ratings and sliders', () => {
    accepts({ id: 'n', type: 'number', min: -1, max: 2 }, -1, 0, 1.5, 2);
    refuses({ id: 'n', type: 'number', min: -1, max: 2 }, -1.1, 3, '1', true, [], Number.NaN, Infinity);
    refuses({ id: 'n', type: 'number', integer: true }, 1.5);
    accepts({ id: 'r', type: 'rating' }, 1, 5);
    refuses({ id: 'r', type: 'rating' }, 0, 6, 2.5, '3');
    const tenth: FormField = { id: 's', type: 'slider', min: 0.1, max: 1, step: 0.1 };
    accepts(tenth, 0.1, 0.3, 0.1 + 0.2, 0.7, 1 - 0.1, 1);
    refuses(tenth, 0.05, 0.35, 0.1 + 1e-6, 1.1);
    accepts({ id: 's', type: 'slider', min: -1e9, max: 1e9 }, 999_999_999);
    refuses({ id: 's', type: 'slider', min: -1e9, max: 1e9 }, 999_999_999.5);
  });

  it('checks choices', () => {
    const options = [{ value: 'a' }, { value: 'b' }];
    accepts({ id: 'c', type: 'select', options }, 'a', 'b');
    refuses({ id: 'c', type: 'radio', options }, 'c', 'A', 0, ['a']);
    accepts({ id: 'c', type: 'select', options: [{ value: '' }] }, '');
    accepts({ id: 'c', type: 'multiselect', options }, [], ['b', 'a']);
    refuses(
      { id: 'c', type: 'multiselect', options, min_items: 1, max_items: 1 },
      [],
      ['a', 'b'],
      ['a', 'a'],
      ['c'],
      'a',
      {},
    );
    expect(messageOf({ id: 'c', type: 'multiselect', options, required: true }, [])).toBe('is required');
    for (const type of ['checkbox', 'toggle', 'yesno'] as const) {
      accepts({ id: 'c', type, required: true }, true, false);
      refuses({ id: 'c', type }, 'true', 1, 'yes');
    }
  });

  it('checks dates, times and moments', () => {
    accepts({ id: 'd', type: 'date' }, '2026-02-28', '2024-02-29', '2000-02-29');
    refuses(
      { id: 'd', type: 'date' },
      '2026-02-29',
      '1900-02-29',
      '2026-13-01',
      '2026-00-01',
      '26-01-01',
      '2026-1-1',
      '2026-01-01T00:00Z',
      1,
    );
    accepts({ id: 'd', type: 'time' }, '00:00', '23:59:59', '12:00:00.5');
    refuses({ id: 'd', type: 'time' }, '24:00', '12:60', '12', '12:00Z', '1:00');
    accepts(
      { id: 'd', type: 'datetime' },
      '2026-01-31T14:30:00Z',
      '2026-01-31T14:30-05:00',
      '2026-01-31T14:30:00.123+05:30',
    );
    refuses(
      { id: 'd', type: 'datetime' },
      '2026-01-31T14:30:00',
      '2026-02-30T00:00:00Z',
      '2026-01-31 14:30:00Z',
      '2026-01-31',
      0,
    );
  });

  it('checks addresses', () => {
    accepts({ id: 'e', type: 'email' }, 'a@b', 'first.last+tag@sub.example.org');
    refuses({ id: 'e', type: 'email' }, 'a', '@b', 'a@', 'a b@c', 'a@b..c', `${'a'.repeat(65)}@b.c`, 'a@b.c\n');
    accepts({ id: 'u', type: 'url' }, 'http://localhost:1', 'https://a.example/x?y#z');
    refuses(
      { id: 'u', type: 'url' },
      '/x',
      'a.example',
      'javascript:alert(1)',
      'ftp://a',
      'http://',
      'https:a',
      'http://a b',
      'http:///x',
      ' https://a',
      'https://a\n',
    );
  });

  it('counts characters, not UTF-16 units', () => {
    accepts({ id: 't', type: 'text', max_len: 2 }, '👍👍');
    refuses({ id: 't', type: 'text', min_len: 2 }, '👍');
    refuses({ id: 't', type: 'textarea' }, 'x'.repeat(65_537), 3, {});
  });

  it('checks files by size and type, decisions and JSON by schema', () => {
    const file: FormField = { id: 'f', type: 'file', max_size: 10, mime_types: ['text/plain', 'image/*'] };
    accepts(file, upload, { ...upload, mime: 'image/png' }, { ...upload, mime: 'TEXT/plain; charset=utf-8' });
    refuses(
      file,
      { ...upload, size: 11 },
      { ...upload, mime: 'text/html' },
      { ...upload, mime: 'imagex/png' },
      { ...upload, path: '/' },
      'x',
    );
    refuses(file, { ...upload, attachment_id: '1' });
    const diff: FormField = { id: 'd', type: 'diffapproval', diff: '' };
    accepts(diff, { decision: 'approve' }, { decision: 'reject', comment: 'no' });
    refuses(diff, 'maybe', true, { decision: 'ok' }, { decision: 'approve', x: 1 });
    expect(answer(flat(diff), { d: 'reject' })).toEqual({ ok: true, values: { d: { decision: 'reject' } } });
    const json: FormField = {
      id: 'j',
      type: 'json',
      schema: { type: 'object', properties: { a: { type: 'integer' } } },
    };
    accepts(json, {}, { a: 1 });
    expect(messageOf(json, { a: 'x' })).toBe('a must be of type integer');
  });

  it('checks rows and their number', () => {
    const group: FormField = {
      id: 'g',
      type: 'group',
      min_rows: 1,
      max_rows: 2,
      fields: [{ id: 'a', type: 'number', required: true }],
    };
    accepts(group, [{ a: 1 }], [{ a: 1 }, { a: 2 }]);
    refuses(group, [], [{ a: 1 }, { a: 2 }, { a: 3 }], {}, [1], null);
    const result = answer(flat(group), { g: [{ a: 1 }, { a: 'x' }] });
    expect(result.ok ? [] : result.errors).toEqual([{ path: 'g.1.a', message: 'must be a number' }]);
  });

  it('drops invisible fields, inside a row by the values of that row', () => {
    const form = flat(
      { id: 'more', type: 'yesno' },
      { id: 'text', type: 'text', required: true, visible_if: { field: 'more', equals: true } },
      { id: 'deep', type: 'text', visible_if: { field: 'text', equals: 'x' } },
      {
        id: 'rows',
        type: 'group',
        fields: [
          { id: 'kind', type: 'text' },
          { id: 'port', type: 'number', required: true, visible_if: { field: 'kind', equals: 'tcp' } },
          { id: 'extra', type: 'number', visible_if: { field: 'more', equals: true } },
        ],
      },
    );
    expect(answer(form, { more: false, text: 'x', deep: 'y' })).toEqual({ ok: true, values: { more: false } });
    expect(answer(form, { more: true, text: 'x', deep: 'y' })).toEqual({
      ok: true,
      values: { more: true, text: 'x', deep: 'y' },
    });
    expect(answer(form, { rows: [{ kind: 'udp', port: 1, extra: 1 }] })).toEqual({
      ok: true,
      values: { rows: [{ kind: 'udp' }] },
    });
    const wrong = answer(form, { more: true, rows: [{ kind: 'tcp' }] });
    expect(wrong.ok ? [] : wrong.errors.map((error) => error.path)).toEqual(['text', 'rows.0.port']);
  });

  it('does not let a value of a branch not taken decide anything', () => {
    const form: Form = {
      pages: [
        {
          id: 'a',
          fields: [{ id: 'go', type: 'yesno' }],
          next: { kind: 'conditional', field_id: 'go', branches: [{ value: true, page_id: 'b' }], default: 'c' },
        },
        { id: 'b', fields: [{ id: 'hidden', type: 'text' }], next: { kind: 'end' } },
        { id: 'c', fields: [{ id: 'shown', type: 'text', visible_if: { field: 'hidden', equals: 'x' } }] },
      ],
    };
    expect(answer(form, { go: false, hidden: 'x', shown: 'y' })).toEqual({ ok: true, values: { go: false } });
  });

  it('submits after a condition without match and without default', () => {
    const form: Form = {
      pages: [
        {
          id: 'a',
          fields: [{ id: 'x', type: 'text' }],
          next: { kind: 'conditional', field_id: 'x', branches: [{ value: '1', page_id: 'b' }] },
        },
        { id: 'b', fields: [{ id: 'y', type: 'text', required: true }] },
      ],
    };
    expect(answer(form, { x: '2' })).toEqual({ ok: true, values: { x: '2' } });
    expect(answer(form, { x: '1' }).ok).toBe(false);
    expect(validatePage(form, 'a', { x: '1' }, { matchPattern })).toEqual({ ok: true, values: { x: '1' }, next: 'b' });
    expect(validatePage(form, 'a', {}, { matchPattern })).toEqual({ ok: true, values: {}, next: null });
    expect(validatePage(form, 'b', { x: '1' }, { matchPattern })).toEqual({
      ok: false,
      errors: [{ path: 'y', message: 'is required' }],
    });
    expect(isLinear(form)).toBe(false);
    expect(stepOf(form, 'a')).toBeNull();
  });

  it('that leads in a circle is refused at the field that decides it', () => {
    const form: Form = {
      pages: [
        { id: 'a', fields: [{ id: 'x', type: 'text' }] },
        {
          id: 'b',
          fields: [{ id: 'again', type: 'yesno' }],
          next: { kind: 'conditional', field_id: 'again', branches: [{ value: true, page_id: 'a' }] },
        },
      ],
    };
    const result = answer(form, { again: true });
    expect(result.ok ? [] : result.errors.map((error) => error.path)).toEqual(['again']);
    expect(answer(form, { again: false }).ok).toBe(true);
  });

  it('refuses what PostgreSQL cannot store and what overflows a stack', () => {
    const form = flat({ id: 't', type: 'text' }, { id: 'j', type: 'json' });
    const paths = (values: unknown) => {
      const result = answer(form, values);
      return result.ok ? null : result.errors[0]?.path;
    };
    expect(paths({ t: 'a\u0000' })).toBe('t');
    expect(paths({ t: '\ud800' })).toBe('t');
    expect(paths({ j: JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) })).toMatch(/^j/);
    expect(paths([])).toBe('');
    expect(paths(JSON.parse('{"__proto__": {"x": 1}}'))).toBe('__proto__');
    expect(answer(form, JSON.parse('{"toString": 1}')).ok).toBe(false);
  });

  it('turns a matcher that gives up into an error of the field', () => {
    const form = flat({ id: 't', type: 'text', pattern: 'a' });
    const result = validateAnswer(
      form,
      { t: 'a' },
      {
        matchPattern: () => {
          throw new Error('no');
        },
      },
    );
    expect(result).toEqual({ ok: false, errors: [{ path: 't', message: 'could not be checked against its pattern' }] });
  });
});

describe('the rest of a form', () => {
  it('answers with its defaults on the pages that they lead through', () => {
    const form: Form = {
      pages: [
        {
          id: 'a',
          fields: [{ id: 'go', type: 'yesno', default: false }],
          next: { kind: 'conditional', field_id: 'go', branches: [{ value: true, page_id: 'b' }], default: 'c' },
        },
        { id: 'b', fields: [{ id: 'x', type: 'text', default: 'x' }], next: { kind: 'end' } },
        {
          id: 'c',
          fields: [
            { id: 'y', type: 'number', default: 2 },
            { id: 'z', type: 'text' },
          ],
        },
      ],
    };
    expect(applyDefaults(form)).toEqual({ go: false, y: 2 });
  });

  it('counts steps only when every answer takes the same way', () => {
    const form: Form = {
      pages: [
        { id: 'a', fields: [{ id: 'x', type: 'text' }], next: { kind: 'fixed', page_id: 'c' } },
        { id: 'b', fields: [] },
        { id: 'c', fields: [] },
      ],
    };
    expect([stepOf(form, 'a'), stepOf(form, 'b'), stepOf(form, 'c')]).toEqual([
      { step: 1, of: 2 },
      null,
      { step: 2, of: 2 },
    ]);
    expect(stepOf(flat({ id: 'x', type: 'text' }), '')).toEqual({ step: 1, of: 1 });
  });

  it('parts sealed values from the others', () => {
    const form = flat({ id: 'user', type: 'text' }, { id: 'password', type: 'text', sealed: true });
    expect(splitSealed(form, { user: 'a', password: 's' })).toEqual({ open: { user: 'a' }, sealed: { password: 's' } });
  });
});
