import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ReadLetter {
  to: string;
  from: string;
  subject: string;
  /** The letter as sent. */
  raw: string;
  text: string;
  html: string;
  /** The first address of this server in the text. */
  link: string | null;
}

const decoded = (part: string): string => {
  const [head = '', ...rest] = part.split(/\r?\n\r?\n/);
  const body = rest.join('\n\n');
  if (/content-transfer-encoding: base64/i.test(head)) return Buffer.from(body, 'base64').toString('utf8');
  if (!/content-transfer-encoding: quoted-printable/i.test(head)) return body;
  const bytes = body
    .replaceAll(/=\r?\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
};

const header = (head: string, name: string): string => {
  const unfolded = head.replaceAll(/\r?\n[ \t]+/g, ' ');
  const value = new RegExp(`^${name}: (.*)$`, 'im').exec(unfolded)?.[1] ?? '';
  return value
    .replaceAll(/=\?UTF-8\?Q\?(.*?)\?=/gi, (_all, text: string) =>
      decoded(`Content-Transfer-Encoding: quoted-printable\n\n${text.replaceAll('_', ' ')}`),
    )
    .replaceAll(/=\?UTF-8\?B\?(.*?)\?=/gi, (_all, text: string) => Buffer.from(text, 'base64').toString('utf8'));
};

/** A letter as a mail program would show it. */
export const readLetter = (raw: string): ReadLetter => {
  const [head = ''] = raw.split(/\r?\n\r?\n/, 1);
  const boundary = /boundary="?([^"\r\n;]+)/i.exec(head)?.[1] ?? 'none';
  const parts = raw
    .split(new RegExp(`\r?\n--${boundary.replaceAll(/[.*+?^$()|[\]\\{}]/g, '\\$&')}(?:--)?\r?\n?`))
    .slice(1);
  const of = (type: string): string =>
    decoded(parts.find((part) => part.toLowerCase().includes(`content-type: ${type}`)) ?? '');
  const text = of('text/plain');
  return {
    ...{ to: header(head, 'To'), from: header(head, 'From'), subject: header(head, 'Subject') },
    ...{ raw, text, html: of('text/html') },
    link: /https?:\/\/\S+\/(?:auth|reset-password|invite)\S*/.exec(text)?.[0] ?? null,
  };
};

/** Letters that a server without SMTP left in its data directory, oldest first. */
export const lettersIn = (directory: string): ReadLetter[] => {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.eml'))
      .sort()
      .map((name) => readLetter(readFileSync(join(directory, name), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

export const tokenOf = (link: string | null): string => {
  const token = /[?#&]token=([\w-]+)/.exec(link ?? '')?.[1];
  if (token === undefined) throw new Error(`no token in ${link}`);
  return token;
};
