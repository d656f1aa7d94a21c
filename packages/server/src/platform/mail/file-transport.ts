import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  const createComposer = async () => {
    const { createTransport } = await import('nodemailer');
    return createTransport({
      streamTransport: true,
      buffer: true,
      newline: 'unix',
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  };
  let composer: ReturnType<typeof createComposer> | null = null;
  return {
    kind: 'files',
    send: async ({ to, subject, text, html }) => {
      const letter = { from: from(), to: { name: '', address: to }, subject, text, html, date: clock.now() };
      composer ??= createComposer();
      const { message } = await (await composer).sendMail(letter);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = join(directory, `${clock.now().toISOString().replaceAll(/[:.]/g, '-')}-${newId()}.eml`);
      await writeFile(path, message as Buffer, { mode: 0o600, flag: 'wx' });
      told(path);
    },
    close: () => void composer?.then((made) => made.close()),
  };
};
