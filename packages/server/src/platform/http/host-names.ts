import { isIP } from 'node:net';
import { hostname } from 'node:os';

const form =
  /^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*)\.?(?::\d{1,5})?$/i;

/** Spellings seen so far: requests that follow one another name the same few hosts. */
const seen = new Map<string, string | null>();
const addresses = new Map<string, boolean>();
const mostSeen = 1000;

/** The name in a Host header: lower case, without port and without a dot at the end. Null when it is no host. */
export const hostNameOf = (authority: string): string | null => {
  if (authority.length > 300) return null;
  const known = seen.get(authority);
  if (known !== undefined) return known;
  const name = form.exec(authority)?.[1]?.toLowerCase() ?? null;
  if (seen.size < mostSeen) seen.set(authority, name);
  return name;
};

const isAddress = (name: string): boolean => {
  const known = addresses.get(name);
  if (known !== undefined) return known;
  const is = isIP(name) !== 0 || name.startsWith('[');
  if (addresses.size < mostSeen) addresses.set(name, is);
  return is;
};

const machineNames = (): string[] => {
  const own = hostname().toLowerCase();
  if (own === '') return [];
  const bare = own.replace(/\.local$/, '');
  const short = own.split('.', 1)[0]!;
  return [...new Set([own, bare, `${bare}.local`, short, `${short}.local`])];
};

const publicName = (origin: string): string[] => (URL.canParse(origin) ? [new URL(origin).hostname] : []);

/** Every name of this server itself, for whoever must not take one of them. Addresses are its own as well. */
export const ownHostNames = (publicUrl: string, extra: readonly string[]): string[] => {
  const names = [...publicName(publicUrl), 'localhost', ...machineNames(), ...extra];
  return [...new Set(names.map((name) => hostNameOf(name) ?? '').filter((name) => name !== ''))];
};

/**
 * The names of this server itself. A name that is neither here nor a route's gets nothing, or a page elsewhere could
 * point a name of its own at this server and read it (DNS rebinding).
 */
export class OwnHosts {
  readonly #publicUrl: () => string;
  readonly #extra: () => readonly string[];
  readonly #machine = new Set(['localhost', ...machineNames()]);

  constructor(publicUrl: () => string, extra: () => readonly string[]) {
    this.#publicUrl = publicUrl;
    this.#extra = extra;
  }

  has(name: string): boolean {
    if (this.#machine.has(name) || isAddress(name)) return true;
    const publicUrl = this.#publicUrl();
    if (publicUrl !== '' && URL.canParse(publicUrl) && new URL(publicUrl).hostname === name) return true;
    return this.#extra().some((extra) => hostNameOf(extra) === name);
  }
}
