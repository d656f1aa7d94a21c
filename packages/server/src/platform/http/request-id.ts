import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const form = /^[A-Za-z0-9][A-Za-z0-9._:-]{7,127}$/;

let stampedAt = 0;
let stamp = '';

/**
 * A UUIDv7 from Node's buffered random source. Every request makes one, and asking the system for randomness each time
 * costs more than all the rest of the host.
 */
export const newRequestId = (): string => {
  const now = Date.now();
  if (now !== stampedAt) {
    const hex = now.toString(16).padStart(12, '0');
    stampedAt = now;
    stamp = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
  }
  return stamp + randomUUID().slice(15);
};

/** The client's own X-Request-Id when it is sane, else a new one. */
export const requestIdOf = (request: { headers: IncomingHttpHeaders }): string => {
  const told = request.headers['x-request-id'];
  return typeof told === 'string' && form.test(told) ? told : newRequestId();
};
