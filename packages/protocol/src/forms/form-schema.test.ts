import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldTypes } from './form-fields.ts';
import { createPatterns } from './form-pattern.ts';
import { everyType } from './form-samples.ts';
import { checkForm, formDocument } from './form-schema.ts';

const patterns = createPatterns((source) => {
  const expression = new RegExp(`^(?:${source})$`, 'u');
  return { size: source.length, matches: (text) => expression.test(text) };
});
const check = (form: unknown) => checkForm(form, patterns);
const errorsOf = (form: unknown) => {
  const result = check(form);
  return result.ok ? [] : result.errors;
};
const flat = (...fields: unknown[]) => ({ id: 'f', title: 'F', fields });
const paged = (...pages: unknown[]) => ({ id: 'f', title: 'F', pages });
const text = (id: string, more: object = {}) => ({ id, type: 'text', ...more });

describe('a form document', () => {
  it('may hold all 22 field types', () => {
    const used = everyType.pages!.flatMap((page) => page.fields.map((field) => field.type));
    expect(new Set(used)).toEqual(new Set(fieldTypes));
    expect(fieldTypes).toHaveLength(22);
    expect(check(everyType)).toEqual({ ok: true, form: everyType });
  });

  it('has a JSON Schema for the reference and for tool listings', () => {
    expect(z.toJSONSchema(formDocument, { reused: 'ref' })).toMatchObject({ type: 'object' });
  });

  it('names an unknown type and lists the known ones', () => {
    const [error] = errorsOf(flat({ id: 'a', type: 'hologram' }));
    expect(error?.path).toMatch(/^fields\.0/);
    expect(error?.message).toContain('"hologram" is no field type; known are text, textarea, number');
    expect(errorsOf(flat({ id: 'a' }))[0]?.message).toContain('has no type');
  });

  it.each([
    ['a property of another type', flat(text('a', { options: [] })), 'fields.0.options'],
    ['sealed on anything but text', flat({ id: 'a', type: 'number', sealed: true }), 'fields.0.sealed'],
    ['a default on a sealed field', flat(text('a', { sealed: true, default: 'x' })), 'fields.0.default'],
    [
      'a required markdown block',
      flat({ id: 'a', type: 'markdown', content: '', required: true }),
      'fields.0.required',
    ],
    ['a field id with a blank', flat(text('a b')), 'fields.0.id'],
    ['a field id that poisons objects', flat(text('__proto__')), 'fields.0.id'],
    ['an id used twice', flat(text('a'), text('a')), 'fields.1.id'],
    [
      'an id used twice across a group',
      flat(text('a'), { id: 'g', type: 'group', fields: [text('a')] }),
      'fields.1.fields.0.id',
    ],
    [
      'a condition on a missing field',
      flat(text('a', { visible_if: { field: 'b', equals: 'x' } })),
      'fields.0.visible_if.field',
    ],
    [
      'a condition that never holds',
      flat({ id: 'b', type: 'yesno' }, text('a', { visible_if: { field: 'b', equals: 'yes' } })),
      'fields.1.visible_if.equals',
    ],
    [
      'a condition on a sealed field',
      flat(text('b', { sealed: true }), text('a', { visible_if: { field: 'b', equals: 'x' } })),
      'fields.1.visible_if.equals',
    ],
    [
      'a field that depends on itself',
      flat(text('a', { visible_if: { field: 'a', equals: 'x' } })),
      'fields.0.visible_if.field',
    ],
    ['a default outside its range', flat({ id: 'a', type: 'number', min: 3, default: 2 }), 'fields.0.default'],
    [
      'a default that is no option',
      flat({ id: 'a', type: 'select', options: [{ value: 'x' }], default: 'y' }),
      'fields.0.default',
    ],
    ['a default that its pattern refuses', flat(text('a', { pattern: '[0-9]+', default: 'x' })), 'fields.0.default'],
    [
      'a default row that is wrong',
      flat({ id: 'g', type: 'group', fields: [{ id: 'n', type: 'number' }], default: [{ n: 'x' }] }),
      'fields.0.default.0.n',
    ],
    ['a default for a file', flat({ id: 'a', type: 'file', default: 'x' }), 'fields.0.default'],
    ['bounds the wrong way round', flat({ id: 'a', type: 'rating', min: 9 }), 'fields.0.min'],
    [
      'an option twice',
      flat({ id: 'a', type: 'radio', options: [{ value: 'x' }, { value: 'x' }] }),
      'fields.0.options.1.value',
    ],
    ['an unusable JSON Schema', flat({ id: 'a', type: 'json', schema: { type: 'objekt' } }), 'fields.0.schema.type'],
    ['a pattern that does not compile', flat(text('a', { pattern: '(a' })), 'fields.0.pattern'],
    ['a pattern of 501 characters', flat(text('a', { pattern: 'a'.repeat(501) })), 'fields.0.pattern'],
    ['fields and pages together', { ...flat(text('a')), pages: [{ id: 'p', fields: [text('b')] }] }, ''],
    ['no field at all', flat(), 'fields'],
    ['a page id used twice', paged({ id: 'p', fields: [text('a')] }, { id: 'p', fields: [] }), 'pages.1.id'],
    [
      'a next page that is missing',
      paged({ id: 'p', fields: [text('a')], next: { kind: 'fixed', page_id: 'q' } }),
      'pages.0.next.page_id',
    ],
    [
      'a branch on a missing field',
      paged({ id: 'p', fields: [text('a')], next: { kind: 'conditional', field_id: 'z', branches: [] } }),
      'pages.0.next.field_id',
    ],
    [
      'a fixed circle',
      paged(
        { id: 'p', fields: [text('a')], next: { kind: 'fixed', page_id: 'q' } },
        { id: 'q', fields: [], next: { kind: 'fixed', page_id: 'p' } },
      ),
      'pages.0.next',
    ],
    ['text that PostgreSQL cannot store', flat(text('a', { label: 'x\u0000' })), 'fields.0.label'],
  ])('is refused with %s', (_name, form, path) => {
    expect(errorsOf(form).map((error) => error.path)).toContain(path);
  });

  it('puts the given prefix in front of every path', () => {
    const result = checkForm(flat(text('a b')), patterns, 'form');
    expect(result.ok ? [] : result.errors.map((error) => error.path)).toEqual(['form.fields.0.id']);
  });

  it('holds at most 100 fields, counted inside groups, and 20 pages', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => text(`f${i}`));
    expect(errorsOf(flat(...many(100)))).toEqual([]);
    expect(errorsOf(flat(...many(101)))).not.toEqual([]);
    expect(errorsOf(flat({ id: 'g', type: 'group', fields: many(100) }))).not.toEqual([]);
    const pages = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ id: `p${i}`, fields: [text(`f${i}`)] }));
    expect(errorsOf(paged(...pages(20)))).toEqual([]);
    expect(errorsOf(paged(...pages(21)))).not.toEqual([]);
  });

  it('nests groups twice and no deeper', () => {
    const group = (id: string, ...fields: unknown[]) => ({ id, type: 'group', fields });
    expect(errorsOf(flat(group('a', group('b', text('c')))))).toEqual([]);
    expect(errorsOf(flat(group('a', group('b', group('c', text('d'))))))[0]?.message).toContain(
      'groups nest at most 2 deep',
    );
  });

  it('is at most 256 KiB, and a bomb of brackets is refused instead of overflowing the stack', () => {
    expect(errorsOf(flat({ id: 'a', type: 'markdown', content: 'x'.repeat(300 * 1024) }))[0]?.message).toBe(
      'is larger than 256 KiB',
    );
    const bomb = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(errorsOf(flat({ id: 'a', type: 'json', default: bomb }))[0]?.message).toContain('nested more than');
    expect(formDocument.safeParse(flat({ id: 'a', type: 'json', default: bomb })).success).toBe(false);
    let nested: unknown = text('x');
    for (let i = 0; i < 20_000; i++) nested = { id: `g${i}`, type: 'group', fields: [nested] };
    expect(formDocument.safeParse(flat(nested)).success).toBe(false);
  });

  it('may lead back by a condition as long as some answer ends it', () => {
    const yesno = { id: 'again', type: 'yesno' };
    const back = { kind: 'conditional', field_id: 'again', branches: [{ value: true, page_id: 'p' }] };
    expect(errorsOf(paged({ id: 'p', fields: [text('a')] }, { id: 'q', fields: [yesno], next: back }))).toEqual([]);
    const trapped = { ...back, default: 'p' };
    expect(errorsOf(paged({ id: 'p', fields: [text('a')] }, { id: 'q', fields: [yesno], next: trapped }))).not.toEqual(
      [],
    );
  });
});
