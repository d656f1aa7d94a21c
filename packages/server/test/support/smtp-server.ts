import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { type ReadLetter, readLetter } from './letters.ts';

export interface TestSmtpServer {
  port: number;
  letters: ReadLetter[];
  /** Refuses so many letters with a temporary failure before it takes the next one. */
  refuse(count: number): void;
  refused: () => number;
  close(): Promise<void>;
}

/** A mail server that asks for a name and password, and keeps what it is given. */
export const startSmtpServer = async (account: { user: string; password: string }): Promise<TestSmtpServer> => {
  const letters: ReadLetter[] = [];
  let toRefuse = 0;
  let refused = 0;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    onAuth: (auth, _session, callback) => {
      if (auth.username === account.user && auth.password === account.password) callback(null, { user: account.user });
      else callback(new Error('wrong name or password'));
    },
    onData: (stream, _session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (toRefuse > 0) {
          toRefuse -= 1;
          refused += 1;
          callback(Object.assign(new Error('try later'), { responseCode: 451 }));
          return;
        }
        letters.push(readLetter(Buffer.concat(chunks).toString('utf8')));
        callback();
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    letters,
    refuse: (count) => {
      toRefuse = count;
    },
    refused: () => refused,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
