import { Transport } from '@atrium/sdk';
import type { Command } from 'commander';
import { type Connection, resolveConnection } from './credentials.ts';
import type { Io } from './io.ts';

/** What every command is given: the terminal, and the server that its options lead to. */
export interface Session {
  io: Io;
  /** Aborted by the first Ctrl-C. */
  signal: AbortSignal;
  connection: (command: Command) => Connection;
  transport: (command: Command) => Transport;
}

export const createSession = (io: Io, signal: AbortSignal): Session => {
  const connection = (command: Command): Connection =>
    resolveConnection(io, command.optsWithGlobals<{ profile?: string; url?: string }>());
  return {
    io,
    signal,
    connection,
    transport: (command) => {
      const { url, credential } = connection(command);
      return new Transport({ url, ...credential });
    },
  };
};
