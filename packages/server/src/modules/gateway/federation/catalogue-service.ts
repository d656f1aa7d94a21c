import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { type Call, internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { compareClocks, mergeClocks, replaces, tickClock, type VectorClock } from './clocks.ts';
import { type FederationParts, peerEvents } from './federation-parts.ts';
import type { PublicationRow } from './federation-rows.ts';
import { federationStore } from './federation-store.ts';
import type { InstanceKey } from './instance-key.ts';
import { type CatalogueEntry, type LinkMessage, mostApps } from './wire.ts';

/** Something that a peer may not say. */
export class PeerBroke extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`the peer broke the rules: ${reason}`);
    this.name = 'PeerBroke';
    this.reason = reason;
  }
}

type Catalogue = Extract<LinkMessage, { type: 'catalogue' }>;

const digestOf = (apps: readonly { app: string; clock: VectorClock }[]): string => {
  const lines = apps.map(({ app, clock }) => `${app} ${JSON.stringify(Object.entries(clock).toSorted())}`);
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
};

const isShownTo = (row: PublicationRow, peerId: string): boolean =>
  row.deleted_at === null && (row.peer_ids === null || row.peer_ids.includes(peerId));

export type CatalogueService = ReturnType<typeof createCatalogueService>;

/** The shared catalogue: what this server shows to peers, and what it takes from them. */
export const createCatalogueService = (parts: FederationParts, key: () => InstanceKey) => {
  const { database, clock } = parts;

  const systemCall = async (): Promise<Call | null> => {
    const org = await parts.orgOf();
    return org === null ? null : internalCall(systemCaller({ id: org }), newId());
  };

  /** Brings what is published in line with the apps as they are. */
  const refresh = async (): Promise<void> => {
    const rows = (await federationStore.publications(database.read)).filter((row) => row.deleted_at === null);
    const ids = rows.map(({ app_id }) => app_id);
    const now = new Map((await federationStore.shownApps(database.read, ids)).map((app) => [app.id, app]));
    const stale = rows.filter((row) => {
      const app = now.get(row.app_id);
      if (app === undefined) return true;
      const { id: _, org_id: __, ...entry } = app;
      return !isDeepStrictEqual(entry, row.entry);
    });
    const call = stale.length === 0 ? null : await systemCall();
    if (call === null) return;
    await database.transaction(call, async (tx) => {
      for (const { app_id } of stale) {
        const row = await federationStore.lockPublication(tx.db, app_id);
        if (row === null || row.deleted_at !== null) continue;
        const [app] = await federationStore.shownApps(tx.db, [app_id]);
        const at = clock.now();
        if (app === undefined) {
          const gone = { ...row, clock: tickClock(row.clock, key().id), updated_at: at, deleted_at: at };
          await federationStore.savePublication(tx.db, gone);
          tx.emit({ kind: peerEvents.unpublished, id: app_id, org_id: row.org_id, body: { slug: row.entry.slug } });
          continue;
        }
        const { id: _, org_id: __, ...entry } = app;
        // Another process was quicker.
        if (isDeepStrictEqual(entry, row.entry)) continue;
        await federationStore.savePublication(tx.db, {
          ...row,
          entry,
          clock: tickClock(row.clock, key().id),
          updated_at: at,
        });
      }
    });
  };

  /** All that the peer may know, with what is gone for it. */
  const entriesFor = async (peerId: string): Promise<CatalogueEntry[]> => {
    const rows = await federationStore.publications(database.read);
    return rows
      .toSorted((a, b) => Number(isShownTo(b, peerId)) - Number(isShownTo(a, peerId)))
      .slice(0, mostApps)
      .map((row) => ({
        ...{ owner: key().id, app: row.app_id, clock: row.clock },
        shown: isShownTo(row, peerId) ? row.entry : null,
      }));
  };

  /** Apps here that open what its owner no longer shows. */
  const unmountGone = async (tx: Transaction, call: Call, peerId: string): Promise<void> => {
    for (const { app, route_id, org_id, deleted } of await federationStore.mounts(tx.db, peerId)) {
      if (!deleted) continue;
      await parts.maker.unmake(tx, { ...call, caller: systemCaller({ id: org_id }) }, route_id);
      await federationStore.setLocal(tx.db, peerId, app, null);
    }
  };

  /** Takes what a peer says about its own apps; about others it has nothing to say. */
  const receive = async (peerId: string, { entries, full, remote_routes }: Catalogue): Promise<number> => {
    if (entries.some(({ owner }) => owner !== peerId)) throw new PeerBroke('foreign_entry');
    if (new Set(entries.map(({ app }) => app)).size < entries.length) throw new PeerBroke('entry_twice');
    const call = await systemCall();
    if (call === null) return 0;
    return database.transaction(call, async (tx) => {
      if (!(await federationStore.lockPeer(tx.db, peerId))) return 0;
      const known = new Map((await federationStore.remoteApps(tx.db, peerId)).map((row) => [row.app, row]));
      const at = clock.now();
      let changes = 0;
      for (const { app, clock: came, shown } of entries) {
        const row = known.get(app);
        if (row === undefined && shown === null) continue;
        const version = { clock: came, writer: peerId, deleted: shown === null };
        if (
          row !== undefined &&
          !replaces(version, { clock: row.clock, writer: peerId, deleted: row.deleted_at !== null })
        )
          continue;
        const entry = shown ?? row!.entry;
        await federationStore.saveRemoteApp(tx.db, {
          ...{ peer_id: peerId, app, entry, at, deleted: shown === null },
          clock: row === undefined ? came : mergeClocks(came, row.clock),
        });
        changes += 1;
      }
      const listed = new Set(entries.map(({ app }) => app));
      for (const row of known.values()) {
        if (!full || listed.has(row.app) || row.deleted_at !== null) continue;
        await federationStore.saveRemoteApp(tx.db, { ...row, at, deleted: true });
        changes += 1;
      }
      const live = (await federationStore.remoteApps(tx.db, peerId)).filter((row) => row.deleted_at === null);
      if (live.length > mostApps) throw new PeerBroke('too_many_apps');
      if (changes > 0) {
        await unmountGone(tx, call, peerId);
        tx.emit({ kind: peerEvents.synced, id: peerId, body: { changes, apps: live.length } });
      }
      await federationStore.synced(tx.db, peerId, remote_routes, at);
      return changes;
    });
  };

  return {
    refresh,
    entriesFor,
    receive,
    unmountGone,
    systemCall,

    /** Of what the peer should know, and of what is known of the peer. */
    digestFor: async (peerId: string): Promise<string> =>
      digestOf((await entriesFor(peerId)).filter(({ shown }) => shown !== null)),
    digestOf: async (peerId: string): Promise<string> =>
      digestOf((await federationStore.remoteApps(database.read, peerId)).filter((row) => row.deleted_at === null)),

    known: async (peerId: string): Promise<{ app: string; clock: VectorClock }[]> =>
      (await federationStore.remoteApps(database.read, peerId))
        .slice(0, mostApps)
        .map(({ app, clock: held }) => ({ app, clock: held })),

    /** A peer that knows newer versions than this server knew them before it was restored: these go on after them. */
    overtake: async (known: readonly { app: string; clock: VectorClock }[]): Promise<void> => {
      const rows = new Map((await federationStore.publications(database.read)).map((row) => [row.app_id, row]));
      const behind = known.filter(({ app, clock: held }) => {
        const row = rows.get(app);
        return row !== undefined && ['after', 'concurrent'].includes(compareClocks(held, row.clock));
      });
      const call = behind.length === 0 ? null : await systemCall();
      if (call === null) return;
      await database.transaction(call, async (tx) => {
        for (const { app, clock: held } of behind) {
          const row = await federationStore.lockPublication(tx.db, app);
          if (row === null) continue;
          const next = tickClock(mergeClocks(row.clock, held), key().id);
          await federationStore.savePublication(tx.db, { ...row, clock: next, updated_at: clock.now() });
        }
      });
    },
  };
};
