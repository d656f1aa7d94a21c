import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { usageError } from './exit-codes.ts';
import type { Io } from './io.ts';

/** Asks on the terminal; `secret` shows nothing of what is typed. */
export const prompt = async (
  io: Io,
  question: string,
  options: { secret?: boolean; initial?: string } = {},
): Promise<string> => {
  if (io.stdin.isTTY !== true) throw usageError(`${question}: there is no terminal to ask on. Give it as an option.`);
  const hint = options.initial === undefined ? '' : ` [${options.initial}]`;
  io.stderr.write(`${question}${hint}: `);
  const shown = options.secret === true ? new Writable({ write: (_chunk, _encoding, done) => done() }) : io.stderr;
  const lines = createInterface({ input: io.stdin, output: shown, terminal: true, historySize: 0 });
  try {
    const typed = await new Promise<string>((done, fail) => {
      lines.once('SIGINT', () => fail(new DOMException('stopped', 'AbortError')));
      lines.once('close', () => fail(new DOMException('stopped', 'AbortError')));
      lines.question('').then(done, fail);
    });
    return typed === '' ? (options.initial ?? '') : typed;
  } finally {
    lines.close();
    if (options.secret === true) io.stderr.write('\n');
  }
};
