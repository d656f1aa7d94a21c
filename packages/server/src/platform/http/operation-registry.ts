import { type Operation, pathParameters } from '@atrium/protocol';
import type { Binding } from '../operations/binding.ts';

/** Everything that is wrong with the operations, all at once. The server does not start with one of these. */
export class OperationRegistryError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The operations cannot be served:\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.name = 'OperationRegistryError';
    this.problems = problems;
  }
}

const declarationProblems = (operation: Operation): string[] => {
  const { name } = operation;
  const problems: string[] = [];
  if (operation.access === 'signed_in' && (operation.scope === null || operation.scope === undefined)) {
    problems.push(`${name}: access is signed_in but no scope is named`);
  }
  if (!Object.hasOwn(operation, 'permission') || operation.permission === undefined) {
    problems.push(`${name}: no permission is declared (null is an explicit choice)`);
  }
  if (operation.access === 'public' && (operation.scope !== null || operation.permission)) {
    problems.push(`${name}: access is public, so scope and permission must be null`);
  }
  if (operation.cache_s !== undefined && (operation.access !== 'public' || operation.method !== 'GET')) {
    problems.push(`${name}: only public GET answers are kept by others`);
  }
  for (const parameter of pathParameters(operation.path)) {
    if (!Object.hasOwn(operation.input.shape, parameter)) {
      problems.push(`${name}: the path parameter {${parameter}} is not in the input`);
    }
  }
  if (operation.body !== undefined && operation.body !== 'json' && ['GET', 'DELETE'].includes(operation.method)) {
    problems.push(`${name}: ${operation.method} has no ${operation.body} body`);
  }
  return problems;
};

/** Two templates that match the same requests have the same shape, whatever their parameters are called. */
const routeShape = (operation: Operation): string =>
  `${operation.method} ${operation.path.replaceAll(/\{[a-z_]+\}/g, '{}')}`;

const duplicates = (operations: readonly Operation[]): string[] => {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  const claim = (key: string, what: string, owner: string): void => {
    const other = seen.get(key);
    if (other === undefined) seen.set(key, owner);
    else problems.push(`${owner}: ${what} is already taken by ${other}`);
  };
  for (const operation of operations) {
    claim(`name ${operation.name}`, `the name ${operation.name}`, operation.name);
    claim(`route ${routeShape(operation)}`, `${operation.method} ${operation.path}`, operation.name);
    if (operation.mcp === undefined) continue;
    for (const tool of new Set([operation.mcp.tool, ...(operation.mcp.aliases ?? [])])) {
      claim(`tool ${tool}`, `the MCP tool ${tool}`, operation.name);
    }
  }
  return problems;
};

const pairing = (operations: readonly Operation[], bindings: readonly Binding[]): string[] => {
  const declared = new Set(operations.map((o) => o.name));
  const bound = new Set(bindings.map((b) => b.operation.name));
  return [
    ...[...declared].filter((name) => !bound.has(name)).map((name) => `${name}: no binding performs this operation`),
    ...[...bound].filter((name) => !declared.has(name)).map((name) => `${name}: bound, but not in the contract`),
  ];
};

/** Refuses to start, naming each operation that is declared wrongly, twice, or on one side only. */
export const checkOperations = (operations: readonly Operation[], bindings: readonly Binding[]): void => {
  const bound = bindings.map((b) => b.operation);
  const boundNames = new Set(bound.map((o) => o.name));
  const unbound = operations.filter((o) => !boundNames.has(o.name));
  const problems = [
    ...[...bound, ...unbound].flatMap(declarationProblems),
    ...duplicates([...bound, ...unbound]),
    ...pairing(operations, bindings),
  ];
  if (problems.length > 0) throw new OperationRegistryError(problems);
};
