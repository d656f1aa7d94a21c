import { type ErrorCode, errorCodes, type Operation, pathParameters, scopes } from '@atrium/protocol';
import { z } from 'zod';
import { SchemaCollector } from './openapi-schemas.ts';

type Json = Record<string, unknown>;

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457 problem document. Extension members are flat.',
  required: ['type', 'title', 'status', 'code', 'detail', 'instance', 'request_id'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(errorCodes) },
    detail: { type: 'string' },
    instance: { type: 'string' },
    request_id: { type: 'string' },
    errors: {
      type: 'array',
      description: 'Wrong fields, on validation_failed.',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};

/** Errors that the host itself may answer with, whatever the operation declares. */
const hostErrors = (operation: Operation): ErrorCode[] => [
  'bad_request',
  ...(operation.access === 'signed_in' ? (['unauthorized', 'permission_denied', 'insufficient_scope'] as const) : []),
  'validation_failed',
  'rate_limited',
  'internal',
  'not_ready',
];

const problemExample = (code: ErrorCode): { value: Json } => ({
  value: {
    type: `/api/docs#error-${code}`,
    title: errorCodes[code].title,
    status: errorCodes[code].status,
    code,
    detail: errorCodes[code].meaning,
    instance: '/api/v1/…',
    request_id: '0199f2c6-7d5e-7a3b-9c41-5f0e8d2b6a17',
  },
});

const problemResponses = (operation: Operation): Json => {
  const codes = new Set<ErrorCode>([...operation.errors, ...hostErrors(operation)]);
  const byStatus = Map.groupBy(codes, (code) => errorCodes[code].status);
  const responses: Json = {};
  for (const [status, of] of [...byStatus].sort(([a], [b]) => a - b)) {
    responses[String(status)] = {
      description: of.map((code) => `\`${code}\`: ${errorCodes[code].meaning}`).join('\n\n'),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(of.map((code) => [code, problemExample(code)])),
        },
      },
    };
  }
  return responses;
};

const successResponse = (operation: Operation, schemas: SchemaCollector): Json => {
  if (operation.answer === 'file')
    return { description: 'The file.', content: { '*/*': { schema: { type: 'string', format: 'binary' } } } };
  if (operation.answer === 'stream') {
    return {
      description: 'Server-sent events until the client goes away.',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    };
  }
  if (operation.status === 204) return { description: 'Done.' };
  const schema = schemas.add(`${typeName(operation.name)}Output`, operation.output, 'output');
  return { description: 'Success.', content: { 'application/json': { schema } } };
};

/** `inbox.ask` gives `InboxAsk`. */
const typeName = (name: string): string =>
  name
    .split(/[._-]/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');

const pick = (input: z.ZodObject, names: readonly string[]): z.ZodObject => {
  const shape = Object.fromEntries(names.map((name) => [name, input.shape[name]!]));
  return z.strictObject(shape as z.ZodRawShape);
};

const parameters = (
  operation: Operation,
  names: readonly string[],
  place: 'path' | 'query',
  schemas: SchemaCollector,
): Json[] => {
  const described = schemas.inline(pick(operation.input, names)) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return names.map((name) => {
    const schema = described.properties?.[name] ?? {};
    const { description, ...rest } = schema;
    return {
      name,
      in: place,
      required: place === 'path' || (described.required ?? []).includes(name),
      ...(typeof description === 'string' ? { description } : {}),
      schema: rest,
      ...(place === 'query' && rest['type'] === 'array' ? { style: 'form', explode: true } : {}),
    };
  });
};

const requestBody = (operation: Operation, names: readonly string[], schemas: SchemaCollector): Json | null => {
  if (operation.body === 'raw') {
    return { required: true, content: { '*/*': { schema: { type: 'string', format: 'binary' } } } };
  }
  if (operation.body === 'multipart') {
    const schema = { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } };
    return { required: true, content: { 'multipart/form-data': { schema } } };
  }
  if (names.length === 0) return null;
  const body = pick(operation.input, names);
  const schema = schemas.add(`${typeName(operation.name)}Input`, body, 'input');
  return { required: !body.safeParse({}).success, content: { 'application/json': { schema } } };
};

const idempotencyHeader: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'A repeat with the same key and body gets the first answer again and does nothing twice.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

const matchHeader: Json = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description: 'The ETag that was read, which is the version; fills `version`.',
  schema: { type: 'string', maxLength: 20 },
};

const requiredHeader = ([name, value]: readonly [string, string]): Json => ({
  name,
  in: 'header',
  required: true,
  schema: { type: 'string', const: value },
});

const describeOperation = (operation: Operation, schemas: SchemaCollector): Json => {
  const inPath = pathParameters(operation.path);
  const others = Object.keys(operation.input.shape).filter((name) => !inPath.includes(name));
  const inQuery = operation.method === 'GET' || operation.method === 'DELETE' || (operation.body ?? 'json') !== 'json';
  const all = [
    ...parameters(operation, inPath, 'path', schemas),
    ...(inQuery ? parameters(operation, others, 'query', schemas) : []),
    ...(operation.idempotency === undefined ? [] : [idempotencyHeader]),
    ...(operation.if_match === true && 'version' in operation.input.shape ? [matchHeader] : []),
    ...(operation.header === undefined ? [] : [requiredHeader(operation.header)]),
  ];
  const body =
    operation.method === 'GET' || operation.method === 'DELETE'
      ? null
      : requestBody(operation, inQuery ? [] : others, schemas);
  return {
    operationId: operation.name,
    tags: [operation.name.split('.', 1)[0]],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(all.length === 0 ? {} : { parameters: all }),
    ...(body === null ? {} : { requestBody: body }),
    responses: { [String(operation.status)]: successResponse(operation, schemas), ...problemResponses(operation) },
    security: operation.presents
      ? [{ bearer: [] }]
      : operation.access === 'public'
        ? []
        : [{ bearer: [] }, { oauth: [operation.scope] }, { session: [] }],
    'x-atrium': {
      scope: operation.scope,
      permission: operation.permission,
      ...(operation.principals === undefined ? {} : { principals: operation.principals }),
      ...(operation.mcp === undefined ? {} : { mcp_tool: operation.mcp.tool }),
      ...(operation.idempotency === undefined ? {} : { idempotency: operation.idempotency }),
    },
  };
};

const securitySchemes = (publicUrl: string): Json => ({
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A session token, an OAuth access token or an API key (`atk_…`).',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'atrium_session',
    description: 'Set by signing in; writes must come from the same origin.',
  },
  oauth: {
    type: 'oauth2',
    flows: {
      authorizationCode: {
        authorizationUrl: `${publicUrl}/oauth/authorize`,
        tokenUrl: `${publicUrl}/oauth/token`,
        scopes: Object.fromEntries(Object.entries(scopes).map(([name, { title }]) => [name, title])),
      },
      clientCredentials: {
        tokenUrl: `${publicUrl}/oauth/token`,
        scopes: Object.fromEntries(Object.entries(scopes).map(([name, { title }]) => [name, title])),
      },
    },
  },
});

/** The OpenAPI 3.1 document of a list of operations. Pure: the same list gives the same document. */
export const openApiDocument = (
  operations: readonly Operation[],
  at: { public_url: string; version: string },
): Json => {
  const schemas = new SchemaCollector();
  schemas.put('Problem', problemSchema);
  const paths: Record<string, Json> = {};
  for (const operation of [...operations].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method.toLowerCase()] = describeOperation(operation, schemas);
  }
  const tags = [...new Set(operations.map((o) => o.name.split('.', 1)[0]!))].sort();
  return {
    openapi: '3.1.1',
    info: {
      title: 'Atrium',
      version: at.version,
      description:
        'One server where people, AI agents, devices and local services meet. Every operation is also a tool over MCP where it names one.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: at.public_url }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: { schemas: schemas.all(), securitySchemes: securitySchemes(at.public_url) },
    // Some come from no operation: a wrong method, an address that is shut out.
    'x-problems': Object.keys(errorCodes).map((code) => problemExample(code as ErrorCode).value),
  };
};
