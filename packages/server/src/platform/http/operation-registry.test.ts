import type { Operation } from '@atrium/protocol';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Binding } from '../operations/binding.ts';
import { operations } from './http-host.testkit.ts';
import { checkOperations, OperationRegistryError } from './operation-registry.ts';

const binding = (operation: Operation): Binding => ({ operation, run: async () => null });
const get: Operation = operations.get;

const problemsOf = (
  list: readonly Operation[],
  bindings: readonly Binding[] = list.map(binding),
): readonly string[] => {
  try {
    checkOperations(list, bindings);
    return [];
  } catch (error) {
    if (error instanceof OperationRegistryError) return error.problems;
    throw error;
  }
};

test('A complete list of operations is served', () => {
  expect(problemsOf(Object.values(operations) as Operation[])).toEqual([]);
});

test('28: an operation without a scope is refused by name', () => {
  expect(problemsOf([{ ...get, scope: null }])).toEqual(['thing.get: access is signed_in but no scope is named']);
});

test('An operation without a permission declaration is refused by name', () => {
  const { permission: _gone, ...bare } = get;
  expect(problemsOf([bare as Operation])).toEqual([
    'thing.get: no permission is declared (null is an explicit choice)',
  ]);
});

test('Two operations may not share a name, a route shape or an MCP tool', () => {
  const mcp = { tool: 'thing_list', title: 'x' };
  const other = {
    ...get,
    name: 'other.get',
    path: '/api/v1/things/{other}',
    input: z.strictObject({ other: z.uuid() }),
    mcp: { tool: 'x', title: 'x', aliases: ['thing_list'] },
  };
  expect(problemsOf([{ ...get, mcp }, other])).toEqual([
    'other.get: GET /api/v1/things/{other} is already taken by thing.get',
    'other.get: the MCP tool thing_list is already taken by thing.get',
  ]);
  expect(problemsOf([get], [binding(get), binding({ ...get, path: '/elsewhere/{id}' })])).toEqual([
    'thing.get: the name thing.get is already taken by thing.get',
  ]);
});

test('A path parameter that is not in the input is refused', () => {
  expect(problemsOf([{ ...get, path: '/a/{id}/{more}' }])).toEqual([
    'thing.get: the path parameter {more} is not in the input',
  ]);
});

test('Operations and bindings are compared both ways', () => {
  expect(problemsOf([get], [])).toEqual(['thing.get: no binding performs this operation']);
  expect(problemsOf([], [binding(get)])).toEqual(['thing.get: bound, but not in the contract']);
});

test('All problems are told at once', () => {
  expect(problemsOf([{ ...get, scope: null }, { ...operations.list, path: '/x/{y}' } as Operation])).toHaveLength(2);
});
