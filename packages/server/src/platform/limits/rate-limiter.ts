import ipaddr from 'ipaddr.js';

export interface RateHit {
  /** What is limited: `auth.login`. */
  bucket: string;
  /** Who is counted: an id, an address key, an e-mail address. */
  key: string;
  limit: number;
  window_ms: number;
  cost?: number;
}

export interface RateAnswer {
  allowed: boolean;
  remaining: number;
  /** 0 when allowed; otherwise how long until the same hit would pass, if nothing else happens. */
  retry_after_ms: number;
}

/** A sliding window over two counters: the previous window counts by the share that the sliding one still covers. */
export interface RateWindow {
  window_start: number;
  current: number;
  previous: number;
}

/** What a process counted by itself, to be added to the sums of all. */
export interface RateDelta {
  bucket: string;
  key: string;
  window_ms: number;
  cost: number;
}

/** Counters shared by all processes. A refused hit is not counted, so waiting as told always helps. */
export interface RateLimiter {
  hit(hit: RateHit): Promise<RateAnswer>;
  /** Adds without asking and returns the sums, in the same order. */
  add(deltas: readonly RateDelta[]): Promise<RateWindow[]>;
}

/** How full the sliding window is at `now`. */
export const usage = (window: RateWindow, windowMs: number, now: number): number =>
  window.previous * (1 - Math.max(now - window.window_start, 0) / windowMs) + window.current;

/** The window rolled forward to the one that contains `now`. */
export const roll = (window: RateWindow, windowMs: number, now: number): RateWindow => {
  const start = now - (now % windowMs);
  if (window.window_start >= start) return window;
  return { window_start: start, current: 0, previous: window.window_start === start - windowMs ? window.current : 0 };
};

/** The answer to a hit, given the counters after it was counted or refused. */
export const answerOf = (window: RateWindow, hit: RateHit, now: number, allowed: boolean): RateAnswer => {
  const remaining = Math.max(0, Math.floor(hit.limit - usage(window, hit.window_ms, now)));
  return { allowed, remaining, retry_after_ms: allowed ? 0 : retryAfter(window, hit, now) };
};

const retryAfter = (window: RateWindow, hit: RateHit, now: number): number => {
  const cost = hit.cost ?? 1;
  const elapsed = Math.max(now - window.window_start, 0);
  const room = hit.limit - cost;
  if (room < 0) return hit.window_ms;
  // Share of a counter that must have slid out before the rest fits.
  const wait = (counter: number, allowedRest: number): number =>
    hit.window_ms * (1 - Math.max(allowedRest, 0) / counter);
  const ms =
    window.current > room
      ? hit.window_ms - elapsed + wait(window.current, room)
      : wait(window.previous, room - window.current) - elapsed;
  return Math.max(1, Math.ceil(ms));
};

/**
 * The key under which an address is counted: an IPv4 address, or the /64 of an IPv6 one, since a single host has a
 * whole /64 to choose from.
 */
export const addressKey = (ip: string | null): string => {
  if (ip === null || !ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4') return address.toString();
  const parts = (address as ipaddr.IPv6).parts.slice(0, 4).map((part) => part.toString(16));
  return `${parts.join(':')}::/64`;
};
