/**
 * `node bench/gateway-load.ts`: a started server with a route, under what only shows with many connections or long ones:
 * idle tunnels and event streams for minutes, bodies of gigabytes, clients that never finish a head, and new settings
 * with a thousand routes. The server is alone on core 0. `--write` puts the figures into docs/performance.md.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { get, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import { childrenOf, residentMegabytes } from '../packages/server/test/support/running-process.ts';
import { until } from '../packages/server/test/support/until.ts';
import { type BenchServer, startBenchServer } from './bench-server.ts';
import { pinBesideServers, pinServer } from './cores.ts';
import { missingTools, runWrk } from './gateway-parts.ts';
import { startPeer } from './peer.ts';
import { writeGatewayLoadSection } from './performance-file.ts';

const missing = missingTools();
if (missing.length > 0) {
  console.error(`This bench needs ${missing.join(' and ')}: apt install nginx-light wrk util-linux`);
  process.exit(1);
}

const minutes = Number(process.env['BENCH_MINUTES'] ?? 5);
const [tunnels, streams, slow, routes, gigabytes] = [10_000, 1000, 1000, 1000, 2];
const bodyBytes = gigabytes * 1024 ** 3;

/** A tunnel takes two descriptors of the server. Where a process may not have that many, several share them, unevenly. */
const descriptors = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }));
const needed = 2 * (tunnels + streams) + 1000;
const processes = descriptors < needed ? Math.ceil(needed / descriptors) + 1 : 1;

const folder = mkdtempSync(join(tmpdir(), 'atrium-load-'));
const settingsFile = join(folder, 'atrium.yaml');
const app = await startPeer('gateway-app.ts');
pinBesideServers(app.pid);
pinBesideServers(process.pid);

/** The route under load stays; the others change their target with each version. */
const writeSettings = (version: number): void => {
  const of = (slug: string, url: string): string =>
    `  - { slug: ${slug}, targets: [{ url: "${url}" }], health: { skip: true } }`;
  const slugs = version === 0 ? [] : Array.from({ length: routes }, (_, n) => `other-${n}`);
  const text = [
    'apps:',
    ...['load', ...slugs].map((slug) => `  - { slug: ${slug}, name: ${slug} }`),
    'routes:',
    of('load', app.url),
    ...slugs.map((slug, n) => of(slug, `http://192.168.${version}.${(n % 250) + 1}`)),
  ].join('\n');
  writeFileSync(`${settingsFile}.new`, `${text}\n`);
  renameSync(`${settingsFile}.new`, settingsFile);
};

writeSettings(0);
const stopApp = (): void => app.stop();
process.once('exit', stopApp);
const server: BenchServer = await startBenchServer({
  ATRIUM_CONFIG: settingsFile,
  ATRIUM_TRUSTED_PROXIES: '',
  ATRIUM_PROCESSES: String(processes),
});
const isFurther = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('process-main');
const serving = [server.pid, ...childrenOf(server.pid).filter(isFurther)];
for (const pid of serving) pinServer(pid);
/** Of the server's processes without its database, in MB. */
const resident = (): number => serving.reduce((sum, pid) => sum + residentMegabytes(pid), 0);
const { port } = new URL(server.url);
const bearer = `Bearer ${server.token}`;
const base = `${server.url}/apps/load`;
const say = (line: string): void => console.log(line);

const p99 = async (): Promise<number> => (await runWrk(`${base}/small`, server.token, 16, 8)).p99;

/** A tunnel as a bare socket: ten thousand clients of a library would need more than the machine has. */
const openTunnel = async (): Promise<Socket> => {
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    [
      ...['GET /apps/load/socket HTTP/1.1', `Host: localhost:${port}`, `Authorization: ${bearer}`],
      ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
      ...['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '', ''],
    ].join('\r\n'),
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  // One that is cut off later is counted as not alive.
  socket.on('error', () => {});
  if (!head.toString().startsWith('HTTP/1.1 101')) throw new Error(head.toString());
  return socket;
};

const frame = Buffer.from([0x81, 0x84, 0, 0, 0, 0, 0x70, 0x69, 0x6e, 0x67]);
const isAlive = async (socket: Socket): Promise<boolean> => {
  if (socket.destroyed) return false;
  const heard = once(socket, 'data', { signal: AbortSignal.timeout(10_000) }).catch(() => null);
  socket.write(frame);
  return (await heard) !== null;
};

interface Stream {
  response: IncomingMessage;
  events: number;
}

const openStream = (): Promise<Stream> =>
  new Promise((opened, failed) => {
    const asking = get(`${base}/events`, { headers: { authorization: bearer }, agent: false }, (response) => {
      const stream = { response, events: 0 };
      response.on('data', (chunk: Buffer) => {
        stream.events += chunk.toString().split('data: ').length - 1;
      });
      response.on('error', () => {});
      opened(stream);
    });
    asking.on('error', failed);
  });

const inTurns = async <T>(count: number, at_once: number, make: () => Promise<T>): Promise<T[]> => {
  const made: T[] = [];
  while (made.length < count)
    made.push(...(await Promise.all(Array.from({ length: Math.min(at_once, count - made.length) }, make))));
  return made;
};

const holdMany = async (calm: number): Promise<string[]> => {
  const before = resident();
  const sockets = await inTurns(tunnels, 100, openTunnel);
  const listening = await inTurns(streams, 50, openStream);
  await delay(3000);
  const held = resident();
  const from = listening.map(({ events }) => events);
  const began = performance.now();
  const beside = await p99();
  await delay(Math.max(0, minutes * 60_000 - (performance.now() - began)));
  const seconds = (performance.now() - began) / 1000;
  let alive = 0;
  for (let at = 0; at < sockets.length; at += 500)
    alive += (await Promise.all(sockets.slice(at, at + 500).map(isAlive))).filter(Boolean).length;
  if (alive < tunnels) process.exitCode = 1;
  const least = Math.min(...listening.map(({ events }, n) => events - from[n]!));
  for (const socket of sockets) socket.destroy();
  for (const { response } of listening) response.destroy();
  await delay(2000);
  return [
    `${tunnels} idle tunnels${processes > 1 ? ` in ${processes} processes (one may have ${descriptors} descriptors here)` : ''} and ${streams} event streams for ${(seconds / 60).toFixed(1)} minutes: ${alive} tunnels answered at the end; the stream that got least had ${least} of about ${Math.round(seconds)} events; ${(held - before).toFixed(0)} MB more than before (${(((held - before) * 1024) / (tunnels + streams)).toFixed(1)} KiB each); p99 of other requests ${beside.toFixed(2)} ms beside them, ${calm.toFixed(2)} ms without.`,
  ];
};

/** The most that the server takes while `work` runs, in MB. */
const peakWhile = async <T>(work: () => Promise<T>): Promise<{ value: T; peak: number }> => {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, resident());
  }, 100);
  try {
    return { value: await work(), peak };
  } finally {
    clearInterval(timer);
  }
};

const download = async (): Promise<string> => {
  const digest = createHash('sha256');
  const answer = await fetch(`${base}/download?bytes=${bodyBytes}`, { headers: { authorization: bearer } });
  for await (const chunk of answer.body!) digest.update(chunk);
  return digest.digest('hex');
};

const block = Buffer.alloc(64 * 1024, 'atrium ');
const upload = async (): Promise<string> => {
  const asking = httpRequest(`${base}/upload`, {
    method: 'POST',
    headers: { authorization: bearer, 'content-length': bodyBytes },
  });
  const answered = once(asking, 'response') as Promise<[IncomingMessage]>;
  for (let left = bodyBytes; left > 0; left -= block.length) if (!asking.write(block)) await once(asking, 'drain');
  asking.end();
  const [response] = await answered;
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
};

const moveBodies = async (): Promise<string[]> => {
  const digest = createHash('sha256');
  for (let left = bodyBytes; left > 0; left -= block.length) digest.update(block);
  const expected = digest.digest('hex');
  const before = resident();
  const lines: string[] = [];
  for (const [what, move] of [
    ['download', download],
    ['upload', upload],
  ] as const) {
    const began = performance.now();
    const { value, peak } = await peakWhile(move);
    const seconds = (performance.now() - began) / 1000;
    lines.push(
      `${gigabytes} GiB ${what}: ${((gigabytes * 1024) / seconds).toFixed(0)} MiB/s with the digest made on the other core, bytes ${value === expected ? 'equal' : 'DIFFERENT'}, at most ${Math.max(0, peak - before).toFixed(0)} MB more memory.`,
    );
    if (value !== expected) process.exitCode = 1;
  }
  return lines;
};

/** Each sends one byte of a header every five seconds, for ever. */
const withSlowClients = async (calm: number): Promise<string[]> => {
  let closed = 0;
  const begin = (): Socket => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.on('close', () => {
      closed += 1;
    });
    socket.write('GET /apps/load/ HTTP/1.1\r\nHost: localhost\r\nX: ');
    return socket;
  };
  let running = true;
  const sockets = Array.from({ length: slow }, begin);
  const timer = setInterval(() => {
    for (const [at, socket] of sockets.entries()) {
      if (socket.destroyed && running) sockets[at] = begin();
      else socket.write('a');
    }
  }, 5000);
  await delay(1000);
  const beside = await p99();
  await delay(6000);
  running = false;
  clearInterval(timer);
  const line = `Slowloris: p99 of other requests ${beside.toFixed(2)} ms beside ${slow} clients that send a byte of a head every 5 s, ${calm.toFixed(2)} ms without (${(beside / calm).toFixed(2)} times, at most 2); ${closed} of them were closed in 15 s.`;
  for (const socket of sockets) socket.destroy();
  return [line];
};

const reloads = Number(process.env['BENCH_RELOADS'] ?? 10);
const reloadUnderLoad = async (): Promise<string[]> => {
  const load = autocannon(
    { url: `${base}/small`, connections: 32, duration: 600, headers: { authorization: bearer } },
    () => {},
  );
  const ended = once(load, 'done') as Promise<[autocannon.Result]>;
  const times: number[] = [];
  for (let version = 1; version <= reloads; version++) {
    const began = performance.now();
    writeSettings(version);
    // The last route of the file leads elsewhere once the whole of it is in force.
    await until(
      async () => {
        const tested = await fetch(`${server.url}/api/v1/routes/test`, {
          method: 'POST',
          headers: { authorization: bearer, 'content-type': 'application/json' },
          body: JSON.stringify({ method: 'GET', url: `${server.url}/apps/other-${routes - 1}/` }),
        });
        return (await tested.text()).includes(`192.168.${version}.`);
      },
      `version ${version}`,
      60_000,
    );
    times.push(performance.now() - began);
    say(`version ${version} in force after ${times.at(-1)!.toFixed(0)} ms`);
    if (version < reloads) await delay(500);
  }
  load.stop();
  const [result] = await ended;
  const failed = result.non2xx + result.errors;
  if (failed > 0) {
    process.exitCode = 1;
    say(`by status ${JSON.stringify(result.statusCodeStats)}, ${result.errors} errors, ${result.timeouts} timeouts`);
  }
  return [
    `${reloads} reloads of ${routes} routes under ${result.requests.average.toFixed(0)} requests a second: ${failed} of ${result.requests.total} failed; in force ${(Math.max(...times) / 1000).toFixed(1)} s after the file was written at most (a debounce of 0.5 s included), ${(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]! / 1000).toFixed(1)} s as a rule.`,
  ];
};

const parts = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1]!.split(',') : null;
const wanted = (part: string): boolean => parts === null || parts.includes(part);

try {
  await until(async () => (await fetch(`${base}/small`, { headers: { authorization: bearer } })).ok, 'the route');
  const compares = wanted('slow') || wanted('many');
  if (compares) await p99();
  const calm = compares ? await p99() : 0;
  const lines: string[] = [];
  const add = (more: readonly string[]): void => {
    for (const line of more) say(line);
    lines.push(...more);
  };
  if (wanted('bodies')) add(await moveBodies());
  if (wanted('slow')) add(await withSlowClients(calm));
  if (wanted('many')) add(await holdMany(calm));
  if (wanted('reload')) add(await reloadUnderLoad());
  if (process.argv.includes('--write'))
    writeGatewayLoadSection(`## Gateway under load

Made by \`node bench/gateway-load.ts --write\`: a whole server with its database, alone on core 0 (${processes === 1 ? 'one process' : `${processes} processes`}); the app, the clients and this process share the other core. HTTP/1.1 over loopback.
Machine of this run: ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}.

${lines.map((line) => `- ${line}`).join('\n')}`);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
