import { expect, it } from 'vitest';
import { InFlight } from './in-flight.ts';

const make = (limits: Partial<InFlight['limits']> = {}) => new InFlight({ all: 10, each: 10, waiting: 10, ...limits });

const nameOf = (url: string): string => {
  const inFlight = make();
  inFlight.enter(url);
  return inFlight.bulkheads().find(({ now }) => now === 1)!.name;
};

it.each([
  ['/oauth/token', 'oauth'],
  ['/.well-known/openid-configuration', 'oauth'],
  ['/device?user_code=x', 'oauth'],
  ['/api/v1/me?x=1', 'api'],
  ['/auth/login', 'auth'],
  ['/login', 'auth'],
  ['/mcp', 'mcp'],
  ['/mcp?x', 'mcp'],
  ['/v1/models', 'v1'],
  ['/apps/shop/', 'apps'],
  ['/', 'web'],
  ['/inbox', 'web'],
  // A name that only begins alike is not that part.
  ['/apiary', 'web'],
  ['/oauthentic', 'web'],
  ['', 'web'],
])('%s belongs to %s', (url, name) => {
  expect(nameOf(url)).toBe(name);
});

it('a full part refuses, the others go on, and each refusal is counted where it fell', () => {
  const inFlight = make({ each: 2, all: 4 });
  const [first] = [inFlight.enter('/mcp')!, inFlight.enter('/mcp')];
  expect(inFlight.enter('/mcp')).toBeNull();
  expect(inFlight.enter('/api/v1/me')).not.toBeNull();
  expect(inFlight.enter('/oauth/token')).not.toBeNull();
  expect(inFlight.enter('/')).toBeNull();
  expect(inFlight.turnedAway).toBe(1);
  expect(inFlight.bulkheads().find(({ name }) => name === 'mcp')).toEqual({ name: 'mcp', now: 2, rejected: 1 });
  inFlight.leave(first, true);
  expect(inFlight.enter('/mcp')).not.toBeNull();
});

it('a wait makes room, and takes its place again when it ends, also when that is one too many', () => {
  const inFlight = make({ each: 1 });
  const waiting = inFlight.enter('/mcp')!;
  waiting.begin();
  waiting.begin();
  expect([inFlight.size, inFlight.load, inFlight.waiting]).toEqual([1, 0, 1]);
  expect(inFlight.enter('/mcp')).not.toBeNull();
  waiting.end();
  expect(inFlight.waiting).toBe(1);
  waiting.end();
  expect([inFlight.load, inFlight.waiting]).toEqual([2, 0]);
  expect(inFlight.enter('/mcp')).toBeNull();
  inFlight.leave(waiting, true);
  // Its end after the answer changes nothing any more.
  waiting.begin();
  waiting.end();
  expect([inFlight.size, inFlight.load, inFlight.waiting]).toEqual([1, 1, 0]);
});

it('waits have a limit of their own', () => {
  const inFlight = make({ waiting: 1 });
  inFlight.enter('/mcp')!.begin();
  const second = inFlight.enter('/mcp')!;
  expect(() => second.begin()).toThrow(expect.objectContaining({ code: 'not_ready' }));
  expect([inFlight.load, inFlight.waiting]).toEqual([1, 1]);
});

it('one that leaves while it waits leaves nothing behind', () => {
  const inFlight = make();
  const flight = inFlight.enter('/api/v1/events')!;
  flight.begin();
  inFlight.leave(flight, false);
  expect(flight.controller.signal.aborted).toBe(true);
  expect([inFlight.size, inFlight.load, inFlight.waiting]).toEqual([0, 0, 0]);
  expect(inFlight.bulkheads().every(({ now }) => now === 0)).toBe(true);
});
