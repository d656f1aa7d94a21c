/** The processes of `npm run bench:gateway`, each on the core it is meant for, and the generator of load. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pinBesideServers, pinServer } from './cores.ts';

/** What `apt install` gives, and what this bench cannot do without. */
export const missingTools = (): string[] =>
  ['nginx', 'wrk', 'taskset'].filter((tool) => spawnSync('which', [tool], { stdio: 'ignore' }).status !== 0);

export interface Nginx {
  url: string;
  pid: number;
  stop(): void;
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const startNginx = async (
  server: (port: number, folder: string) => string,
  pin: (pid: number) => void,
): Promise<Nginx> => {
  const folder = mkdtempSync(join(tmpdir(), 'atrium-bench-'));
  const port = await freePort();
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files/small'), 'a'.repeat(100));
  writeFileSync(join(folder, 'files/large'), 'b'.repeat(64 * 1024));
  // With tcp_nopush every answer that fills no packet waits 38 ms for an acknowledgement.
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http { access_log off; sendfile on; tcp_nopush off; keepalive_requests 100000000; keepalive_timeout 600s;
client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
${server(port, folder)} }\n`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`${url}/small`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break;
    if (tries > 100) throw new Error('nginx did not start');
    await delay(50);
  }
  pin(child.pid!);
  const worker = Number(execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).split('\n')[0]);
  pin(worker);
  return {
    ...{ url, pid: worker },
    stop: () => {
      child.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export const startUpstreamNginx = (): Promise<Nginx> =>
  startNginx(
    (port, folder) =>
      `server { listen 127.0.0.1:${port} backlog=4096; root ${folder}/files; default_type text/plain; }`,
    pinBesideServers,
  );

export const startProxyNginx = (upstream: string, echo: string): Promise<Nginx> =>
  startNginx(
    (port) => `upstream app { server ${new URL(upstream).host}; keepalive 128; keepalive_requests 100000000; }
server { listen 127.0.0.1:${port} backlog=4096;
location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Real-IP $remote_addr; }
location /echo { proxy_pass ${echo}; proxy_http_version 1.1; proxy_set_header Connection Upgrade; proxy_set_header Upgrade $http_upgrade; proxy_read_timeout 600s; } }`,
    pinServer,
  );

export interface Window {
  rate: number;
  count: number;
  p50: number;
  p99: number;
}

const milliseconds = (text: string): number => {
  const [, number = '0', unit = 'ms'] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? [];
  return Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit as 'us' | 'ms' | 's'];
};

/** One window of load by wrk, which shares the core of the app. Refusals make it worthless, so they end the bench. */
export const runWrk = (url: string, token: string, connections: number, seconds: number): Promise<Window> =>
  new Promise((resolve, reject) => {
    const child = spawn('taskset', [
      ...['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency'],
      ...['-H', `Authorization: Bearer ${token}`, url],
    ]);
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
    });
    child.on('close', () => {
      const find = (pattern: RegExp): string => pattern.exec(text)?.[1] ?? '';
      if (/Non-2xx|Socket errors/.test(text) || find(/Requests\/sec:\s+([\d.]+)/) === '')
        return reject(new Error(`${url}:\n${text}`));
      resolve({
        rate: Number(find(/Requests\/sec:\s+([\d.]+)/)),
        count: Number(find(/(\d+) requests in/)),
        p50: milliseconds(find(/50%\s+(\S+)/)),
        p99: milliseconds(find(/99%\s+(\S+)/)),
      });
    });
  });
