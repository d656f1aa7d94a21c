import { permissions, systemRolePermissions } from '@atrium/protocol';
import { expect, test } from 'vitest';
import {
  otherPermissions,
  permissionGroups,
  permissionSummary,
  permissionWords,
  togglePermission,
} from './permission-words.ts';

test('every permission of the contract has one checkbox with words', () => {
  const offered = permissionGroups.flatMap((group) => group.permissions.map(({ permission }) => permission));
  expect(offered.toSorted()).toEqual([...permissions].toSorted());
  for (const permission of permissions) expect(permissionWords(permission)).not.toBe(permission);
});

test('each permission stands in the group of its prefix, so that the wildcard of the group covers it', () => {
  for (const { prefix, permissions: group } of permissionGroups)
    for (const { permission } of group) expect(permission.startsWith(`${prefix}.`)).toBe(true);
});

test('a wildcard swallows the strings below it and nothing else', () => {
  expect(togglePermission(['items.read', 'teams.create', 'itemsfoo'], 'items.*', true)).toEqual([
    'teams.create',
    'itemsfoo',
    'items.*',
  ]);
  expect(togglePermission(['items.read', 'org.manage'], '*', true)).toEqual(['*']);
  expect(togglePermission(['items.*'], 'items.*', false)).toEqual([]);
});

test('free text is kept apart from what a checkbox stands for', () => {
  expect(otherPermissions(['items.read', 'items.*', '*', 'flows.run', 'items.read.secret'])).toEqual([
    'flows.run',
    'items.read.secret',
  ]);
});

test('a summary names the areas of a role', () => {
  expect(permissionSummary(systemRolePermissions.owner)).toBe('Everything');
  expect(permissionSummary([])).toBe('Nothing');
  expect(permissionSummary(['items.read', 'audit.read', 'flows.run'])).toBe('Items, Audit, 1 other');
});
