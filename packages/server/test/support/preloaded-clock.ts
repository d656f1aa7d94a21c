/** Loaded into a started server before anything else: its clock is the one that a test moves, its names are the test's. */
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

interface Setting {
  offset_ms: number;
  /** Milliseconds at which time stands still; null while it goes on. */
  at: number | null;
  names: Record<string, string>;
}

const file = process.env['TEST_SURROUNDINGS']!;
const setting = (): Setting => JSON.parse(readFileSync(file, 'utf8')) as Setting;

const RealDate = Date;
const now = (): number => {
  const { offset_ms, at } = setting();
  return at ?? RealDate.now() + offset_ms;
};
const moved: DateConstructor = new Proxy(RealDate, {
  construct: (target, args: unknown[], maker) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, maker === moved ? target : maker),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
globalThis.Date = moved;

const lookup = dns.lookup;
const ownLookup = (host: string, options: object, done: (error: null, addresses: dns.LookupAddress[]) => void) => {
  const address = setting().names[host];
  if (address === undefined) return (lookup as (...args: unknown[]) => void)(host, options, done);
  return done(null, [{ address, family: address.includes(':') ? 6 : 4 }]);
};
dns.lookup = ownLookup as unknown as typeof dns.lookup;
syncBuiltinESMExports();
