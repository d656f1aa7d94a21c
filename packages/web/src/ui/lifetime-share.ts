/** Share of a lifetime that is left, 0 to 1. */
export const shareLeft = (from: number, until: number, now: number): number =>
  until <= from ? 0 : Math.min(1, Math.max(0, (until - now) / (until - from)));

/** Green above half, amber above a fifth, red below. */
export const lifetimeTone = (share: number): 'success' | 'warning' | 'danger' =>
  share > 0.5 ? 'success' : share > 0.2 ? 'warning' : 'danger';
