import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import { type CatalogueService, PeerBroke } from './catalogue-service.ts';
import type { FederationBook } from './federation-book.ts';
import { type FederationParts, peerEvents } from './federation-parts.ts';
import type { PeerRow } from './federation-rows.ts';
import { federationStore } from './federation-store.ts';
import {
  answer,
  greet,
  HandshakeRefused,
  type Introduction,
  type Join,
  type Proven,
  type Purpose,
} from './handshake.ts';
import type { InstanceKey } from './instance-key.ts';
import { LinkClosed, type LinkStream } from './mux.ts';
import { PeerLink } from './peer-link.ts';
import { type Dialled, dialPeer, PeerSocket } from './peer-socket.ts';
import type { LinkMessage } from './wire.ts';

const tickMs = 1000;
const seenMs = 10_000;
const idleDataMs = 5 * 60_000;
const longestPauseMs = 60_000;
const mostGreetings = 32;
/** Of one address, within a minute. */
const mostAttempts = 30;

interface Wish {
  address: string;
  named: boolean;
  expected: { id: string; public_key: string } | null;
  pins: readonly string[];
  join: Join | { kind: 'cluster'; secret: string };
  purpose: Purpose;
}

/** Words for the operator about a failed attempt. */
const wordsOf = (error: unknown): string =>
  (error instanceof HandshakeRefused ? (error.told ?? error.reason) : String((error as Error)?.message ?? error)).slice(
    0,
    200,
  );

/** The links of this process: those that peers opened here, and those that it opened itself. */
export class Links {
  readonly #parts: FederationParts;
  readonly #book: FederationBook;
  readonly #catalogue: CatalogueService;
  readonly #key: () => InstanceKey;
  readonly #stream: (link: PeerLink, stream: LinkStream) => void;
  readonly #links = new Set<PeerLink>();
  readonly #dialling = new Map<string, Promise<PeerLink>>();
  /** When an address is tried again, after so many failures. */
  readonly #pauses = new Map<string, { until: number; failures: number; why: string }>();
  #greetings = 0;
  #dials = false;
  #closing = false;
  #timer: NodeJS.Timeout | null = null;
  #next = { seen: 0, digest: 0, full: 0 };
  #pushing: Promise<void> | null = null;
  #pushAgain = false;

  constructor(
    parts: FederationParts,
    book: FederationBook,
    catalogue: CatalogueService,
    key: () => InstanceKey,
    stream: (link: PeerLink, stream: LinkStream) => void,
  ) {
    this.#parts = parts;
    this.#book = book;
    this.#catalogue = catalogue;
    this.#key = key;
    this.#stream = stream;
    book.onChange(() => {
      // Whoever is no longer a peer has nothing to say.
      for (const link of this.#links) if (!book.peers.has(link.peer_id)) link.close('removed');
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), tickMs).unref();
  }

  /** It is this process's turn to open links. */
  dial(turn: boolean): void {
    this.#dials = turn;
    if (!turn) for (const link of this.#links) if (link.caller && link.purpose === 'control') link.close('stopping');
  }

  stop(): void {
    this.#closing = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const link of this.#links) link.close('stopping');
  }

  own(): Introduction {
    const url = this.#parts.public_url();
    const name = this.#parts.settings().name ?? (URL.canParse(url) ? new URL(url).host : 'Atrium');
    return {
      name: name.slice(0, 100),
      address: /^https?:\/\/[^\s/?#@]+$/.test(url) ? url : null,
      pins: this.#parts.served_pins().slice(0, 4),
    };
  }

  /** A connection through the link to a peer: by any link there is, else by one of this process's own. */
  async connect(peerId: string): Promise<Duplex> {
    const { enabled, allow_remote_routes } = this.#parts.settings();
    const peer = this.#book.peers.get(peerId);
    if (!enabled || !allow_remote_routes || peer === undefined)
      throw new LinkClosed('apps of peers are not opened by this server');
    const known = [...this.#links].find((link) => link.open && link.peer_id === peerId);
    const link = known ?? (await this.#dialForData(peer));
    return link.connect();
  }

  #dialForData(peer: PeerRow): Promise<PeerLink> {
    const { id, api_address: address } = peer;
    if (address === null) return Promise.reject(new LinkClosed('the peer is not connected to this process'));
    const running = this.#dialling.get(id);
    if (running !== undefined) return running;
    const dialling = this.#open({ ...this.#wishFor(peer, address), purpose: 'data' })
      .then(({ link }) => link)
      .finally(() => this.#dialling.delete(id));
    this.#dialling.set(id, dialling);
    return dialling;
  }

  /** A peer opened a connection. */
  accept(socket: WebSocket, address: string): void {
    const peer = new PeerSocket(socket, () => address);
    this.#answer(peer).catch((error: unknown) => {
      socket.close(1008);
      this.#refused(error, address, 'came');
    });
  }

  async #answer(peer: PeerSocket): Promise<void> {
    const { limiter } = this.#parts;
    const hit = { bucket: 'federation', key: peer.remote_address, limit: mostAttempts, window_ms: 60_000 };
    if (this.#closing || this.#greetings >= mostGreetings || !(await limiter.hit(hit)).allowed)
      throw new HandshakeRefused('too_many');
    this.#greetings += 1;
    try {
      const who = await peer.greeting((exchange) =>
        answer(exchange, {
          key: this.#key(),
          own: this.own(),
          cluster_secret: this.#parts.settings().cluster_secret,
          keyOf: async (id) => (await federationStore.peer(this.#parts.database.read, id))?.public_key ?? null,
          admit: (token, newcomer) => this.#join(newcomer, { dials: false, token }),
          // Before somebody has set this server up nobody can be its peer, and who believed it would not ask again.
          adopt: async (newcomer) => {
            if (!(await this.#join(newcomer, { dials: false, token: null })))
              throw new HandshakeRefused('refused', newcomer.id);
          },
        }),
      );
      // The caller says who it is by its key; what its certificate is it shows when it is called.
      const said = { name: who.name, api_address: who.address, pins: null };
      await this.#established(peer, who, false, said);
    } finally {
      this.#greetings -= 1;
    }
  }

  /** Takes a server in; false when its invitation is not good. */
  async #join(who: Proven, how: { dials: boolean; token: string | null; address?: string; pins?: readonly string[] }) {
    const call = await this.#catalogue.systemCall();
    if (call === null) return false;
    const { database, clock } = this.#parts;
    const joined = await database.transaction(call, async (tx) => {
      const at = clock.now();
      if (how.token !== null && !(await federationStore.useInvitation(tx.db, hashToken(how.token), who.id, at)))
        return false;
      const known = await federationStore.peer(tx.db, who.id);
      await federationStore.join(tx.db, {
        ...{ id: who.id, name: who.name, api_address: how.address ?? who.address, public_key: who.public_key },
        ...{ pins: [...(how.pins ?? who.pins)], dials: how.dials, joined_by: who.joined_by ?? 'invitation' },
        ...{ last_seen_at: at, joined_at: at },
      });
      if (known !== null) return true;
      const details = { name: who.name, address: how.address ?? who.address, by: who.joined_by };
      tx.emit({ kind: peerEvents.joined, id: who.id, body: { name: who.name } });
      tx.audit({ action: 'federation.joined', target_type: 'peer', target_id: who.id, details });
      return true;
    });
    if (joined) await this.#book.read();
    return joined;
  }

  /* ---------- opening links ---------- */

  #wishFor(peer: PeerRow, address: string): Wish {
    return {
      ...{ address, named: peer.dials, pins: peer.pins, join: null, purpose: 'control' },
      expected: { id: peer.id, public_key: peer.public_key },
    };
  }

  /** Joins the server of an invitation, or throws why not. */
  async join(url: string, wish: Pick<Wish, 'expected' | 'pins' | 'join'>): Promise<string> {
    try {
      const { link } = await this.#open({ ...wish, address: url, named: true, purpose: 'control' }, true);
      return link.peer_id;
    } catch (error) {
      this.#refused(error, url, 'called', wish.expected?.id ?? null);
      throw error;
    }
  }

  async #open(wish: Wish, joins = false): Promise<{ link: PeerLink }> {
    const { guard, resolve } = this.#parts;
    const { allow_plain } = this.#parts.settings();
    const dialled = await dialPeer(wish.address, { guard, resolve, allow_plain, named: wish.named });
    try {
      const { pin, authorized } = dialled;
      const pinned = pin !== null && wish.pins.includes(pin);
      // Before this server has said anything.
      if (pin !== null && wish.pins.length > 0 && !pinned) await this.#pinChanged(wish, pin);
      const who = await dialled.peer.greeting((exchange) =>
        greet(exchange, {
          ...{ key: this.#key(), purpose: wish.purpose, own: this.own(), expected: wish.expected, pin },
          join: wish.join as Parameters<typeof greet>[1]['join'],
          certificate_known: pinned || authorized,
        }),
      );
      return { link: await this.#opened(wish, dialled, who, joins) };
    } catch (error) {
      dialled.peer.socket.terminate();
      throw error;
    }
  }

  async #opened(wish: Wish, { peer, pin }: Dialled, who: Proven, joins: boolean): Promise<PeerLink> {
    const pins = pin === null ? [...who.pins] : [...new Set([pin, ...who.pins])].slice(0, 4);
    if (joins) {
      const joined = await this.#join(who, { dials: true, token: null, address: wish.address, pins });
      if (!joined) throw new HandshakeRefused('refused', who.id);
    }
    return this.#established(peer, who, true, { name: who.name, api_address: null, pins });
  }

  async #pinChanged(wish: Wish, pin: string): Promise<never> {
    const id = wish.expected?.id ?? null;
    if (id !== null) await federationStore.failed(this.#parts.database.read, id, 'pin_changed', pin);
    throw new HandshakeRefused('pin_changed', id);
  }

  async #established(
    peer: PeerSocket,
    who: Proven,
    caller: boolean,
    said: { name: string; api_address: string | null; pins: readonly string[] | null },
  ): Promise<PeerLink> {
    const { database, clock } = this.#parts;
    const link = new PeerLink(peer, who, {
      caller,
      message: (from, message) => this.#message(from, message),
      stream: (from, stream) => this.#stream(from, stream),
      closed: (from, why) => void this.#closed(from, why),
      broke: (from, reason) => this.#refused(new PeerBroke(reason), from.remote_address, 'linked', from.peer_id),
      onError: this.#parts.onError,
    });
    if (!this.#book.peers.has(who.id)) await this.#book.read();
    const row = this.#book.peers.get(who.id);
    // What its own operator or ours said about the way there counts more than what it says itself.
    const address = row?.dials === true ? null : said.api_address;
    await federationStore.introduced(database.read, who.id, { ...said, api_address: address });
    this.#links.add(link);
    link.begin();
    if (link.purpose === 'control') {
      if (await federationStore.setStatus(database.read, who.id, 'online', clock.now()))
        await this.#tell(peerEvents.online, who.id, who.name);
      await this.#catalogue.refresh();
      await this.#share(link, true);
    }
    await this.#book.read();
    return link;
  }

  async #closed(link: PeerLink, why: string): Promise<void> {
    this.#links.delete(link);
    if (link.purpose !== 'control' || this.#of(link.peer_id).some((other) => other.purpose === 'control')) return;
    try {
      const { database, clock } = this.#parts;
      if (await federationStore.setStatus(database.read, link.peer_id, 'offline', clock.now()))
        await this.#tell(peerEvents.offline, link.peer_id, this.#book.peers.get(link.peer_id)?.name ?? '', { why });
    } catch (error) {
      // The database of a server that stops is gone before its links are; the sweep of another one tells it.
      if (!this.#closing) this.#parts.onError(error, 'a peer that went could not be told of');
    }
  }

  async #tell(kind: string, id: string, name: string, more: Record<string, unknown> = {}): Promise<void> {
    const call = await this.#catalogue.systemCall();
    if (call !== null)
      await this.#parts.database.transaction(call, async (tx) => tx.emit({ kind, id, body: { name, ...more } }));
  }

  /** Peers whose process was killed. */
  async sweep(): Promise<void> {
    const { database, clock } = this.#parts;
    const since = new Date(clock.now().getTime() - 3 * seenMs);
    for (const { id, name } of await federationStore.silent(database.read, since))
      await this.#tell(peerEvents.offline, id, name, { why: 'nothing was heard of it' });
  }

  /* ---------- what is said over links ---------- */

  #of(peerId: string): PeerLink[] {
    return [...this.#links].filter((link) => link.open && link.peer_id === peerId);
  }

  #controls(): PeerLink[] {
    return [...this.#links].filter((link) => link.open && link.purpose === 'control');
  }

  async #share(link: PeerLink, full: boolean): Promise<void> {
    const entries = await this.#catalogue.entriesFor(link.peer_id);
    const mark = (entry: (typeof entries)[number]): string => JSON.stringify([entry.clock, entry.shown !== null]);
    const sent = full ? entries : entries.filter((entry) => link.told.get(entry.app) !== mark(entry));
    if (sent.length === 0 && !full) return;
    for (const entry of sent) link.told.set(entry.app, mark(entry));
    const { allow_remote_routes: remote_routes } = this.#parts.settings();
    link.send({ type: 'catalogue', full: full && entries.length === sent.length, entries: sent, remote_routes });
  }

  async #message(link: PeerLink, message: LinkMessage): Promise<void> {
    if (link.purpose !== 'control' && message.type !== 'bye')
      return this.#refused(new PeerBroke('not_here'), link.remote_address, 'linked', link.peer_id);
    switch (message.type) {
      case 'catalogue':
        try {
          await this.#catalogue.receive(link.peer_id, message);
        } catch (error) {
          if (!(error instanceof PeerBroke)) throw error;
          this.#refused(error, link.remote_address, 'linked', link.peer_id);
        }
        break;
      case 'digest':
        if ((await this.#catalogue.digestOf(link.peer_id)) !== message.digest)
          link.send({ type: 'pull', known: await this.#catalogue.known(link.peer_id) });
        break;
      case 'pull':
        await this.#catalogue.overtake(message.known);
        await this.#share(link, true);
        break;
      case 'pins':
        // A side that is called never said a certificate by the call.
        if (link.caller && message.pins.length > 0)
          await federationStore.setPins(this.#parts.database.read, link.peer_id, message.pins);
        break;
      case 'bye':
        break;
      default:
        message satisfies never;
    }
  }

  /** Something that peers see has changed. */
  push(): void {
    if (this.#controls().length === 0) return;
    if (this.#pushing !== null) {
      this.#pushAgain = true;
      return;
    }
    this.#pushing = this.#pushAll()
      .catch((error: unknown) => this.#parts.onError(error, 'peers could not be told'))
      .finally(() => {
        this.#pushing = null;
      });
  }

  async #pushAll(): Promise<void> {
    do {
      this.#pushAgain = false;
      await this.#catalogue.refresh();
      for (const link of this.#controls()) await this.#share(link, false);
    } while (this.#pushAgain);
  }

  /** Whole catalogues, both ways. */
  syncAll(): void {
    for (const link of this.#controls())
      Promise.all([this.#catalogue.known(link.peer_id), this.#share(link, true)]).then(
        ([known]) => link.send({ type: 'pull', known }),
        (error: unknown) => this.#parts.onError(error, 'a peer could not be synchronised'),
      );
  }

  /* ---------- time ---------- */

  #tick(): void {
    const { enabled, full_sync_ms, anti_entropy_ms, bootstrap_peers, cluster_secret } = this.#parts.settings();
    if (!enabled) {
      for (const link of this.#links) link.close('stopping');
      return;
    }
    const now = performance.now();
    if (now >= this.#next.seen) {
      this.#next.seen = now + seenMs;
      const ids = [...new Set(this.#controls().map(({ peer_id }) => peer_id))];
      if (ids.length > 0)
        federationStore
          .seen(this.#parts.database.read, ids, this.#parts.clock.now())
          .catch((error: unknown) => this.#parts.onError(error, 'peers that are there could not be noted'));
    }
    if (now >= this.#next.digest) {
      this.#next.digest = now + anti_entropy_ms;
      for (const link of this.#controls()) this.#compare(link);
    }
    if (now >= this.#next.full) {
      this.#next.full = now + full_sync_ms;
      this.syncAll();
    }
    for (const link of this.#links)
      if (link.purpose === 'data' && link.caller && link.streams === 0 && now - link.used_at > idleDataMs)
        link.close('stopping');
    if (!this.#dials || this.#closing) return;
    for (const peer of this.#book.peers.values())
      if (peer.dials && peer.api_address !== null && !this.#controls().some((link) => link.peer_id === peer.id))
        this.#try(peer.api_address, () => this.#open(this.#wishFor(peer, peer.api_address!)), peer.id);
    if (cluster_secret === null) return;
    const known = new Set([...this.#book.peers.values()].filter(({ dials }) => dials).map((peer) => peer.api_address));
    for (const url of bootstrap_peers) {
      if (known.has(url)) continue;
      const join = { kind: 'cluster', secret: cluster_secret } as const;
      const wish: Wish = { address: url, named: true, expected: null, pins: [], join, purpose: 'control' };
      this.#try(url, () => this.#open(wish, true), null);
    }
  }

  #compare(link: PeerLink): void {
    link.send({ type: 'pins', pins: [...this.own().pins] });
    this.#catalogue.digestFor(link.peer_id).then(
      (digest) => link.send({ type: 'digest', digest }),
      (error: unknown) => this.#parts.onError(error, 'a catalogue could not be compared'),
    );
  }

  /** With growing pauses between failures. */
  #try(address: string, open: () => Promise<unknown>, peerId: string | null): void {
    const pause = this.#pauses.get(address);
    if (pause !== undefined && pause.until > performance.now()) return;
    const [failures, before] = [pause?.failures ?? 0, pause?.why ?? ''];
    this.#pauses.set(address, { until: Number.POSITIVE_INFINITY, failures, why: before });
    open().then(
      () => this.#pauses.delete(address),
      async (error: unknown) => {
        const wait = Math.min(longestPauseMs, 1000 * 2 ** failures);
        const why = wordsOf(error);
        this.#pauses.set(address, { until: performance.now() + wait, failures: Math.min(failures + 1, 10), why });
        // Told once, not at each attempt.
        if (why !== before) this.#refused(error, address, 'called', peerId);
        if (peerId !== null)
          await federationStore
            .failed(this.#parts.database.read, peerId, why, null)
            .catch((problem: unknown) => this.#parts.onError(problem, 'a peer that failed could not be noted'));
      },
    );
  }

  /** Other settings, or another pin: try at once. */
  hurry(): void {
    this.#pauses.clear();
  }

  /** What was refused stands in the audit trail; what merely did not answer does not. */
  #refused(error: unknown, address: string, how: 'came' | 'called' | 'linked', peerId: string | null = null): void {
    if (!(error instanceof HandshakeRefused || error instanceof PeerBroke)) {
      if (how !== 'called') this.#parts.onError(error, 'a link with a peer failed');
      return;
    }
    // Who knocks too often must not fill the trail either.
    if (error.reason === 'too_many') return;
    const reason = error instanceof HandshakeRefused && error.told !== null ? `told: ${error.told}` : error.reason;
    const id = error instanceof HandshakeRefused ? (error.peer_id ?? peerId) : peerId;
    this.audit(reason, id, { address, how });
  }

  audit(reason: string, peerId: string | null, more: Record<string, unknown>): void {
    this.#parts.orgOf().then(
      (org) => {
        if (org === null) return;
        this.#parts.database.auditDenied(internalCall(systemCaller({ id: org }), newId()), {
          ...{ action: 'federation.refused', target_type: 'peer', target_id: peerId, details: { reason, ...more } },
        });
      },
      (error: unknown) => this.#parts.onError(error, 'a refused peer could not be told of'),
    );
  }
}
