import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { validateAnswer } from './form-answer.ts';
import type { Form } from './form-fields.ts';
import { answerForJsonSchema, formFromJsonSchema, formFromZod, wholePattern } from './form-from-json-schema.ts';
import { fromElicitation, jsonSchemaOfAnswer, toElicitation, zodOfAnswer } from './form-json-schema.ts';
import { everyType } from './form-samples.ts';
import { checkJsonSchema, validateJson } from './json-schema.ts';

const matchPattern = (pattern: string, text: string) =>
  new RegExp(`^(?:${pattern.replaceAll('(?s:.*)', '[^]*')})$`, 'u').test(text);
const formOf = (schema: unknown): Form => {
  const result = formFromJsonSchema(schema);
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.form;
};
const object = (properties: object, required?: string[]) => ({
  type: 'object',
  properties,
  ...(required ? { required } : {}),
});
const errorPaths = (schema: unknown) => {
  const result = formFromJsonSchema(schema);
  return result.ok ? [] : result.errors.map((error) => error.path);
};

// One of each shape in PrimitiveSchemaDefinition of MCP 2026-07-28.
const name = fc.string({ minLength: 1, maxLength: 12 });
const named = <T extends object>(shape: fc.Arbitrary<T>) =>
  fc
    .tuple(fc.record({ title: name, description: name }, { requiredKeys: [] }), shape)
    .map(([head, rest]) => ({ ...head, ...rest }));
const bounds = (low: string, high: string) =>
  fc.tuple(fc.option(fc.nat(9)), fc.option(fc.nat(9))).map(([min, more]) => ({
    ...(min === null ? {} : { [low]: min }),
    ...(more === null ? {} : { [high]: (min ?? 0) + more }),
  }));
const values = fc.uniqueArray(name, { minLength: 1, maxLength: 5 });
const titled = (list: string[]) => list.map((value) => ({ const: value, title: `${value}!` }));
const primitive = fc.oneof(
  named(fc.record({ type: fc.constant('boolean'), default: fc.boolean() }, { requiredKeys: ['type'] })),
  named(bounds('minLength', 'maxLength').map((limits) => ({ type: 'string', ...limits }))),
  named(
    fc
      .constantFrom(
        { format: 'email', default: 'a@b.c' },
        { format: 'uri' },
        { format: 'date', default: '2026-01-31' },
        { format: 'date-time' },
      )
      .map((rest) => ({ type: 'string', ...rest })),
  ),
  named(
    fc
      .tuple(fc.constantFrom('number', 'integer'), bounds('minimum', 'maximum'))
      .map(([type, limits]) => ({ type, ...limits })),
  ),
  named(values.map((list) => ({ type: 'string', enum: list, default: list[0] }))),
  named(values.map((list) => ({ type: 'string', oneOf: titled(list), default: list.at(-1) }))),
  named(
    values.map((list) => ({
      type: 'array',
      minItems: 0,
      maxItems: list.length,
      items: { type: 'string', enum: list },
      default: [list[0]],
    })),
  ),
  named(values.map((list) => ({ type: 'array', items: { anyOf: titled(list) } }))),
);
const requestedSchema = fc
  .dictionary(
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,9}$/).filter((id) => id !== '__proto__'),
    fc.tuple(primitive, fc.boolean()),
    { minKeys: 1, maxKeys: 8 },
  )
  .map((members) => {
    const required = Object.keys(members).filter((id) => members[id]![1]);
    return object(
      Object.fromEntries(Object.entries(members).map(([id, [schema]]) => [id, schema])),
      required.length > 0 ? required : undefined,
    );
  });

describe('a form and an MCP elicitation', () => {
  it('convert into each other without loss', () => {
    fc.assert(
      fc.property(requestedSchema, (schema) => {
        const form = formOf(schema);
        expect(toElicitation(form)).toEqual({ ok: true, requestedSchema: schema });
        expect(formOf(schema)).toEqual(form);
      }),
    );
  });

  it('understand the older titles of enums and write them for older clients', () => {
    const legacy = object({ size: { type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'] } });
    const form = formOf(legacy);
    expect(toElicitation(form)).toEqual({
      ok: true,
      requestedSchema: object({
        size: {
          type: 'string',
          oneOf: [
            { const: 's', title: 'Small' },
            { const: 'l', title: 'Large' },
          ],
        },
      }),
    });
    expect(toElicitation(form, { legacy_enums: true })).toEqual({ ok: true, requestedSchema: legacy });
  });

  it('part where the subset ends, naming the fields', () => {
    const result = toElicitation({
      fields: [
        { id: 'a', type: 'text' },
        { id: 'b', type: 'text', sealed: true },
        { id: 'c', type: 'text', pattern: 'x' },
        { id: 'd', type: 'file' },
        { id: 'e', type: 'number', visible_if: { field: 'a', equals: 'x' } },
        { id: 'f', type: 'slider', min: 0, max: 1, step: 0.1 },
        { id: 'g', type: 'rating' },
      ],
    });
    expect(result.ok ? [] : result.errors.map((error) => error.path)).toEqual(['b', 'c', 'd', 'e', 'f']);
    expect(toElicitation(everyType).ok).toBe(false);
  });

  it('check the content that comes back like any answer', () => {
    const form = formOf(object({ n: { type: 'integer' } }, ['n']));
    expect(fromElicitation(form, { n: 1 }, { matchPattern })).toEqual({ ok: true, values: { n: 1 } });
    expect(fromElicitation(form, { n: 1.5 }, { matchPattern }).ok).toBe(false);
  });
});

describe('a form made from a JSON Schema', () => {
  it('turns nested objects and lists of objects into groups and gives the answer back in the shape of the schema', () => {
    const schema = object(
      {
        owner: object({ name: { type: 'string' } }, ['name']),
        backup: object({ name: { type: 'string' } }),
        hosts: { type: 'array', minItems: 1, items: object({ port: { type: 'integer' } }) },
        bio: { type: 'string', maxLength: 500 },
      },
      ['owner'],
    );
    const form = formOf(schema);
    expect(form.fields?.map((field) => field.type)).toEqual(['group', 'group', 'group', 'textarea']);
    const result = validateAnswer(
      form,
      { owner: [{ name: 'a' }], backup: [{ 'backup.name': 'b' }], hosts: [{ port: 1 }] },
      { matchPattern },
    );
    const answer = answerForJsonSchema(schema, result.ok ? result.values : {});
    expect(answer).toEqual({ owner: { name: 'a' }, backup: { name: 'b' }, hosts: [{ port: 1 }] });
    expect(validateJson(schema, answer, { matchPattern })).toEqual([]);
  });

  it('takes zod schemas with optional, nullable and described members', () => {
    const result = formFromZod(
      z.object({
        name: z.string().min(2).describe('Your name'),
        age: z.int().positive().optional(),
        nick: z.string().nullable(),
        level: z.enum(['low', 'high']).default('low'),
        at: z.iso.datetime(),
        mail: z.email(),
        id: z.uuid(),
        tags: z.array(z.enum(['a', 'b'])),
        free: z.array(z.string()),
      }),
    );
    expect(result.ok ? [] : result.errors).toEqual([]);
    const fields = result.ok ? (result.form.fields ?? []) : [];
    expect(fields.map((field) => [field.id, field.type, 'required' in field && field.required === true])).toEqual([
      ['name', 'text', true],
      ['age', 'number', false],
      ['nick', 'text', false],
      ['level', 'select', false],
      ['at', 'datetime', true],
      ['mail', 'email', true],
      ['id', 'text', true],
      ['tags', 'multiselect', true],
      ['free', 'json', true],
    ]);
    expect(formFromZod(z.object({ when: z.date() })).ok).toBe(false);
  });

  it('follows references and keeps them in json fields', () => {
    const schema = {
      ...object({
        pet: { $ref: '#/$defs/pet', title: 'Pet' },
        list: { type: 'array', items: { $ref: '#/$defs/size' } },
      }),
      $defs: { pet: object({ size: { $ref: '#/$defs/size' } }), size: { type: 'number' } },
    };
    const form = formOf(schema);
    expect(form.fields?.[0]).toMatchObject({
      id: 'pet',
      label: 'Pet',
      type: 'group',
      fields: [{ id: 'size', type: 'number' }],
    });
    expect(validateAnswer(form, { list: [1, 2] }, { matchPattern }).ok).toBe(true);
    expect(validateAnswer(form, { list: ['x'] }, { matchPattern }).ok).toBe(false);
  });

  it('is refused where a field cannot express the schema, with every place', () => {
    expect(
      errorPaths(
        object({
          a: { type: 'string', not: { const: 'x' } },
          b: { type: 'number', exclusiveMinimum: 1 },
          'c d': { type: 'string' },
          e: { type: 'string', format: 'date-time', minLength: 3 },
        }),
      ),
    ).toEqual(['properties.a.not', 'properties.b.exclusiveMinimum', 'properties.c d', 'properties.e.minLength']);
    expect(errorPaths({ type: 'string' })).toEqual(['properties']);
    expect(errorPaths([])).toEqual(['']);
    expect(errorPaths(object({ a: { $ref: '#/$defs/none' } }))).toContain('properties.a.$ref');
    expect(errorPaths(object({ a: { $ref: '#' } }))).not.toEqual([]);
    expect(errorPaths(object({}, ['ghost']))).toEqual(['required']);
  });

  it('turns a pattern that is searched into one that the whole value matches', () => {
    expect(wholePattern('^(?:a|b)$')).toBe('a|b');
    expect(wholePattern('^[a-z]+$')).toBe('[a-z]+');
    for (const pattern of ['^(?:a)|(?:b)$', '^a|b$', 'a', '^a', 'a$', '^a\\$', '^(?:[)])$']) {
      for (const text of ['a', 'b', 'xa', 'ax', 'xb', 'bx', ')', 'a$', '', 'a\nb']) {
        expect(matchPattern(wholePattern(pattern), text), `${pattern} ${text}`).toBe(
          new RegExp(pattern, 'u').test(text),
        );
      }
    }
  });

  it('never throws, whatever it is made from', () => {
    const keyword = fc.constantFrom(
      'type',
      'enum',
      'oneOf',
      'anyOf',
      'items',
      'properties',
      'required',
      'default',
      'pattern',
      '$ref',
      'minimum',
      'format',
      'enumNames',
      'allOf',
      'const',
      'title',
      'x-atrium-type',
    );
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom('string', 'object', 'array', 'integer', 'slider', 'time', '#', '#/properties'),
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.dictionary(keyword, value)), (properties) => {
        expect(typeof formFromJsonSchema(object(properties)).ok).toBe('boolean');
      }),
    );
  });
});

describe('the JSON Schema of an answer', () => {
  const schema = jsonSchemaOfAnswer(everyType);
  const values = {
    name: 'ab',
    kind: 'long',
    tags: ['a'],
    ok: true,
    when: '2026-01-31T14:30:00Z',
    patch: { decision: 'approve' },
    stars: 3,
    level: 0.3,
    hosts: [{ host: 'a' }],
    hour: '14:30',
    mail: 'a@b.c',
    extra: { a: 1 },
  };

  it('fits the values that the validator returns and demands what is always asked', () => {
    expect(checkJsonSchema(schema)).toEqual([]);
    const result = validateAnswer(everyType, values, { matchPattern });
    expect(result.ok).toBe(true);
    expect(validateJson(schema, result.ok ? result.values : null, { matchPattern })).toEqual([]);
    expect(schema['required']).toEqual(['name', 'kind']);
    expect(validateJson(schema, { ...values, ghost: 1 }, { matchPattern })).toHaveLength(1);
  });

  it('exists as a zod schema too', () => {
    expect(zodOfAnswer({ fields: [{ id: 'a', type: 'number', required: true }] }).safeParse({ a: 'x' }).success).toBe(
      false,
    );
    expect(zodOfAnswer({ fields: [{ id: 'a', type: 'number', required: true }] }).safeParse({ a: 1 }).success).toBe(
      true,
    );
  });

  it('leads back to a form with the same types', () => {
    const flat: Form = {
      fields: everyType
        .pages!.flatMap((page) => page.fields)
        .filter((field) => !['markdown', 'file', 'diffapproval', 'group'].includes(field.type)),
    };
    expect(formOf(jsonSchemaOfAnswer(flat)).fields?.map((field) => field.type)).toEqual(
      flat.fields?.map((field) => field.type),
    );
  });
});
