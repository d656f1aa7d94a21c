import type { Operation } from '@atrium/protocol';
import { z } from 'zod';
import { type JsonSchema, outlineOutput, shareRepeats } from './schema-size.ts';

/** How an output reaches `structuredContent`, which is always an object. */
export type OutputShape = 'object' | 'wrapped' | 'none';

const convert = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema: s }) => {
      // A format says it in one word; zod's own expressions for ids and times cost a model hundreds of tokens a tool.
      if (s.format !== undefined) delete s.pattern;
      if (s.minimum === Number.MIN_SAFE_INTEGER) delete s.minimum;
      if (s.maximum === Number.MAX_SAFE_INTEGER) delete s.maximum;
      // Outputs may grow; a client that validates them must not reject a newer server.
      if (io === 'output' && s.additionalProperties === false) delete s.additionalProperties;
    },
  });
  return json as JsonSchema;
};

/** Input schema of a tool: an object at the top and closed, as REST refuses unknown members too. */
export const inputSchemaOf = (operation: Operation): JsonSchema => {
  const schema = convert(operation.input, 'input');
  return shareRepeats({ type: 'object', properties: {}, ...schema });
};

/** Output schema of a tool. What is no object (a list, a union with one, null) goes into a member `result`. */
export const outputSchemaOf = (operation: Operation): { shape: OutputShape; schema: JsonSchema | null } => {
  if (operation.output instanceof z.ZodNull) return { shape: 'none', schema: null };
  const schema = outlineOutput(convert(operation.output, 'output'));
  if (schema.type === 'object') return { shape: 'object', schema };
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (schema.type === undefined && alternatives?.every((a) => a.type === 'object') === true) {
    return { shape: 'object', schema: { type: 'object', ...schema } };
  }
  const { $defs, ...result } = schema;
  const wrapped = {
    type: 'object',
    properties: { result },
    required: ['result'],
    ...($defs !== undefined && { $defs }),
  };
  return { shape: 'wrapped', schema: wrapped as JsonSchema };
};

/** What a tool answers: the output as `structuredContent`, and the same as the JSON text that models read. */
export const structuredOutput = (
  shape: OutputShape,
  output: unknown,
): { text: string; structured: Record<string, unknown> } => {
  if (shape === 'none') return { text: '{"ok":true}', structured: { ok: true } };
  const structured = (shape === 'wrapped' ? { result: output ?? null } : output) as Record<string, unknown>;
  return { text: JSON.stringify(structured), structured };
};
