import { defineOperation, type Operation, page, pageInput } from '@atrium/protocol';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { operations } from './http-host.testkit.ts';
import { openApiDocument } from './openapi.ts';

const at = { public_url: 'https://atrium.example', version: '0.1.0' };
const person = z.object({ id: z.uuid(), name: z.string() }).meta({ id: 'Person' });
interface Tree {
  name: string;
  children: Tree[];
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }));
const base = {
  access: 'signed_in',
  scope: 'inbox:read',
  permission: null,
  errors: ['item_closed'],
  method: 'GET',
  status: 200,
} as const;
const more: Operation[] = [
  defineOperation({
    ...base,
    name: 'people.list',
    summary: 'List people',
    path: '/api/v1/people',
    input: z.strictObject({ ...pageInput, since: z.iso.datetime().optional() }),
    output: page(person),
  }),
  defineOperation({
    ...base,
    name: 'people.get',
    summary: 'Get a person',
    path: '/api/v1/people/{id}',
    input: z.strictObject({ id: z.uuid() }),
    output: z.object({ person, friends: z.array(person) }),
  }),
  defineOperation({
    ...base,
    name: 'trees.put',
    summary: 'Put a tree',
    method: 'PUT',
    path: '/api/v1/trees/{id}',
    input: z.strictObject({ id: z.uuid(), tree }),
    output: tree,
  }),
];
const document = openApiDocument([...(Object.values(operations) as Operation[]), ...more], at);
const paths = document['paths'] as Record<string, Record<string, Record<string, never>>>;
const schemas = (document['components'] as { schemas: Record<string, unknown> }).schemas;

test('The document is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(document));
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

test('Every reference leads to a component', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((m) => m[1]!);
  expect(references.length).toBeGreaterThan(20);
  for (const reference of references)
    expect(Object.keys(schemas)).toContain(reference.replace('#/components/schemas/', ''));
});

test('Every operation is there with scope, errors and security', () => {
  const described = Object.values(paths).flatMap((methods) => Object.values(methods));
  expect(described).toHaveLength(Object.keys(operations).length + more.length);
  expect(paths['/api/v1/people/{id}']!['get']).toMatchObject({
    operationId: 'people.get',
    security: [{ bearer: [] }, { oauth: ['inbox:read'] }, { session: [] }],
    parameters: [{ name: 'id', in: 'path', required: true }],
    responses: { 409: { content: { 'application/problem+json': { examples: { item_closed: {} } } } } },
  });
  expect(paths['/auth/login']!['post']).toMatchObject({ security: [] });
});

test('A named schema becomes one shared component, a recursive one refers to itself', () => {
  expect(schemas['Person']).toMatchObject({ type: 'object', required: ['id', 'name'] });
  expect(JSON.stringify(schemas).match(/components\/schemas\/Person"/g)).toHaveLength(3);
  expect(JSON.stringify(schemas)).not.toContain('$defs');
});

test('Members of queries are parameters with their bounds and defaults', () => {
  const parameters = paths['/api/v1/people']!['get']!['parameters'] as unknown as Record<string, unknown>[];
  expect(parameters.find((p) => p['name'] === 'limit')).toMatchObject({
    in: 'query',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  });
});
