/**
 * `npm run bench:gateway`: the data plane beside nginx and the proxies of Node, each alone on core 0; the app (nginx),
 * the load (wrk) and this process share core 1. All get the same requests in turns, so that whatever else the machine
 * does meets all of them. `--write` puts the figures into docs/performance.md.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { nodeFlags } from '../packages/server/test/support/start-server.ts';
import { pinBesideServers } from './cores.ts';
import { missingTools, runWrk, startProxyNginx, startUpstreamNginx, type Window } from './gateway-parts.ts';
import { type EchoFigures, idleSocketCost, runEcho } from './gateway-sockets.ts';
import { median } from './measure.ts';
import { startPeer } from './peer.ts';
import { writeGatewaySection } from './performance-file.ts';
import { processorMs } from './processor-time.ts';

const missing = missingTools();
if (missing.length > 0) {
  console.error(`This bench needs ${missing.join(' and ')}: apt install nginx-light wrk util-linux`);
  process.exit(1);
}

const windows = 5;
const warmUp = 4;
const leadIn = 1;
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2);
const token = 'bench-token-of-forty-three-characters-abcde';

interface Row {
  name: string;
  pid: number;
  /** Base of HTTP requests, and of the echo; null where it has none. */
  http: string;
  echo: string | null;
}

interface Figures extends Window {
  name: string;
  micros: number;
  /** Rate of the first row over this one's, window by window. */
  ratio: number;
}

pinBesideServers(process.pid);
const upstream = await startUpstreamNginx();
const echo = await startPeer('gateway-echo.ts');
pinBesideServers(echo.pid);
const nginx = await startProxyNginx(upstream.url, echo.url);
const kinds = ['atrium', 'atrium-slow', 'bare', 'http-proxy', '@fastify/http-proxy'] as const;
const startProxies = () =>
  Promise.all(
    kinds.map((kind) =>
      startPeer('gateway-proxy.ts', [kind, upstream.url, echo.url, token], kind.startsWith('atrium') ? nodeFlags : []),
    ),
  );
// What is measured is a start after the first one, which compiles.
for (const first of await startProxies()) first.stop();
const peers = await startProxies();
const socketUrl = (url: string): string => url.replace('http', 'ws');
const [atrium, slow, bare, httpProxy, fastifyProxy] = peers;
const rows: Row[] = [
  { name: 'nginx', pid: nginx.pid, http: nginx.url, echo: `${socketUrl(nginx.url)}/echo` },
  { name: 'Atrium', pid: atrium!.pid, http: `${atrium!.url}/apps/app`, echo: `${socketUrl(atrium!.url)}/apps/echo/` },
  { name: 'Atrium, slow lane', pid: slow!.pid, http: `${slow!.url}/apps/app`, echo: null },
  { name: 'bare node:http', pid: bare!.pid, http: bare!.url, echo: null },
  {
    name: '@fastify/http-proxy',
    pid: fastifyProxy!.pid,
    http: fastifyProxy!.url,
    echo: `${socketUrl(fastifyProxy!.url)}/echo`,
  },
  { name: 'http-proxy', pid: httpProxy!.pid, http: httpProxy!.url, echo: socketUrl(httpProxy!.url) },
];

/**
 * Processes share the core of the servers: one that lies idle collects garbage a while after its turn, and the next row
 * would wait for it. So only the one whose turn it is may run.
 */
const turnOf = (row: Row): void => {
  for (const { pid } of peers) process.kill(pid, row.pid === pid ? 'SIGCONT' : 'SIGSTOP');
};

const compareAnswers = async (): Promise<void> => {
  const read = async (url: string): Promise<string> => {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`);
    return await answer.text();
  };
  for (const file of ['small', 'large']) {
    const expected = await read(`${upstream.url}/${file}`);
    for (const row of rows)
      if ((await read(`${row.http}/${file}`)) !== expected) throw new Error(`${row.name} answers ${file} otherwise`);
  }
};

const measure = async (file: string, connections: number): Promise<Figures[]> => {
  const taken: (Window & { micros: number })[][] = rows.map(() => []);
  for (const row of rows) {
    turnOf(row);
    // Until then V8 compiles on the same core, and p99 is of that.
    await runWrk(`${row.http}/${file}`, token, connections, warmUp);
  }
  for (let window = 0; window < windows; window++) {
    for (const [index, row] of rows.entries()) {
      turnOf(row);
      // Whoever was stopped for a while first collects and compiles what it had put off.
      await runWrk(`${row.http}/${file}`, token, connections, leadIn);
      const before = processorMs(row.pid);
      const got = await runWrk(`${row.http}/${file}`, token, connections, seconds);
      taken[index]!.push({ ...got, micros: ((processorMs(row.pid) - before) * 1000) / got.count });
    }
  }
  return rows.map(({ name }, index) => {
    const of = (member: keyof Window | 'micros') => median(taken[index]!.map((one) => one[member]));
    return {
      ...{ name, rate: of('rate'), count: of('count'), p50: of('p50'), p99: of('p99'), micros: of('micros') },
      ratio: median(taken[index]!.map(({ rate }, window) => taken[0]![window]!.rate / rate)),
    };
  });
};

const measureEcho = async (bytes: number): Promise<(EchoFigures & { name: string })[]> => {
  const those = rows.filter(({ echo: url }) => url !== null);
  const taken: EchoFigures[][] = those.map(() => []);
  for (let window = 0; window < windows; window++)
    for (const [index, row] of those.entries()) {
      turnOf(row);
      taken[index]!.push(await runEcho(row.echo!, new URL(row.http).origin, token, row.pid, bytes, seconds));
    }
  return those.map(({ name }, index) => ({
    name,
    rate: median(taken[index]!.map(({ rate }) => rate)),
    micros: median(taken[index]!.map(({ micros }) => micros)),
  }));
};

const table = (title: string, figures: readonly Figures[]): string =>
  [
    `| ${title} | req/s | p50 ms | p99 ms | CPU µs | nginx ÷ row |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...figures.map(
      ({ name, rate, p50, p99, micros, ratio }) =>
        `| ${name} | ${Math.round(rate)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${micros.toFixed(1)} | ${ratio.toFixed(2)} |`,
    ),
  ].join('\n');

/** Middle of what a client with one connection waits for, without any proxy. */
const directWait = async (): Promise<number> => {
  const found: number[] = [];
  for (let window = 0; window < windows; window++)
    found.push((await runWrk(`${upstream.url}/small`, token, 1, seconds)).p50);
  return median(found);
};

const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

const bestOf = (figures: readonly Figures[], lane = 'Atrium'): number => {
  const ours = figures.find(({ name }) => name === lane)!;
  const libraries = figures.filter(({ name }) => name === 'http-proxy' || name === '@fastify/http-proxy');
  return ours.rate / Math.max(...libraries.map(({ rate }) => rate));
};

try {
  await compareAnswers();
  const small = await measure('small', 32);
  console.log(table('100 B, 32 connections', small));
  const large = await measure('large', 32);
  console.log(table('64 KiB, 32 connections', large));
  const single = await measure('small', 1);
  console.log(table('100 B, 1 connection', single));
  const direct = await directWait();
  const memory = memoryOf(atrium!.pid);
  const echoes = { short: await measureEcho(100), long: await measureEcho(4096) };
  const sockets = [
    '| WebSocket echo, 32 sockets | 100 B msg/s | CPU µs | 4 KiB msg/s | CPU µs |',
    '| --- | --- | --- | --- | --- |',
    ...echoes.short.map(({ name, rate, micros }, index) => {
      const long = echoes.long[index]!;
      return `| ${name} | ${Math.round(rate)} | ${micros.toFixed(1)} | ${Math.round(long.rate)} | ${long.micros.toFixed(1)} |`;
    }),
  ].join('\n');
  console.log(sockets);
  turnOf(rows[1]!);
  const idle = await idleSocketCost(rows[1]!.echo!, new URL(rows[1]!.http).origin, token, rows[1]!.pid);
  const idleLine = `1,000 idle WebSockets cost Atrium ${((idle * 1000) / 1024).toFixed(1)} MiB (budget: under 40).`;
  console.log(idleLine);
  const [ratioSmall, ratioLarge] = [bestOf(small), bestOf(large)];
  const ours = (figures: readonly Figures[]): Figures => figures.find(({ name }) => name === 'Atrium')!;
  const [ofNginxSmall, ofNginxLarge] = [1 / ours(small).ratio, 1 / ours(large).ratio];
  const added = ours(single).p50 - direct;
  const beside = [
    `${ofNginxSmall.toFixed(2)} of nginx at 100 B (budget 0.45)`,
    `${ofNginxLarge.toFixed(2)} of nginx at 64 KiB (0.80)`,
    `p99 ${ours(small).p99.toFixed(2)} ms at 32 connections (under 5)`,
    `${added.toFixed(3)} ms more than without a proxy at one connection (under 0.2)`,
    `${memory.toFixed(0)} MiB of memory (under 150)`,
  ].join(', ');
  const fastMet = ofNginxSmall >= 0.45 && ofNginxLarge >= 0.8 && ours(small).p99 < 5 && added < 0.2 && memory < 150;
  const fastLine = `Fast lane: ${beside}: ${fastMet ? 'met' : 'not met'}.`;
  console.log(fastLine);
  const met = ratioSmall >= 1 && ratioLarge >= 1 && idle < 40 && fastMet;
  const step = small.some(({ p99 }) => p99 > 36 && p99 < 46);
  const verdict = `Budget: at least 1.00 of the best proxy library of Node in the same run. 100 B: ${ratioSmall.toFixed(2)}; 64 KiB: ${ratioLarge.toFixed(2)}: ${ratioSmall >= 1 && ratioLarge >= 1 ? 'met' : 'not met'}.${step ? ' A p99 near 40 ms is a delayed acknowledgement: look at TCP_NODELAY.' : ''}`;
  console.log(verdict);
  const slowly = (figures: readonly Figures[]): string => bestOf(figures, 'Atrium, slow lane').toFixed(2);
  const ofNginx = (figures: readonly EchoFigures[]): string => (figures[0]!.micros / figures[1]!.micros).toFixed(2);
  const reported = `Reported: the slow lane alone has ${slowly(small)} of the best library at 100 B and ${slowly(large)} at 64 KiB; by processor time a message, tunnels have ${ofNginx(echoes.short)} of nginx at 100 B and ${ofNginx(echoes.long)} at 4 KiB.`;
  console.log(reported);
  if (process.argv.includes('--write'))
    writeGatewaySection(`## Gateway

Made by \`npm run bench:gateway -- --write\`: one proxy process alone on a core, the others stopped meanwhile; the app (nginx, one worker), wrk and the echo share the other. Loopback, HTTP/1.1, no TLS, pooled connections, answers compared byte for byte first, medians of ${windows} windows of ${seconds} s in turns, each after ${leadIn} s of the same. Atrium has its whole path on: host and path rules, gate with a cached verdict, rebuilt headers, rewriting below a path (cookies are kept by the client), access log in memory, figures; the others add a forwarding header at most. CPU is processor time of the proxy for one request, which other load on the machine disturbs least.
Machine of this run: ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}.

${table('100 B, 32 connections', small)}

${table('64 KiB, 32 connections', large)}

${table('100 B, 1 connection', single)}

${sockets}

${idleLine} ${verdict}

${fastLine}

${reported}`);
  process.exitCode = met ? 0 : 1;
} finally {
  nginx.stop();
  upstream.stop();
  echo.stop();
  for (const peer of peers) peer.stop();
}
process.exit();
