import type { Duplex } from 'node:stream';

const otherSideMs = 1000;

/**
 * For a connection that has had its last answer and that no clock of the server sees to any more: who does not end its
 * own side soon is cut off.
 */
export const cutOffSoon = (socket: Duplex): void => {
  const late = setTimeout(() => socket.destroy(), otherSideMs).unref();
  socket.once('close', () => clearTimeout(late));
};
