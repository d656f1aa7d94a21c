import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Clock } from '../clock/clock.ts';
import { newId } from '../ids/ids.ts';
import type { MailTransport } from './mail.ts';

/**
 * Letters as .eml files in the data directory, readable by the server's user alone: links in them open accounts. `told`
 * hears where a letter lies, never what it says.
 */
export const createFileTransport = (options: {
  directory: string;
  from: () => string;
  clock: Clock;
  told: (path: string) => void;
}): MailTransport => {
  const { directory, from, clock, told } = options;
  const composer = createTransport({
    streamTransport: true,
    buffer: true,
    newline: 'unix',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    kind: 'files',
    send: async ({ to, subject, text, html }) => {
      const letter = { from: from(), to: { name: '', address: to }, subject, text, html, date: clock.now() };
      const { message } = await composer.sendMail(letter);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = join(directory, `${clock.now().toISOString().replaceAll(/[:.]/g, '-')}-${newId()}.eml`);
      await writeFile(path, message as Buffer, { mode: 0o600, flag: 'wx' });
      told(path);
    },
    close: () => composer.close(),
  };
};
