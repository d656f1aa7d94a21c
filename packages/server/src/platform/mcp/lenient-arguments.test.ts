import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ArgumentSchema, readLeniently } from './lenient-arguments.ts';

const schemaOf = (shape: z.ZodRawShape): ArgumentSchema =>
  z.toJSONSchema(z.strictObject(shape), { io: 'input' }) as ArgumentSchema;

describe('lenient arguments', () => {
  it('reads arrays, objects, numbers and booleans that came as JSON text', () => {
    const schema = schemaOf({
      tags: z.array(z.string()),
      form: z.object({ id: z.string() }),
      n: z.int(),
      on: z.boolean(),
      x: z.number(),
    });
    expect(readLeniently(schema, { tags: '["a","b"]', form: '{"id":"f"}', n: '3', on: 'true', x: '1.5' })).toEqual({
      tags: ['a', 'b'],
      form: { id: 'f' },
      n: 3,
      on: true,
      x: 1.5,
    });
  });

  it('leaves text alone where text is wanted, even if it looks like JSON', () => {
    const schema = schemaOf({
      title: z.string(),
      either: z.union([z.string(), z.array(z.string())]),
      any: z.unknown(),
    });
    const given = { title: '["a"]', either: '["a"]', any: '{"a":1}' };
    expect(readLeniently(schema, given)).toEqual(given);
  });

  it('keeps what does not fit, so that validation names it', () => {
    const schema = schemaOf({ tags: z.array(z.string()), n: z.int() });
    expect(readLeniently(schema, { tags: 'a, b', n: '1.5', extra: '1' })).toEqual({
      tags: 'a, b',
      n: '1.5',
      extra: '1',
    });
  });

  it('goes into nested objects, lists, unions and records', () => {
    const step = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('wait'), seconds: z.int() }),
      z.strictObject({ kind: z.literal('say'), words: z.array(z.string()) }),
    ]);
    const schema = schemaOf({ steps: z.array(step), limits: z.record(z.string(), z.int()) });
    const given = { steps: '[{"kind":"say","words":"[\\"hi\\"]"},{"kind":"wait","seconds":"5"}]', limits: { a: '1' } };
    expect(readLeniently(schema, given)).toEqual({
      steps: [
        { kind: 'say', words: ['hi'] },
        { kind: 'wait', seconds: 5 },
      ],
      limits: { a: 1 },
    });
  });

  it('follows references of recursive schemas', () => {
    const tree: z.ZodType = z.strictObject({
      n: z.int(),
      get children() {
        return z.array(tree).optional();
      },
    });
    const schema = schemaOf({ tree });
    expect(readLeniently(schema, { tree: { n: '1', children: '[{"n":"2"}]' } })).toEqual({
      tree: { n: 1, children: [{ n: 2 }] },
    });
  });

  it('drops null where it stands for a member left out, and keeps it where null means something', () => {
    const schema = schemaOf({
      channel: z.string().optional(),
      assignee: z.string().nullable().optional(),
      title: z.string(),
    });
    expect(readLeniently(schema, { channel: null, assignee: null, title: null })).toEqual({
      assignee: null,
      title: null,
    });
  });
});
