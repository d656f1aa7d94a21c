import { isIP } from 'node:net';
import { isUuid, newId } from '../../../platform/ids/ids.ts';
import { internalCall } from '../../../platform/operations/call.ts';
import { systemCaller } from '../../../platform/operations/caller.ts';
import { type MdnsRecord, MdnsRecords } from '../discovery/mdns-records.ts';
import {
  localAddresses,
  type MdnsAnswer,
  type MdnsQuestion,
  type MdnsSockets,
  openMdns,
} from '../discovery/mdns-sockets.ts';
import { type FederationParts, peerEvents } from './federation-parts.ts';
import type { NeighbourRow } from './federation-rows.ts';
import { federationStore } from './federation-store.ts';
import type { Introduction } from './handshake.ts';
import type { InstanceKey } from './instance-key.ts';

const type = '_atrium._tcp';
const typeName = `${type}.local`;
const listOfTypes = '_services._dns-sd._udp.local';
const ttlS = 120;
const scanMs = 30_000;
const expireMs = 5000;
/** After the first question, for answers that were lost. */
const askAgainMs = [1000, 3000];
/** Whoever announces more than that means harm. */
const mostNeighbours = 50;
/** Within an hour: who comes and goes all the time is not told of each time. */
const mostTold = 20;

/** What a server says of itself. Anybody in the network could say it: it is shown, and proven when the two pair. */
type Said = Pick<NeighbourRow, 'id' | 'name' | 'address' | 'public_key'>;

const same = (name: string): string => name.toLowerCase().replace(/\.$/, '');
const isLoopback = (host: string): boolean => /^(?:localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);

const saidIn = (instance: string, txt: Readonly<Record<string, string>>): Said | null => {
  const { v, id = '', key = '', url = '', name = '' } = txt;
  if (v !== '1' || !isUuid(id) || id !== instance || !/^[A-Za-z0-9_-]{43}$/.test(key)) return null;
  if (url.length > 200 || !/^https?:\/\/[^\s/?#@]+$/.test(url) || !URL.canParse(url)) return null;
  // What is shown to operators has no control characters and no end that is drawn elsewhere.
  const shown = name
    .replace(/[\p{C}]/gu, '')
    .trim()
    .slice(0, 100);
  return { id, name: shown === '' ? new URL(url).host : shown, address: url, public_key: key };
};

export interface NeighbourOptions {
  key: () => InstanceKey;
  own: () => Introduction;
  /** Other than those of the machine and of the standard, in tests. */
  mdns?: { port: number; addresses: readonly string[] };
}

/**
 * Announces this server in the local network (RFC 6763, `_atrium._tcp`) and writes down which others do. That is all:
 * nobody is joined by it. One process at a time does it, whose turn it is.
 */
export class Neighbours {
  readonly #parts: FederationParts;
  readonly #options: NeighbourOptions;
  readonly #records = new MdnsRecords();
  #turn = false;
  #sockets: MdnsSockets | null = null;
  #timers: NodeJS.Timeout[] = [];
  #written = new Map<string, Said>();
  /** Since the last scan: who leaves something out is asked for it once. */
  readonly #asked = new Set<string>();
  #following: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: FederationParts, options: NeighbourOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** It is this process's turn to announce and to listen, or no longer. */
  turn(turn: boolean): Promise<void> {
    this.#turn = turn;
    return this.follow();
  }

  /** Does what the settings say by now. */
  follow(): Promise<void> {
    this.#following = this.#following.then(() => this.#follow()).catch((error: unknown) => this.#failed(error));
    return this.#following;
  }

  async #follow(): Promise<void> {
    const { enabled, mdns } = this.#parts.settings();
    if (!(this.#turn && enabled && mdns)) return this.#close();
    if (this.#sockets === null) {
      this.#sockets = await openMdns(this.#options.mdns?.port, {
        heard: (records, from) => this.#heard(records, from),
        asked: (questions, address) => this.#answer(questions, address),
      });
      this.#timers = [
        setInterval(() => this.#scan(), scanMs),
        setInterval(() => this.#note(false), expireMs),
        ...askAgainMs.map((ms) => setTimeout(() => this.#scan(), ms)),
      ];
      for (const timer of this.#timers) timer.unref();
    }
    this.#scan();
    await this.#sockets.tell((address) => this.#announcement(address, ttlS));
  }

  async #close(): Promise<void> {
    const sockets = this.#sockets;
    if (sockets === null) return;
    this.#sockets = null;
    for (const timer of this.#timers) clearTimeout(timer);
    await sockets.tell((address) => this.#announcement(address, 0));
    sockets.close();
    await this.#writing;
  }

  #failed(error: unknown): void {
    this.#parts.onError(error, 'the servers of the local network could not be followed');
  }

  /* ---------- what this server says ---------- */

  /** For the network of this address of ours; null where the own address leads nobody to this server. */
  #announcement(address: string, ttl: number): MdnsAnswer | null {
    const { name, address: url } = this.#options.own();
    if (url === null) return null;
    const { hostname, port, protocol } = new URL(url);
    if (isLoopback(hostname) && !isLoopback(address)) return null;
    const { id, public_key } = this.#options.key();
    const [instance, host] = [`${id}.${typeName}`, `${id}.local`];
    const txt = ['v=1', `id=${id}`, `key=${public_key}`, `url=${url}`, `name=${name}`];
    const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
    return {
      answers: [{ type: 'PTR', name: typeName, ttl, data: instance }],
      additionals: [
        { type: 'SRV', name: instance, ttl, data: { target: host, port: number, priority: 0, weight: 0 } },
        { type: 'TXT', name: instance, ttl, data: txt },
        { type: 'A', name: host, ttl, data: isIP(hostname) === 4 ? hostname : address },
      ],
    };
  }

  #answer(questions: readonly MdnsQuestion[], address: string): MdnsAnswer | null {
    const own = this.#announcement(address, ttlS);
    if (own === null) return null;
    const all = [...own.answers, ...own.additionals];
    const types = { type: 'PTR', name: listOfTypes, ttl: ttlS, data: typeName };
    const answers = [...all, types].filter((record) =>
      questions.some(
        (question) =>
          same(question.name) === same(record.name) && (question.type === record.type || question.type === 'ANY'),
      ),
    );
    return answers.length === 0 ? null : { answers, additionals: all.filter((record) => !answers.includes(record)) };
  }

  /* ---------- what others say ---------- */

  #scan(): void {
    const sockets = this.#sockets;
    if (sockets === null) return;
    sockets.keepTo(this.#options.mdns?.addresses ?? localAddresses());
    this.#asked.clear();
    sockets.ask([{ name: typeName, type: 'PTR' }]);
    this.#note(true);
  }

  #heard(records: readonly MdnsRecord[], from: string): void {
    this.#records.take(records, from, this.#now());
    const missing = this.#records.missing([type]).filter((one) => !this.#asked.has(`${one.type} ${one.name}`));
    for (const one of missing) this.#asked.add(`${one.type} ${one.name}`);
    if (missing.length > 0) this.#sockets?.ask(missing);
    this.#note(false);
  }

  #now(): number {
    return this.#parts.clock.now().getTime();
  }

  #saidNow(): Map<string, Said> {
    this.#records.expire(this.#now());
    const said = new Map<string, Said>();
    for (const { instance, txt } of this.#records.services([type])) {
      const one = saidIn(instance, txt);
      if (one !== null && one.id !== this.#options.key().id && said.size < mostNeighbours) said.set(one.id, one);
    }
    return said;
  }

  /** `still`: also those that say what they said before, because they are there. */
  #note(still: boolean): void {
    const said = this.#saidNow();
    const seen = [...said.values()].filter((one) => still || !isSaid(this.#written.get(one.id), one));
    const gone = [...this.#written.keys()].filter((id) => !said.has(id));
    this.#written = said;
    if (seen.length + gone.length === 0) return;
    this.#writing = this.#writing.then(() => this.#write(seen, gone)).catch((error: unknown) => this.#failed(error));
  }

  async #write(seen: readonly Said[], gone: readonly string[]): Promise<void> {
    const { database, clock, limiter } = this.#parts;
    const org = await this.#parts.orgOf();
    // Before the server is set up nobody may hear of anything: tried again soon.
    if (org === null) return this.#written.clear();
    await database.transaction(internalCall(systemCaller({ id: org }), newId()), async (tx) => {
      await federationStore.forgetNeighbours(tx.db, gone);
      for (const { id, name } of await federationStore.noteNeighbours(tx.db, seen, clock.now())) {
        const hit = { bucket: 'federation-found', key: 'all', limit: mostTold, window_ms: 3_600_000 };
        if ((await limiter.hit(hit)).allowed) tx.emit({ kind: peerEvents.found, id, body: { name } });
      }
    });
  }
}

const isSaid = (before: Said | undefined, now: Said): boolean =>
  before !== undefined &&
  before.name === now.name &&
  before.address === now.address &&
  before.public_key === now.public_key;
