import { type Operation, pathParameters } from './operation.ts';

/** An operation call as an HTTP request: what SDK, CLI and web app send. */
export interface OperationRequest {
  method: string;
  /** Path with its parameters filled in, and the query string. */
  path: string;
  /** JSON body, or undefined when the operation has none. */
  body: string | undefined;
}

/** Spreads a flat input over path, query string (GET, DELETE, and beside a body that is no JSON) and JSON body. Undefined members are left out. */
export const toRequest = (operation: Operation, input: Readonly<Record<string, unknown>>): OperationRequest => {
  const inPath = new Set(pathParameters(operation.path));
  const path = operation.path.replace(/\{([a-z_]+)\}/g, (_, name: string) =>
    encodeURIComponent(String(input[name] ?? defaultOf(operation, name))),
  );
  const rest = Object.entries(input).filter(([name, value]) => !inPath.has(name) && value !== undefined);
  // Where a file is the body, what else is said of it stands in the address.
  const isFile = (operation.body ?? 'json') !== 'json';
  if (operation.method === 'GET' || operation.method === 'DELETE' || isFile) {
    const query = new URLSearchParams();
    for (const [name, value] of rest)
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
    return { method: operation.method, path: query.size === 0 ? path : `${path}?${query}`, body: undefined };
  }
  const hasBody =
    rest.length > 0 || operation.method !== 'POST' || Object.keys(operation.input.shape).length > inPath.size;
  return { method: operation.method, path, body: hasBody ? JSON.stringify(Object.fromEntries(rest)) : undefined };
};

const defaultOf = (operation: Operation, name: string): unknown => {
  const parsed = operation.input.shape[name]?.safeParse(undefined);
  if (parsed?.success && parsed.data !== undefined) return parsed.data;
  throw new TypeError(`${operation.name} needs ${name}`);
};
