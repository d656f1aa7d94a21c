import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkJsonSchema, validateJson } from './json-schema.ts';
import { jsonProblem } from './json-value.ts';

const matchPattern = (pattern: string, text: string) =>
  new RegExp(`^(?:${pattern.replaceAll('(?s:.*)', '[^]*')})$`, 'u').test(text);
const errors = (schema: unknown, value: unknown) => validateJson(schema, value, { matchPattern });
const fits = (schema: unknown, value: unknown) => errors(schema, value).length === 0;

describe('the JSON Schema validator', () => {
  // schema, values that fit, values that do not
  it.each<[object | boolean, unknown[], unknown[]]>([
    [true, [1, null], []],
    [false, [], [1, null]],
    [{ type: 'integer' }, [1, 1.0, -0], [1.5, '1', null]],
    [{ type: ['string', 'null'] }, ['', null], [0, []]],
    [{ enum: [1, { a: [2] }] }, [1, { a: [2] }], ['1', { a: [3] }, {}]],
    [{ const: { a: 1, b: 2 } }, [{ b: 2, a: 1 }], [{ a: 1 }, { a: 1, b: 2, c: 3 }]],
    [{ minimum: 1, exclusiveMaximum: 3 }, [1, 2.9, 'x'], [0.9, 3]],
    [{ multipleOf: 0.1 }, [0.3, 0.1 + 0.2, 7], [0.35]],
    [{ minLength: 1, maxLength: 2 }, ['a', '👍👍', 5], ['', 'abc']],
    [{ pattern: 'b+' }, ['abc', 'b', 'a\nb'], ['ac', '']],
    [{ pattern: '^a|b$' }, ['ax', 'xb'], ['xa', 'bx']],
    [{ format: 'date' }, ['2026-01-31'], ['2026-02-30']],
    [{ format: 'uri' }, ['urn:x:y', 'https://a'], ['a b', '/x']],
    [
      { items: { type: 'number' }, minItems: 1, maxItems: 2, uniqueItems: true },
      [[1], [1, 2]],
      [[], [1, 1], [1, 2, 3], ['a']],
    ],
    [{ uniqueItems: true }, [[{ a: 1 }, { a: 2 }, 1, '1']], [[{ a: 1 }, { a: 1 }]]],
    [{ prefixItems: [{ type: 'string' }], items: false }, [['a'], []], [[1], ['a', 'b']]],
    [{ contains: { const: 1 } }, [[2, 1]], [[2], []]],
    [
      { properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false },
      [{ a: '' }],
      [{}, { a: 1 }, { a: '', b: 1 }],
    ],
    [
      { patternProperties: { '^x-': true }, additionalProperties: { type: 'number' } },
      [{ 'x-a': 'b', c: 1 }],
      [{ c: 'd' }],
    ],
    [
      { propertyNames: { maxLength: 2 }, minProperties: 1, maxProperties: 2 },
      [{ ab: 1 }],
      [{}, { abc: 1 }, { a: 1, b: 1, c: 1 }],
    ],
    [{ dependentRequired: { a: ['b'] } }, [{}, { b: 1 }, { a: 1, b: 1 }], [{ a: 1 }]],
    [{ anyOf: [{ type: 'string' }, { minimum: 5 }] }, ['a', 5], [4]],
    [{ oneOf: [{ minimum: 1 }, { maximum: 2 }] }, [0, 3], [1, 2]],
    [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, [1, 2], [0, 3]],
    [{ not: { type: 'string' } }, [1], ['a']],
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    [{ if: { type: 'string' }, then: { minLength: 1 }, else: { minimum: 1 } }, ['a', 1], ['', 0]],
    [{ required: ['toString'] }, [{ toString: 1 }], [{}]],
    [
      {
        $defs: {
          tree: { type: 'object', properties: { next: { $ref: '#/$defs/tree' } }, additionalProperties: false },
        },
        $ref: '#/$defs/tree',
      },
      [{}, { next: { next: {} } }],
      [{ next: { x: 1 } }],
    ],
  ])('applies %j', (schema, good, bad) => {
    expect(checkJsonSchema(schema)).toEqual([]);
    for (const value of good) expect(fits(schema, value), JSON.stringify(value)).toBe(true);
    for (const value of bad) expect(fits(schema, value), JSON.stringify(value)).toBe(false);
  });

  it('names the path of every error once', () => {
    const schema = { properties: { a: { items: { type: 'integer', minimum: 3, maximum: 1 } } }, required: ['b'] };
    expect(errors(schema, { a: [2, 'x'] })).toEqual([
      { path: 'b', message: 'is required' },
      { path: 'a.0', message: 'must be at least 3' },
      { path: 'a.1', message: 'must be of type integer' },
    ]);
  });

  it.each<[object, string]>([
    [{ unevaluatedProperties: false }, 'unevaluatedProperties'],
    [{ items: { $dynamicRef: '#a' } }, 'items.$dynamicRef'],
    [{ type: 'int' }, 'type'],
    [{ minimum: '1' }, 'minimum'],
    [{ multipleOf: 0 }, 'multipleOf'],
    [{ properties: { a: 1 } }, 'properties.a'],
    [{ $ref: 'https://a.example/schema' }, '$ref'],
    [{ anyOf: [] }, 'anyOf'],
    [{ minLength: -1 }, 'minLength'],
    [{ required: [1] }, 'required'],
  ])('refuses to work with %j', (schema, path) =>
    expect(checkJsonSchema(schema).map((error) => error.path)).toContain(path),
  );

  it('gives up on schemas that never end or explode', () => {
    expect(errors({ $ref: '#' }, 1)).toEqual([{ path: '', message: 'is too complex for its schema' }]);
    const doubling = {
      $defs: Object.fromEntries(
        Array.from({ length: 40 }, (_, i) => [
          `d${i}`,
          { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
        ]),
      ),
      $ref: '#/$defs/d0',
    };
    expect(fits(doubling, 1)).toBe(false);
  });

  it('never throws, whatever the schema', () => {
    const keyword = fc.constantFrom(
      'type',
      'enum',
      'const',
      'properties',
      'required',
      'items',
      'anyOf',
      'not',
      'pattern',
      '$ref',
      'minimum',
      'if',
      'then',
      'patternProperties',
      'dependentRequired',
      'contains',
      'uniqueItems',
      'format',
    );
    fc.assert(
      fc.property(fc.dictionary(keyword, fc.jsonValue({ maxDepth: 3 })), fc.jsonValue(), (schema, value) => {
        expect(Array.isArray(checkJsonSchema(schema))).toBe(true);
        expect(Array.isArray(errors(schema, value))).toBe(true);
      }),
    );
  });
});

describe('the guard in front of it', () => {
  it('measures what JSON.stringify would write', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = Buffer.byteLength(JSON.stringify(value));
        const storable = !/\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value));
        expect(jsonProblem(value, { bytes: bytes + 2 * bytes, depth: 100 }) === null).toBe(storable);
        if (storable && bytes > 100) expect(jsonProblem(value, { bytes: bytes / 2, depth: 100 })).not.toBeNull();
      }),
    );
  });

  it('refuses what is not JSON', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const value of [undefined, () => 1, Symbol('x'), 1n, Number.NaN, new Date(), new Map(), [undefined], circle]) {
      expect(jsonProblem(value, { bytes: 1000, depth: 10 })).not.toBeNull();
    }
  });
});
