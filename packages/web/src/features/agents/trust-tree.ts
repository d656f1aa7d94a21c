import type { TrustEdge } from '@atrium/protocol';

export interface TrustNode {
  /** Null for the people, and the agents without a key, of whom the graph says no more. */
  fingerprint: string | null;
  edge: TrustEdge | null;
  children: TrustNode[];
}

const byTime = (first: TrustEdge, second: TrustEdge): number => first.redeemed_at.localeCompare(second.redeemed_at);

/**
 * Edges as trees: whoever was let in stands below whoever vouched. Where the issuer came in by nobody, or by an edge that
 * is not among these, a tree begins with it. Newcomers of people without a key share one root.
 */
export const trustTrees = (edges: readonly TrustEdge[]): TrustNode[] => {
  const below = Map.groupBy(edges.toSorted(byTime), (edge) => edge.issuer_fingerprint);
  const came = new Set(edges.map((edge) => edge.redeemer_fingerprint));
  const seen = new Set<string>();
  const nodeOf = (edge: TrustEdge): TrustNode => {
    seen.add(edge.redeemer_fingerprint);
    return { fingerprint: edge.redeemer_fingerprint, edge, children: childrenOf(edge.redeemer_fingerprint) };
  };
  // A key that was replaced may vouch for the one that let it in: what is drawn already is not drawn again.
  const childrenOf = (issuer: string | null): TrustNode[] =>
    (below.get(issuer) ?? []).flatMap((edge) => (seen.has(edge.redeemer_fingerprint) ? [] : [nodeOf(edge)]));
  const roots = [...below.keys()].filter((issuer) => issuer === null || !came.has(issuer));
  const trees = roots.map((issuer) => ({ fingerprint: issuer, edge: null, children: childrenOf(issuer) }));
  const circles = edges.filter((edge) => !seen.has(edge.redeemer_fingerprint));
  return circles.length === 0
    ? trees
    : [...trees, ...circles.flatMap((edge) => (seen.has(edge.redeemer_fingerprint) ? [] : [nodeOf(edge)]))];
};
