import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../platform/clock/clock.ts';
import { MdnsRecords } from './mdns-records.ts';
import { mdnsSighting } from './mdns-services.ts';
import { localAddresses, openMdns } from './mdns-sockets.ts';
import { createProviderLoop, type OnScan, type OnState, type Provider, type Run } from './provider.ts';
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
  onScan?: OnScan | undefined;
}

/** After the first question, for answers that were lost. */
const askAgainMs = [1000, 3000];
const expireMs = 5000;
/** More than any home has; who announces more than that means harm. */
const mostServices = 500;

const listen = async (parts: MdnsProviderParts, run: Run, told: Map<string, Sighting>): Promise<void> => {
  const { settings, sink, clock } = parts;
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

  const sockets = await openMdns(settings.port, {
    heard: (answers, from) => {
      run.heard();
      records.take(answers, from, now());
      const missing = records.missing(settings.services).filter(({ name, type }) => !asked.has(`${type} ${name}`));
      for (const { name, type } of missing) asked.add(`${type} ${name}`);
      if (missing.length > 0) sockets.ask(missing);
      tell();
    },
  });

  const scan = (): void => {
    const began = performance.now();
    sockets.keepTo(settings.addresses ?? localAddresses());
    asked.clear();
    sockets.ask(settings.services.map((type) => ({ name: `${type}.local`, type: 'PTR' })));
    for (const sighting of told.values()) sink.sight(sighting);
    run.scanned(began);
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
    onScan: parts.onScan,
    attempt: (run) => listen(parts, run, told),
  });
};
