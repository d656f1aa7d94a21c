import type { FederationParts } from './federation-parts.ts';
import type { PeerRow, PublicationRow, RuleRow } from './federation-rows.ts';
import { federationStore } from './federation-store.ts';

const refreshMs = 60_000;

/**
 * Peers, publications and rules as this process knows them, so that no request asks the database. Read anew when an
 * event tells of a change, whichever process made it, and once a minute besides.
 */
export class FederationBook {
  readonly #parts: FederationParts;
  readonly #listeners: (() => void)[] = [];
  #peers: ReadonlyMap<string, PeerRow> = new Map();
  #publications: ReadonlyMap<string, PublicationRow> = new Map();
  #rules: readonly RuleRow[] = [];
  #reading: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: FederationParts) {
    this.#parts = parts;
  }

  get peers(): ReadonlyMap<string, PeerRow> {
    return this.#peers;
  }

  async start(): Promise<void> {
    await this.read();
    this.#timer = setInterval(() => this.changed(), refreshMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  changed(): void {
    this.read().catch((error: unknown) => this.#parts.onError(error, 'reading peers'));
  }

  /** Resolves when what was true at the call is known. */
  read(): Promise<void> {
    if (this.#reading !== null) {
      this.#again = true;
      return this.#reading;
    }
    this.#reading = this.#readAll().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  publication(appId: string, peerId: string): PublicationRow | null {
    const row = this.#publications.get(appId);
    if (row === undefined || row.deleted_at !== null) return null;
    return row.peer_ids === null || row.peer_ids.includes(peerId) ? row : null;
  }

  rulesOf(peerId: string, orgId: string, appId: string): RuleRow[] {
    return this.#rules.filter(
      (rule) => rule.peer_id === peerId && rule.org_id === orgId && (rule.app_id === null || rule.app_id === appId),
    );
  }

  async #readAll(): Promise<void> {
    do {
      this.#again = false;
      const db = this.#parts.database.read;
      const [peers, publications, rules] = [
        await federationStore.peers(db),
        await federationStore.publications(db),
        await federationStore.rules(db),
      ];
      this.#peers = new Map(peers.map((peer) => [peer.id, peer]));
      this.#publications = new Map(publications.map((row) => [row.app_id, row]));
      this.#rules = rules;
    } while (this.#again);
    for (const listener of this.#listeners) listener();
  }
}
