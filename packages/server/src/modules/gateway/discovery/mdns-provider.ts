import { networkInterfaces } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { MulticastDNS } from 'multicast-dns';
import type { Clock } from '../../../platform/clock/clock.ts';
import { type MdnsRecord, MdnsRecords } from './mdns-records.ts';
import { mdnsSighting } from './mdns-services.ts';
import { createProviderLoop, type OnState, type Provider, type Run } from './provider.ts';
import type { Sighting, SightingSink } from './sighting.ts';

export interface MdnsSettings {
  scan_ms: number;
  /** `_http._tcp`. */
  services: readonly string[];
  /** Other than the one of the standard, and only there, in tests. */
  port?: number;
  addresses?: readonly string[];
}

export interface MdnsProviderParts {
  settings: MdnsSettings;
  sink: SightingSink;
  clock: Clock;
  onState: OnState;
}

const standardPort = 5353;
/** After the first question, for answers that were lost. */
const askAgainMs = [1000, 3000];
const expireMs = 5000;
const questionsOfPacket = 20;
/** More than any home has; who announces more than that means harm. */
const mostServices = 500;

const localAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.find(({ family }) => family === 'IPv4')?.address ?? [],
  );

type Open = (options: object) => MulticastDNS;

/** One socket for each network of this machine: the question has to leave by each of them. */
class Sockets {
  readonly #open: Open;
  readonly #port: number;
  readonly #heard: (records: readonly MdnsRecord[], from: string) => void;
  readonly #sockets = new Map<string, MulticastDNS>();
  lastError: Error | null = null;

  constructor(open: Open, port: number, heard: (records: readonly MdnsRecord[], from: string) => void) {
    this.#open = open;
    this.#port = port;
    this.#heard = heard;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Networks come and go. */
  keepTo(addresses: readonly string[]): void {
    for (const [address, socket] of this.#sockets)
      if (!addresses.includes(address)) {
        this.#sockets.delete(address);
        socket.destroy();
      }
    for (const address of addresses) if (!this.#sockets.has(address)) this.#add(address);
  }

  #add(address: string): void {
    const socket = this.#open({ interface: address, bind: '0.0.0.0', port: this.#port, reuseAddr: true });
    this.#sockets.set(address, socket);
    socket.on('response', ({ answers, additionals }, { address: from }) =>
      this.#heard([...(answers ?? []), ...(additionals ?? [])] as MdnsRecord[], from),
    );
    const lost = (error: Error): void => {
      this.lastError = error;
      if (this.#sockets.delete(address)) socket.destroy();
    };
    socket.on('error', lost);
    // What somebody sent and nobody can read is no failure of ours; a network without multicast is one.
    socket.on('warning', (error: Error & { syscall?: string }) => {
      if (error.syscall !== undefined) this.lastError = error;
    });
  }

  ask(questions: readonly { name: string; type: string }[]): void {
    for (let at = 0; at < questions.length; at += questionsOfPacket) {
      const some = questions.slice(at, at + questionsOfPacket);
      for (const socket of this.#sockets.values()) socket.query({ questions: some } as never);
    }
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }
}

const listen = async (parts: MdnsProviderParts, run: Run, told: Map<string, Sighting>): Promise<void> => {
  const { settings, sink, clock } = parts;
  const { default: open } = (await import('multicast-dns')) as unknown as { default: Open };
  const records = new MdnsRecords();
  const now = (): number => clock.now().getTime();
  const asked = new Set<string>();

  const tell = (): void => {
    records.expire(now());
    const seen = new Map<string, Sighting>();
    for (const service of records.services(settings.services).slice(0, mostServices)) {
      const sighting = mdnsSighting(service);
      if (sighting !== null) seen.set(sighting.fingerprint, sighting);
    }
    for (const fingerprint of told.keys())
      if (!seen.has(fingerprint)) {
        told.delete(fingerprint);
        sink.gone('mdns', fingerprint);
      }
    for (const [fingerprint, sighting] of seen) {
      if (isDeepStrictEqual(told.get(fingerprint), sighting)) continue;
      told.set(fingerprint, sighting);
      sink.sight(sighting);
    }
  };

  const sockets = new Sockets(open, settings.port ?? standardPort, (answers, from) => {
    run.heard();
    records.take(answers, from, now());
    const missing = records.missing(settings.services).filter(({ name, type }) => !asked.has(`${type} ${name}`));
    for (const { name, type } of missing) asked.add(`${type} ${name}`);
    if (missing.length > 0) sockets.ask(missing);
    tell();
  });

  const scan = (): void => {
    sockets.keepTo(settings.addresses ?? localAddresses());
    asked.clear();
    sockets.ask(settings.services.map((type) => ({ name: `${type}.local`, type: 'PTR' })));
    for (const sighting of told.values()) sink.sight(sighting);
  };

  const timers: NodeJS.Timeout[] = [];
  const ended = Promise.withResolvers<void>();
  run.signal.addEventListener('abort', () => ended.resolve(), { once: true });
  try {
    scan();
    timers.push(setInterval(scan, settings.scan_ms), ...askAgainMs.map((ms) => setTimeout(scan, ms)));
    timers.push(
      setInterval(() => {
        tell();
        if (sockets.size === 0) ended.reject(sockets.lastError ?? new Error('no network takes part in multicast'));
      }, expireMs),
    );
    for (const timer of timers) timer.unref();
    run.onRescan(scan);
    run.up();
    await ended.promise;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    sockets.close();
  }
};

/** Services that announce themselves in the local network. */
export const createMdnsProvider = (parts: MdnsProviderParts): Provider => {
  const told = new Map<string, Sighting>();
  return createProviderLoop({
    ...{ name: 'mdns', kind: 'mdns', endpoint: parts.settings.services.join(', ') },
    hintOf: () => 'In a container mDNS needs the network of the machine: network_mode: host',
    clock: parts.clock,
    onState: parts.onState,
    attempt: (run) => listen(parts, run, told),
  });
};
