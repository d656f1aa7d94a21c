import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isRunning } from '../../../../test/support/running-process.ts';
import { until } from '../../../../test/support/until.ts';
import type { ServerRow, ServerSecrets } from '../tools-rows.ts';
import { StdioTransport } from './stdio-transport.ts';
import { UpstreamSession } from './upstream-session.ts';

const cwd = mkdtempSync(join(tmpdir(), 'stdio-'));
afterAll(() => rmSync(cwd, { recursive: true }));

/** Ends neither with its input nor when it is asked to. */
const stubborn = `trap '' TERM; while :; do sleep 1; done`;
const options = { command: 'sh', args: ['-c', stubborn], env: {}, cwd };

it('a program that ends with nothing ends with the server that was killed', async () => {
  const server = spawn(
    process.execPath,
    [
      ...['--input-type=module', '-e'],
      `import { StdioTransport } from ${JSON.stringify(new URL('./stdio-transport.ts', import.meta.url).href)};
      const transport = new StdioTransport(${JSON.stringify(options)});
      await transport.start();
      console.log(transport.pid);
      setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  const program = Number(String(line));
  try {
    expect(isRunning(program)).toBe(true);
    server.kill('SIGKILL');
    await until(() => !isRunning(program), 'the end of the program');
  } finally {
    if (isRunning(program)) process.kill(-program, 'SIGKILL');
  }
});

it('a program that ends by itself leaves nobody who waits for it', async () => {
  const transport = new StdioTransport({ ...options, args: ['-c', 'exit 3'] });
  const ended = new Promise<void>((done) => {
    transport.onclose = done;
  });
  await transport.start();
  const { pid } = transport;
  await ended;
  const watchers = () => spawnedFor(String(pid));
  await until(async () => (await watchers()).length === 0, 'the end of the watcher');
});

it('what a program says about its end is told, also when it took no input before', async () => {
  const opened = UpstreamSession.open({
    server: { transport: 'stdio', command: 'sh' } as ServerRow,
    secrets: { args: ['-c', 'exec <&-; sleep 0.3; echo no such module >&2; exit 1'], env: {} } as ServerSecrets,
    net: {} as never,
    ...{ provider: null, scratch: cwd, version: '1.0.0', onToolsChanged: () => {}, onClosed: () => {} },
  });
  await expect(opened).rejects.toMatchObject({ stderr: 'no such module\n' });
});

const spawnedFor = async (pid: string): Promise<string[]> => {
  const listing = spawn('ps', ['-eo', 'args'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  for await (const chunk of listing.stdout) text += String(chunk);
  return text.split('\n').filter((args) => args.includes('kill -TERM') && args.endsWith(` ${pid}`));
};
