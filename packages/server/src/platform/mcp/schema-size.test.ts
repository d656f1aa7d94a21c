import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ArgumentSchema, readLeniently } from './lenient-arguments.ts';
import type { JsonSchema } from './schema-size.ts';
import { outlineOutput, shareRepeats } from './schema-size.ts';

const jsonOf = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
const sizeOf = (schema: unknown): number => JSON.stringify(schema).length;

/** Forty kinds of field, in two places: too large to be said twice. */
const field = z.discriminatedUnion(
  'type',
  Array.from({ length: 40 }, (_, n) =>
    z.strictObject({
      type: z.literal(`kind_${n}`),
      label: z.string().max(500).describe('what the person reads above the input'),
      width: z.int().min(1).max(100),
    }),
  ) as never,
);
const form = z.strictObject({ fields: z.array(field), pages: z.array(z.strictObject({ fields: z.array(field) })) });

describe('schema size', () => {
  it('says a repeated part of a large schema once', () => {
    const schema = jsonOf(form);
    const shared = shareRepeats(schema);
    expect(sizeOf(shared)).toBeLessThan(sizeOf(schema) * 0.6);
    expect(shared.type).toBe('object');
    expect(shared.properties!['fields']).toEqual({ $ref: '#/$defs/shared_1' });
    expect(shared.$defs!['shared_1']).toMatchObject({ type: 'array' });
  });

  it('still lets arguments be read leniently behind a reference', () => {
    const shared = shareRepeats(jsonOf(form)) as ArgumentSchema;
    const given = {
      fields: '[{"type":"kind_7","label":"x","width":"3"}]',
      pages: [{ fields: [{ type: 'kind_8', label: 'y', width: '4' }] }],
    };
    expect(readLeniently(shared, given)).toEqual({
      fields: [{ type: 'kind_7', label: 'x', width: 3 }],
      pages: [{ fields: [{ type: 'kind_8', label: 'y', width: 4 }] }],
    });
  });

  it('leaves a small schema whole', () => {
    const place = z.strictObject({
      street: z.string().describe('as on the sign, with the number of the house'),
      city: z.string(),
    });
    const schema = jsonOf(z.strictObject({ from: place, to: place }));
    expect(shareRepeats(schema)).toEqual(schema);
  });

  it('takes limits out of outputs, and the depth out of large ones', () => {
    const small = outlineOutput(jsonOf(z.object({ a: z.object({ b: z.string().max(5) }) })));
    expect(small).toMatchObject({ properties: { a: { properties: { b: { type: 'string' } } } } });
    expect(JSON.stringify(small)).not.toContain('maxLength');
    const large = outlineOutput(
      jsonOf(z.object({ items: z.array(z.object({ id: z.string(), form: form.nullable() })) })),
    );
    expect(sizeOf(large)).toBeLessThan(2000);
    const item = (large.properties!['items'] as { items: JsonSchema }).items;
    expect(item.properties!['id']).toEqual({ type: 'string' });
    expect(item.properties!['form']).toMatchObject({ anyOf: [{ type: 'object' }, { type: 'null' }] });
  });
});
