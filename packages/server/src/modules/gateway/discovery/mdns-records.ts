import ipaddr from 'ipaddr.js';

/* What services of the local network say of themselves (RFC 6762, RFC 6763), for as long as they say it is true. */

/** A record as `dns-packet` reads it. */
export interface MdnsRecord {
  type: string;
  name: string;
  ttl?: number | undefined;
  flush?: boolean | undefined;
  data?: unknown;
}

export interface MdnsService {
  /** Full name of the instance: `My page._http._tcp.local`. */
  fqdn: string;
  /** `My page`. */
  instance: string;
  /** `_http._tcp`. */
  type: string;
  address: string;
  port: number;
  txt: Readonly<Record<string, string>>;
}

interface Kept {
  record: MdnsRecord;
  from: string;
  expires_at: number;
}

/** A network full of chatter, or somebody who means harm, must not fill the memory. */
const mostRecords = 5000;
const longestTtlS = 4500 * 4;

const same = (name: string): string => name.toLowerCase().replace(/\.$/, '');
const textOf = (data: unknown): string => (typeof data === 'string' ? data : '');

const srvOf = (data: unknown): { target: string; port: number } | null => {
  if (typeof data !== 'object' || data === null) return null;
  const { target, port } = data as { target?: unknown; port?: unknown };
  if (typeof target !== 'string' || typeof port !== 'number' || port < 1 || port > 65_535) return null;
  return { target, port };
};

/** `key=value` strings; the first of a key counts, keys know no case. */
const txtOf = (data: unknown): Record<string, string> => {
  const strings = Array.isArray(data) ? data : [data];
  const found: Record<string, string> = {};
  for (const one of strings) {
    if (!Buffer.isBuffer(one) && typeof one !== 'string') continue;
    const text = one.toString();
    const at = text.indexOf('=');
    const key = (at < 0 ? text : text.slice(0, at)).toLowerCase();
    if (key !== '' && !Object.hasOwn(found, key)) found[key] = at < 0 ? '' : text.slice(at + 1);
  }
  return found;
};

const isLoopback = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';

/** Anybody in the network can answer: an address counts when it is of that network, or where the answer came from. */
const mayBe = (address: string, from: string): boolean => {
  if (!ipaddr.isValid(address)) return false;
  const range = ipaddr.process(address).range();
  if (range === 'loopback') return isLoopback(from);
  if (range === 'private' || range === 'uniqueLocal') return true;
  return range === 'unicast' && address === from;
};

export class MdnsRecords {
  readonly #kept = new Map<string, Kept>();

  static #key({ type, name, data }: MdnsRecord): string {
    const value = Buffer.isBuffer(data) || Array.isArray(data) ? String(data) : JSON.stringify(data);
    // A service has one place and one set of facts; a name may have several addresses and instances.
    return type === 'SRV' || type === 'TXT' ? `${type} ${same(name)}` : `${type} ${same(name)} ${value}`;
  }

  take(records: readonly MdnsRecord[], from: string, now: number): void {
    for (const record of records) {
      if (!['PTR', 'SRV', 'TXT', 'A', 'AAAA'].includes(record.type)) continue;
      const key = MdnsRecords.#key(record);
      const ttl = Math.min(record.ttl ?? 0, longestTtlS);
      if (ttl === 0) {
        this.#kept.delete(key);
        continue;
      }
      if (record.flush === true && (record.type === 'A' || record.type === 'AAAA')) this.#flush(record, now);
      if (this.#kept.size >= mostRecords && !this.#kept.has(key)) continue;
      this.#kept.set(key, { record, from, expires_at: now + ttl * 1000 });
    }
  }

  /** Older addresses of the name are no longer true; those of the same packet are as new as this one. */
  #flush({ type, name }: MdnsRecord, now: number): void {
    for (const [key, kept] of this.#kept) {
      const { record } = kept;
      const older = kept.expires_at < now + Math.min(record.ttl ?? 0, longestTtlS) * 1000 - 1000;
      if (record.type === type && same(record.name) === same(name) && older) this.#kept.delete(key);
    }
  }

  #of(type: string, name: string): Kept[] {
    return [...this.#kept.values()].filter(({ record }) => record.type === type && same(record.name) === same(name));
  }

  /** What is still true. */
  expire(now: number): void {
    for (const [key, { expires_at }] of this.#kept) if (expires_at <= now) this.#kept.delete(key);
  }

  services(types: readonly string[]): MdnsService[] {
    return types.flatMap((type) =>
      this.#of('PTR', `${type}.local`).flatMap(({ record }) => {
        const service = this.#service(type, textOf(record.data));
        return service === null ? [] : [service];
      }),
    );
  }

  #service(type: string, fqdn: string): MdnsService | null {
    const suffix = `.${type}.local`;
    const place = this.#of('SRV', fqdn)[0];
    const srv = place === undefined ? null : srvOf(place.record.data);
    if (srv === null || !same(fqdn).endsWith(suffix)) return null;
    const addresses = [...this.#of('A', srv.target), ...this.#of('AAAA', srv.target)];
    const found = addresses.find(({ record, from }) => mayBe(textOf(record.data), from));
    if (found === undefined) return null;
    return {
      ...{ fqdn: fqdn.replace(/\.$/, ''), type, port: srv.port },
      instance: fqdn.replace(/\.$/, '').slice(0, -suffix.length),
      address: textOf(found.record.data),
      txt: txtOf(this.#of('TXT', fqdn)[0]?.record.data ?? []),
    };
  }

  /** What instances left out of their answers and has to be asked for. */
  missing(types: readonly string[]): { name: string; type: 'SRV' | 'TXT' | 'A' | 'AAAA' }[] {
    return types.flatMap((type) =>
      this.#of('PTR', `${type}.local`).flatMap(({ record }) => {
        const fqdn = textOf(record.data);
        const place = this.#of('SRV', fqdn)[0];
        const srv = place === undefined ? null : srvOf(place.record.data);
        const without = (kind: 'TXT' | 'A' | 'AAAA', name: string) =>
          this.#of(kind, name).length === 0 ? [{ name, type: kind }] : [];
        if (srv === null) return [{ name: fqdn, type: 'SRV' as const }, ...without('TXT', fqdn)];
        const reached = this.#of('AAAA', srv.target).length > 0 ? [] : without('A', srv.target);
        return [...without('TXT', fqdn), ...reached];
      }),
    );
  }
}
