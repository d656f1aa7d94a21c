import type { TrustEdge } from '@atrium/protocol';
import { expect, test } from 'vitest';
import { type TrustNode, trustTrees } from './trust-tree.ts';

const edge = (issuer: string | null, redeemer: string, minute: number): TrustEdge => ({
  issuer_kind: issuer === null ? 'user' : 'agent',
  issuer_fingerprint: issuer,
  redeemer_fingerprint: redeemer,
  redeemed_at: `2026-11-20T09:${String(minute).padStart(2, '0')}:00.000Z`,
  depth: 1,
  descendants: 0,
  active: true,
});

const drawn = (nodes: readonly TrustNode[]): unknown =>
  nodes.map(({ fingerprint, children }) => [fingerprint, drawn(children)]);

test('newcomers stand below whoever vouched, in the order in which they came', () => {
  expect(drawn(trustTrees([edge('A', 'C', 9), edge(null, 'A', 1), edge('A', 'B', 5), edge('B', 'D', 7)]))).toEqual([
    [
      null,
      [
        [
          'A',
          [
            ['B', [['D', []]]],
            ['C', []],
          ],
        ],
      ],
    ],
  ]);
});

test('an issuer of whom no edge tells begins a tree', () => {
  expect(drawn(trustTrees([edge('X', 'Y', 1), edge('Z', 'W', 2)]))).toEqual([
    ['X', [['Y', []]]],
    ['Z', [['W', []]]],
  ]);
});

test('a circle is drawn once and ends', () => {
  expect(drawn(trustTrees([edge('A', 'B', 1), edge('B', 'A', 2)]))).toEqual([['B', [['A', []]]]]);
  expect(trustTrees([])).toEqual([]);
});
