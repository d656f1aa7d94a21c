import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { hasPermission, hasScope } from '@atrium/protocol';
import { WebSocketServer } from 'ws';
import type { Transaction } from '../../platform/db/database.ts';
import { AppError } from '../../platform/errors/app-error.ts';
import { eventFilter } from '../../platform/events/event-filter.ts';
import type { FrontDoor } from '../../platform/http/front-door.ts';
import type { UpgradeRouter } from '../../platform/http/upgrade-router.ts';
import { newId } from '../../platform/ids/ids.ts';
import type { Module } from '../../platform/module.ts';
import type { RotationVisit } from '../../platform/secrets/secret-box.ts';
import { createDiscoveryTurn } from './discovery/discovery-turn.ts';
import { UsedOnce } from './federation/assertion.ts';
import { createCatalogueService } from './federation/catalogue-service.ts';
import { FederationBook } from './federation/federation-book.ts';
import { type FederationParts, keyPlace, peerEvents } from './federation/federation-parts.ts';
import { federationBindings } from './federation/federation-routes.ts';
import { createFederationService } from './federation/federation-service.ts';
import { federationStore } from './federation/federation-store.ts';
import { type InstanceKey, instanceKeyOf, newKeyPair } from './federation/instance-key.ts';
import { Links } from './federation/links.ts';
import { Neighbours } from './federation/neighbours.ts';
import { RemoteGate } from './federation/remote-gate.ts';
import { StreamDoor } from './federation/stream-door.ts';
import { federationPath, largestMessage } from './federation/wire.ts';
import type { Gate } from './gate.ts';

export type { FederationParts, FederationSettings } from './federation/federation-parts.ts';

/** "atrp": the advisory lock of the process that opens links. */
const lock = { key: 0x61747270, name: 'atrium federation' };
const sweepMs = 10_000;
/** After which a server of the local network is no longer listed, where nobody heard its goodbye. */
const unseenMs = 180_000;
const dayMs = 86_400_000;
const tombstoneDays = 30;

export interface FederationModule extends Module {
  /** The gate for all lanes: the given one, with what the federation adds. */
  gate: Gate;
  /** A connection to an app of a peer. */
  dial: (peerId: string) => Promise<Duplex>;
  /** Where requests that come through links go. */
  serve(front: FrontDoor | undefined): void;
  /** Peers, and apps that are shown and seen. */
  totals: () => Promise<{ peers: number; online: number; published: number; received: number }>;
  rotate: RotationVisit;
  personErasing(tx: Transaction, person: { id: string; name: string }): Promise<void>;
  personExporting(userId: string): Promise<Record<string, unknown>>;
  start(): Promise<void>;
  settingsChanged(): void;
  stop(): Promise<void>;
}

/** Plug of the federation: links with other servers, the shared catalogue, and requests that pass between them. */
export const createFederationModule = (parts: FederationParts, inner: Gate): FederationModule => {
  const { database, clock, secrets, onError } = parts;
  let known: InstanceKey | null = null;
  const key = (): InstanceKey => {
    if (known === null) throw new Error('this server has no key before federation is on');
    return known;
  };
  let front: FrontDoor | null = null;
  const used = new UsedOnce();
  const book = new FederationBook(parts);
  const gate = new RemoteGate(parts, inner, book, key);
  const catalogue = createCatalogueService(parts, key);
  const links: Links = new Links(parts, book, catalogue, key, (link, stream) => door.take(link, stream));
  const door = new StreamDoor({
    ...{ front: () => front, own_id: () => key().id, used, now: () => clock.now() },
    admit: (head, remote) => gate.admit(head, remote),
    refused: (link, reason) => links.audit(reason, link.peer_id, { address: link.remote_address, how: 'asked' }),
  });
  const service = createFederationService(parts, book, links, key, () => known);
  const neighbours = new Neighbours(parts, { key, own: () => links.own() });
  const sockets = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: largestMessage },
  });
  const turn = createDiscoveryTurn({
    ...{ url: parts.database_url, lock },
    begin: () => {
      links.dial(true);
      void neighbours.turn(true);
    },
    end: async () => {
      links.dial(false);
      await neighbours.turn(false);
    },
    onError: (error) => onError(error, 'the turn to open links was lost'),
  });
  let turning = false;

  /** Made by whichever process is first once federation is on, and the same for all of them ever after. */
  const readKey = async (): Promise<void> => {
    if (known !== null) return;
    let row = await federationStore.identity(database.read);
    if (row === null && !parts.settings().enabled) return;
    if (row === null) {
      const { public_key, seed } = newKeyPair();
      const made = { id: newId(), public_key, key_sealed: secrets.encrypt(seed, keyPlace) };
      await federationStore.insertIdentity(database.read, made, clock.now());
      row = (await federationStore.identity(database.read))!;
    }
    known = instanceKeyOf(row.id, row.public_key, secrets.decrypt(row.key_sealed, keyPlace));
  };

  const takeTurns = async (): Promise<void> => {
    await readKey();
    if (turning || !parts.runs || !parts.settings().enabled) return;
    turning = true;
    await turn.start();
  };

  const upgrade = (upgrades: UpgradeRouter, request: IncomingMessage, socket: Duplex, head: Buffer): boolean => {
    if (request.url?.split('?', 1)[0] !== federationPath) return false;
    // A page in a browser has nothing to say here.
    if (known === null || !parts.settings().enabled || request.headers.origin !== undefined)
      upgrades.refuse(request, socket, new AppError('not_found', 'No peers are taken here.'));
    else
      sockets.handleUpgrade(request, socket, head, (opened) =>
        links.accept(opened, (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')),
      );
    return true;
  };

  return {
    name: 'federation',
    gate,
    bindings: federationBindings(service),
    dial: (peerId) => links.connect(peerId),
    serve: (given) => {
      front = given ?? null;
    },
    http: ({ upgrades }) => upgrades.add((request, socket, head) => upgrade(upgrades, request, socket, head)),
    eventFilters: [
      eventFilter(
        'gateway.peer.',
        (event, caller) =>
          caller.org_id === event.org_id &&
          caller.is_operator &&
          hasScope(caller.scopes, 'gateway:read') &&
          hasPermission(caller.permissions, 'federation.manage'),
      ),
    ],
    onEvent: ({ kind }) => {
      if (kind === peerEvents.syncAsked) links.syncAll();
      else if (kind.startsWith('gateway.peer.') && kind !== peerEvents.synced) {
        if (kind === peerEvents.joined || kind === peerEvents.updated) links.hurry();
        book.changed();
      }
      if (/^gateway\.(?:app|route)\./.test(kind) || kind === peerEvents.published || kind === peerEvents.unpublished)
        links.push();
    },
    sweeps: [
      { name: 'federation-peers', every_ms: sweepMs, run: () => links.sweep() },
      {
        name: 'federation-neighbours',
        every_ms: 60_000,
        run: () => federationStore.pruneNeighbours(database.read, new Date(clock.now().getTime() - unseenMs)),
      },
      {
        name: 'federation-tombstones',
        every_ms: dayMs,
        run: async () => {
          const before = new Date(clock.now().getTime() - tombstoneDays * dayMs);
          await federationStore.pruneTombstones(database.read, before);
          await federationStore.pruneInvitations(database.read, before);
        },
      },
    ],
    totals: () => federationStore.totals(database.read),
    rotate: async (reencrypt) => {
      const row = await federationStore.identity(database.read);
      const renewed = row === null ? null : reencrypt(row.key_sealed, keyPlace);
      if (renewed !== null) await federationStore.resealIdentity(database.read, row!.key_sealed, renewed);
    },
    personErasing: (tx, { id, name }) => federationStore.erasePerson(tx.db, id, name),
    personExporting: async (userId) => ({ federation: await federationStore.exportPerson(database.read, userId) }),
    start: async () => {
      await book.start();
      links.start();
      await takeTurns();
    },
    settingsChanged: () => {
      links.hurry();
      void neighbours.follow();
      takeTurns().catch((error: unknown) => onError(error, 'the turn to open links could not be asked for'));
    },
    stop: async () => {
      links.stop();
      book.stop();
      door.close();
      sockets.close();
      if (turning) await turn.stop();
    },
  };
};
