import { randomBytes } from 'node:crypto';
import {
  type federationAddRule,
  type federationCatalogue,
  type federationInvitations,
  type federationInvite,
  type federationMount,
  type federationNeighbours,
  type federationPeers,
  type federationPublications,
  type federationPublish,
  type federationRules,
  type federationStatus,
  type NeighbourView,
  type OutputOf,
  type ParsedInputOf,
  type PeerInvitationView,
  type PeerRuleView,
  type PeerView,
  type PublicationView,
  type RemoteAppView,
  routeHealth,
} from '@atrium/protocol';
import type { Transaction } from '../../../platform/db/database.ts';
import { storableText } from '../../../platform/db/storable.ts';
import { AppError, invalid, notFound } from '../../../platform/errors/app-error.ts';
import { newId } from '../../../platform/ids/ids.ts';
import { type Call, callAs } from '../../../platform/operations/call.ts';
import { actorOf, systemCaller } from '../../../platform/operations/caller.ts';
import { textPosition, timePosition, toPage } from '../../../platform/paging/keyset.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import { tickClock } from './clocks.ts';
import type { FederationBook } from './federation-book.ts';
import { type FederationParts, peerEvents, peerHost } from './federation-parts.ts';
import type {
  InvitationRow,
  ListedPeer,
  ListedRemoteApp,
  NeighbourRow,
  PublicationRow,
  RuleRow,
} from './federation-rows.ts';
import { federationStore } from './federation-store.ts';
import { HandshakeRefused } from './handshake.ts';
import { fingerprintOf, type InstanceKey } from './instance-key.ts';
import type { Links } from './links.ts';
import { mostApps, readInvitation, writeInvitation } from './wire.ts';

const iso = (at: Date | null): string | null => at?.toISOString() ?? null;
const byOf = (row: {
  created_by_type: RuleRow['created_by_type'];
  created_by_id: string | null;
  created_by_name: string;
}) => ({
  ...{ type: row.created_by_type, id: row.created_by_id, name: row.created_by_name },
});

const peerOf = (row: ListedPeer): PeerView => ({
  ...{ id: row.id, name: row.name, address: row.api_address, state: row.status, dials: row.dials },
  ...{ joined_by: row.joined_by, fingerprint: fingerprintOf(row.public_key), pins: row.pins },
  ...{ offered_pin: row.offered_pin, remote_routes: row.remote_routes, apps: row.apps, last_error: row.last_error },
  last_seen_at: iso(row.last_seen_at),
  last_sync_at: iso(row.last_sync_at),
  joined_at: row.joined_at.toISOString(),
});
const invitationOf = (row: InvitationRow): PeerInvitationView => ({
  ...{ id: row.id, note: row.note, created_by: byOf(row), used_by: row.used_by },
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at.toISOString(),
  used_at: iso(row.used_at),
});
const neighbourOf = (row: NeighbourRow & { peer_key: string | null }): NeighbourView => ({
  ...{ id: row.id, name: row.name, address: row.address, fingerprint: fingerprintOf(row.public_key) },
  state: row.peer_key === null ? 'new' : row.peer_key === row.public_key ? 'peer' : 'other_key',
  first_seen_at: row.first_seen_at.toISOString(),
  last_seen_at: row.last_seen_at.toISOString(),
});
const publicationOf = (row: PublicationRow): PublicationView => ({
  ...{ app_id: row.app_id, slug: row.entry.slug, name: row.entry.name, peer_ids: row.peer_ids },
  published_by: { type: row.published_by_type, id: row.published_by_id, name: row.published_by_name },
  published_at: row.published_at.toISOString(),
});
const ruleOf = (row: RuleRow): PeerRuleView => ({
  ...{ id: row.id, peer_id: row.peer_id, match: row.match, value: row.value, app_id: row.app_id },
  created_by: byOf(row),
  created_at: row.created_at.toISOString(),
});

/** Where an app of a peer is opened is told to those of that organisation alone. */
const remoteAppOf = (row: ListedRemoteApp, orgId: string): RemoteAppView => {
  const own = row.local_org_id === orgId;
  const { slug, name, icon, description, tags, path } = row.entry;
  return {
    ...{ peer_id: row.peer_id, peer_name: row.peer_name, app: row.app, slug, name, icon, description, tags },
    openable: path !== null,
    local_app_id: own ? row.local_app_id : null,
    local_slug: own ? row.local_slug : null,
    updated_at: row.updated_at.toISOString(),
  };
};

export type FederationService = ReturnType<typeof createFederationService>;

/** What operators do about peers. */
export const createFederationService = (
  parts: FederationParts,
  book: FederationBook,
  links: Links,
  key: () => InstanceKey,
  /** Null before federation was ever on. */
  known: () => InstanceKey | null,
) => {
  const { database, clock } = parts;
  const { read } = database;

  const requireOn = (): void => {
    if (!parts.settings().enabled) throw new AppError('federation_off');
  };
  const requirePeer = async (id: string, db = read): Promise<ListedPeer> => {
    const row = await federationStore.peer(db, id);
    if (row === null) throw notFound('The peer');
    return row;
  };
  const requireRemote = async (peerId: string, app: string, db = read): Promise<ListedRemoteApp> => {
    const row = await federationStore.remoteApp(db, peerId, app);
    if (row === null) throw notFound('The app');
    return row;
  };

  const createdBy = ({ caller }: Call, at: Date) => {
    const { type, id, name } = actorOf(caller);
    return { created_by_type: type, created_by_id: id, created_by_name: name, created_at: at };
  };

  const joined = async (url: string, wish: Parameters<Links['join']>[1]): Promise<void> => {
    try {
      await links.join(url, wish);
    } catch (error) {
      const reason = error instanceof HandshakeRefused ? (error.told ?? error.reason) : (error as Error).message;
      throw new AppError('federation_refused', `The peer was not joined: ${reason}.`, {
        extensions: { reason },
        cause: error,
      });
    }
  };

  const unmake = async (tx: Transaction, call: Call, row: { route_id: string; org_id: string }): Promise<void> =>
    parts.maker.unmake(
      tx,
      row.org_id === call.caller.org_id ? call : callAs(call, systemCaller({ id: row.org_id })),
      row.route_id,
    );

  return {
    status: async (): Promise<OutputOf<typeof federationStatus>> => {
      const { enabled, allow_remote_routes, cluster_secret } = parts.settings();
      const { name, pins } = links.own();
      return {
        ...{
          enabled,
          id: known()?.id ?? null,
          name,
          address: parts.public_url(),
          pins: [...pins],
          allow_remote_routes,
        },
        fingerprint: known() === null ? null : fingerprintOf(key().public_key),
        cluster: cluster_secret !== null,
        ...(await federationStore.totals(read)),
      };
    },

    peers: async (input: ParsedInputOf<typeof federationPeers>): Promise<OutputOf<typeof federationPeers>> => {
      const rows = await federationStore.peerPage(read, input.state, textPosition(input.cursor), input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.name, id: row.id }), peerOf);
    },
    peer: async (id: string): Promise<PeerView> => peerOf(await requirePeer(id)),

    removePeer: async (call: Call, id: string): Promise<null> => {
      await database.transaction(call, async (tx) => {
        const row = await requirePeer(id, tx.db);
        for (const mount of await federationStore.mounts(tx.db, id)) await unmake(tx, call, mount);
        await federationStore.remove(tx.db, id);
        tx.emit({ kind: peerEvents.left, id, body: { name: row.name } });
        tx.audit({ action: 'federation.remove_peer', target_type: 'peer', target_id: id, details: { name: row.name } });
      });
      await book.read();
      return null;
    },

    trust: async (call: Call, id: string, pin: string): Promise<PeerView> => {
      await database.transaction(call, async (tx) => {
        const row = await requirePeer(id, tx.db);
        await federationStore.setPins(tx.db, id, [...new Set([pin, ...row.pins])].slice(0, 4));
        tx.emit({ kind: peerEvents.updated, id, body: { name: row.name } });
        tx.audit({ action: 'federation.trust', target_type: 'peer', target_id: id, details: { pin } });
      });
      await book.read();
      return peerOf(await requirePeer(id));
    },

    sync: async (call: Call): Promise<{ peers: number }> => {
      requireOn();
      return database.transaction(call, async (tx) => {
        tx.emit({ kind: peerEvents.syncAsked, id: key().id });
        tx.audit({ action: 'federation.sync', target_type: 'server', target_id: key().id });
        return { peers: (await federationStore.totals(tx.db)).online };
      });
    },

    /* ---------- joining ---------- */

    invite: async (
      call: Call,
      { note, expires_in_minutes }: ParsedInputOf<typeof federationInvite>,
    ): Promise<OutputOf<typeof federationInvite>> => {
      requireOn();
      const { address, pins } = links.own();
      if (address === null)
        throw new AppError('federation_refused', 'Set ATRIUM_PUBLIC_URL to the address that the other server reaches.');
      const token = randomBytes(32).toString('base64url');
      return database.transaction(call, async (tx) => {
        const at = clock.now();
        const row: InvitationRow = {
          ...{ id: newId(), token_hash: hashToken(token), note: storableText(note), used_at: null, used_by: null },
          ...createdBy(call, at),
          expires_at: new Date(at.getTime() + expires_in_minutes * 60_000),
        };
        await federationStore.insertInvitation(tx.db, row);
        tx.audit({ action: 'federation.invite', target_type: 'invitation', target_id: row.id, details: { note } });
        const { id, public_key } = key();
        const invitation = writeInvitation({ v: 1, url: address, id, key: public_key, pins: [...pins], token });
        return { ...invitationOf(row), invitation };
      });
    },
    invitations: async (
      input: ParsedInputOf<typeof federationInvitations>,
    ): Promise<OutputOf<typeof federationInvitations>> => {
      const rows = await federationStore.invitations(read, timePosition(input.cursor), input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), invitationOf);
    },
    revokeInvitation: (call: Call, id: string): Promise<null> =>
      database.transaction(call, async (tx) => {
        if (!(await federationStore.removeInvitation(tx.db, id))) throw notFound('The invitation');
        tx.audit({ action: 'federation.revoke_invitation', target_type: 'invitation', target_id: id });
        return null;
      }),

    join: async (call: Call, text: string): Promise<PeerView> => {
      requireOn();
      const invitation = readInvitation(text);
      if (invitation === null) throw invalid('invitation', 'is no invitation of an Atrium server');
      const { url, id, key: public_key, pins, token } = invitation;
      await joined(url, { expected: { id, public_key }, pins, join: { kind: 'invitation', token } });
      await database.transaction(call, async (tx) =>
        tx.audit({ action: 'federation.join', target_type: 'peer', target_id: id, details: { address: url } }),
      );
      return peerOf(await requirePeer(id));
    },

    neighbours: async (
      input: ParsedInputOf<typeof federationNeighbours>,
    ): Promise<OutputOf<typeof federationNeighbours>> => {
      const rows = await federationStore.neighbourPage(read, textPosition(input.cursor), input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.name, id: row.id }), neighbourOf);
    },

    pair: async (call: Call, id: string): Promise<PeerView> => {
      requireOn();
      const found = await federationStore.neighbour(read, id);
      if (found === null) throw notFound('The server');
      const { name, address, public_key } = found;
      const { cluster_secret: secret } = parts.settings();
      if (secret === null)
        throw new AppError(
          'federation_refused',
          `No cluster secret is set: ask the operator of ${name} for an invitation.`,
        );
      await joined(address, { expected: { id, public_key }, pins: [], join: { kind: 'cluster', secret } });
      await database.transaction(call, async (tx) =>
        tx.audit({ action: 'federation.pair', target_type: 'peer', target_id: id, details: { address } }),
      );
      return peerOf(await requirePeer(id));
    },

    /* ---------- what is shown to peers ---------- */

    publications: async (
      { caller }: Call,
      input: ParsedInputOf<typeof federationPublications>,
    ): Promise<OutputOf<typeof federationPublications>> => {
      const after = textPosition(input.cursor);
      const rows = await federationStore.publicationPage(read, caller.org_id, after, input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.entry.slug, id: row.app_id }), publicationOf);
    },
    publish: async (
      call: Call,
      { app_id, peer_ids }: ParsedInputOf<typeof federationPublish>,
    ): Promise<PublicationView> => {
      requireOn();
      const row = await database.transaction(call, async (tx) => {
        const { caller } = call;
        const app = await federationStore.appIn(tx.db, caller.org_id, app_id);
        if (app === null) throw notFound('The app');
        if (app.source === 'federation') throw invalid('app_id', 'is an app of a peer, which its owner publishes');
        for (const [at, peer] of (peer_ids ?? []).entries())
          if ((await federationStore.peer(tx.db, peer)) === null) throw invalid(`peer_ids.${at}`, 'is no peer');
        const before = await federationStore.lockPublication(tx.db, app_id);
        if (
          (before === null || before.deleted_at !== null) &&
          (await federationStore.countPublications(tx.db)) >= mostApps
        )
          throw invalid('app_id', `at most ${mostApps} apps are published`);
        const [shown] = await federationStore.shownApps(tx.db, [app_id]);
        const { id: _, org_id: __, ...entry } = shown!;
        const by = actorOf(caller);
        const at = clock.now();
        const next: PublicationRow = {
          ...{ app_id, org_id: caller.org_id, entry, updated_at: at, deleted_at: null, published_at: at },
          peer_ids: peer_ids === null ? null : [...new Set(peer_ids)],
          clock: tickClock(before?.clock ?? {}, key().id),
          ...{ published_by_type: by.type, published_by_id: by.id, published_by_name: by.name },
        };
        await federationStore.savePublication(tx.db, next);
        tx.emit({ kind: peerEvents.published, id: app_id, body: { slug: app.slug } });
        const details = { slug: app.slug, peer_ids };
        tx.audit({ action: 'federation.publish', target_type: 'app', target_id: app_id, details });
        return next;
      });
      await book.read();
      return publicationOf(row);
    },
    unpublish: async (call: Call, app_id: string): Promise<null> => {
      await database.transaction(call, async (tx) => {
        const row = await federationStore.lockPublication(tx.db, app_id);
        if (row === null || row.deleted_at !== null || row.org_id !== call.caller.org_id) throw notFound('The app');
        const at = clock.now();
        const next = { ...row, clock: tickClock(row.clock, key().id), updated_at: at, deleted_at: at };
        await federationStore.savePublication(tx.db, next);
        tx.emit({ kind: peerEvents.unpublished, id: app_id, body: { slug: row.entry.slug } });
        const details = { slug: row.entry.slug };
        tx.audit({ action: 'federation.unpublish', target_type: 'app', target_id: app_id, details });
      });
      await book.read();
      return null;
    },

    rules: async (
      { caller }: Call,
      input: ParsedInputOf<typeof federationRules>,
    ): Promise<OutputOf<typeof federationRules>> => {
      const after = timePosition(input.cursor);
      const rows = await federationStore.rulePage(read, caller.org_id, input.peer_id, after, input.limit + 1);
      return toPage(rows, input.limit, (row) => ({ value: row.created_at, id: row.id }), ruleOf);
    },
    addRule: async (
      call: Call,
      { peer_id, match, value, app_id }: ParsedInputOf<typeof federationAddRule>,
    ): Promise<PeerRuleView> => {
      if (match === 'email' && !/^[^\s@]+@[^\s@]+$/.test(value)) throw invalid('value', 'is no e-mail address');
      const row = await database.transaction(call, async (tx) => {
        await requirePeer(peer_id, tx.db);
        const { org_id } = call.caller;
        if (app_id !== null && (await federationStore.appIn(tx.db, org_id, app_id)) === null) throw notFound('The app');
        const made: RuleRow = {
          ...{ id: newId(), peer_id, org_id, match, value: storableText(value), app_id },
          ...createdBy(call, clock.now()),
        };
        if (!(await federationStore.insertRule(tx.db, made))) throw new AppError('name_taken', 'There is such a rule.');
        tx.emit({ kind: peerEvents.rulesChanged, id: peer_id });
        const details = { peer_id, match, value, app_id };
        tx.audit({ action: 'federation.add_rule', target_type: 'rule', target_id: made.id, details });
        return made;
      });
      await book.read();
      return ruleOf(row);
    },
    removeRule: async (call: Call, id: string): Promise<null> => {
      await database.transaction(call, async (tx) => {
        const row = await federationStore.removeRule(tx.db, call.caller.org_id, id);
        if (row === null) throw notFound('The rule');
        tx.emit({ kind: peerEvents.rulesChanged, id: row.peer_id });
        const { peer_id, match, value } = row;
        const details = { peer_id, match, value };
        tx.audit({ action: 'federation.remove_rule', target_type: 'rule', target_id: id, details });
      });
      await book.read();
      return null;
    },

    /* ---------- what came ---------- */

    catalogue: async (
      { caller }: Call,
      input: ParsedInputOf<typeof federationCatalogue>,
    ): Promise<OutputOf<typeof federationCatalogue>> => {
      const after = textPosition(input.cursor);
      const rows = await federationStore.remoteAppPage(read, input.peer_id, after, input.limit + 1);
      return toPage(
        rows,
        input.limit,
        (row) => ({ value: row.name, id: row.app }),
        (row) => remoteAppOf(row, caller.org_id),
      );
    },

    mount: async (call: Call, input: ParsedInputOf<typeof federationMount>): Promise<RemoteAppView> => {
      const { enabled, allow_remote_routes } = parts.settings();
      const { peer_id, app, access, people } = input;
      const found = await requireRemote(peer_id, app);
      if (!enabled || !allow_remote_routes) throw new AppError('federation_off');
      if (found.entry.path === null)
        throw new AppError('federation_refused', 'The app has no path at its owner; only its host name opens it.');
      return database.transaction(call, async (tx) => {
        await federationStore.lockPeer(tx.db, peer_id);
        const row = await requireRemote(peer_id, app, tx.db);
        if (row.local_route_id !== null) throw new AppError('name_taken', 'The app is opened here already.');
        const { entry } = row;
        const slug = input.slug ?? entry.slug;
        const made = await parts.maker.make(tx, call, {
          app: {
            ...{ slug, name: entry.name, icon: entry.icon, tags: entry.tags, description: entry.description },
            group: row.peer_name,
          },
          route: {
            ...{ slug, access, ...(people === undefined ? {} : { people }) },
            targets: [{ url: `http://${peerHost(peer_id)}${entry.path!.replace(/\/$/, '')}`, weight: 1 }],
            // The owner looks after its health; a probe would be a request of nobody.
            health: routeHealth.parse({ skip: true }),
          },
          found: false,
          origin: { source: 'federation', source_ref: `peer ${row.peer_name}` },
        });
        await federationStore.setLocal(tx.db, peer_id, app, { app_id: made.app.id, route_id: made.route_id });
        const details = { slug, peer_id, app };
        tx.audit({ action: 'federation.mount', target_type: 'app', target_id: made.app.id, details });
        tx.emit({ kind: peerEvents.updated, id: peer_id, body: { name: row.peer_name } });
        return remoteAppOf(await requireRemote(peer_id, app, tx.db), call.caller.org_id);
      });
    },
    unmount: (call: Call, peer_id: string, app: string): Promise<null> =>
      database.transaction(call, async (tx) => {
        const row = await requireRemote(peer_id, app, tx.db);
        if (row.local_route_id === null || row.local_org_id !== call.caller.org_id) throw notFound('The app');
        await unmake(tx, call, { route_id: row.local_route_id, org_id: row.local_org_id });
        await federationStore.setLocal(tx.db, peer_id, app, null);
        const details = { peer_id, app, slug: row.local_slug };
        tx.audit({ action: 'federation.unmount', target_type: 'app', target_id: row.local_app_id, details });
        tx.emit({ kind: peerEvents.updated, id: peer_id, body: { name: row.peer_name } });
        return null;
      }),
  };
};
