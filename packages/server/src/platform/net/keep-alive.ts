import type { Socket } from 'node:net';

const leastSilenceMs = 30_000;
const mostSilenceMs = 60_000;
const betweenProbesMs = 15_000;
const probes = 4;

/**
 * Has the system ask a connection that may be silent for hours whether its other end is still there; one that does not
 * answer for a minute is gone. Each begins after a time of its own: ten thousand that were opened together would ask at
 * the same moment, more than the queues of an interface hold, and with Node's own probes (ten, a second apart) those whose
 * questions are lost each time would be taken for dead.
 */
export const keepAlive = (socket: Pick<Socket, 'setKeepAlive'>): void => {
  const initialDelay = leastSilenceMs + Math.random() * (mostSilenceMs - leastSilenceMs);
  socket.setKeepAlive({ enable: true, initialDelay, interval: betweenProbesMs, count: probes });
};
