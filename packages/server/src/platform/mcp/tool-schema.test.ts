import { defineOperation, id, nothing, time } from '@atrium/protocol';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bind } from '../operations/binding.ts';
import { ToolCatalogue } from './tool-catalogue.ts';
import { inputSchemaOf, outputSchemaOf, structuredOutput } from './tool-schema.ts';

const operation = (output: z.ZodType, more: object = {}) =>
  defineOperation({
    name: 'toy.do',
    summary: 'Do it.',
    method: 'POST',
    path: '/toy',
    access: 'signed_in',
    scope: null,
    permission: null,
    input: z.strictObject({ id, at: time.optional(), n: z.int(), mail: z.email().optional() }),
    output,
    status: 200,
    errors: [],
    mcp: { tool: 'toy_do', title: 'Do' },
    ...more,
  });

describe('tool schemas', () => {
  it('are closed objects at the top, with formats instead of long expressions', () => {
    const schema = inputSchemaOf(operation(nothing));
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false, required: ['id', 'n'] });
    expect(schema).not.toHaveProperty('$schema');
    expect(schema.properties!['id']).toEqual({ type: 'string', format: 'uuid', description: 'UUIDv7' });
    expect(schema.properties!['n']).toEqual({ type: 'integer' });
    expect(JSON.stringify(schema)).not.toContain('pattern');
  });

  it('wrap an output that is no object', () => {
    const { shape, schema } = outputSchemaOf(operation(z.array(z.int())));
    expect(shape).toBe('wrapped');
    expect(schema).toMatchObject({ type: 'object', properties: { result: { type: 'array' } }, required: ['result'] });
    expect(structuredOutput(shape, [1]).structured).toEqual({ result: [1] });
  });

  it('leave a union of objects as it is, with the type said at the top', () => {
    const { shape, schema } = outputSchemaOf(operation(z.union([z.object({ a: z.int() }), z.object({ b: z.int() })])));
    expect(shape).toBe('object');
    expect(schema).toMatchObject({ type: 'object', anyOf: [{ type: 'object' }, { type: 'object' }] });
  });

  it('wrap an object that may be null, and say nothing about an operation that answers nothing', () => {
    expect(outputSchemaOf(operation(z.object({ a: z.int() }).nullable())).shape).toBe('wrapped');
    expect(outputSchemaOf(operation(nothing))).toEqual({ shape: 'none', schema: null });
    expect(structuredOutput('none', null)).toEqual({ text: '{"ok":true}', structured: { ok: true } });
  });

  it('allow outputs to grow', () => {
    expect(outputSchemaOf(operation(z.object({ a: z.object({ b: z.int() }) }))).schema).not.toHaveProperty(
      'additionalProperties',
    );
  });

  it('refuse at start-up what cannot be a tool, and two tools of one name', () => {
    const run = async () => null;
    expect(() => new ToolCatalogue([bind(operation(nothing, { answer: 'stream' }), run as never)])).toThrow('toy.do');
    const taken = operation(nothing, {
      name: 'toy.other',
      mcp: { tool: 'toy_other', title: 'Other', aliases: ['toy_do'] },
    });
    expect(() => new ToolCatalogue([bind(operation(nothing), run), bind(taken, run)])).toThrow('toy_do');
  });
});
