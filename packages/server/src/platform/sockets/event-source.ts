import type { StoredEvent } from '../module.ts';

/** Where live events come from and where missed ones are read; the dispatcher, seen from the doors. */
export interface EventSource {
  /**
   * Calls back for each committed event, in order of seq within an organisation. `onGap` hears of an organisation whose
   * events were pruned before they could be read. Returns the way to stop.
   */
  subscribe(listener: (event: StoredEvent) => void, onGap: (org_id: string) => void): () => void;
  /** Events with a greater seq, in order, at most `limit`; null when some of them are already gone. */
  replay(org_id: string, since: number, limit: number): Promise<readonly StoredEvent[] | null>;
  /** Greatest seq committed so far; 0 when there is none. */
  head(org_id: string): Promise<number>;
}
