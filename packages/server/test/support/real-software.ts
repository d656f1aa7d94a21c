import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join, resolve } from 'node:path';
import { freePort } from './free-port.ts';
import { scratchRoot } from './scratch.ts';
import { until } from './until.ts';

/* Programs that people put behind a gateway, started as their own documentation says. */

const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { env: { PATH: path } });
    return true;
  } catch {
    return false;
  }
};

/**
 * Which of these programs the machine lacks. Where services are promised to be there, that is an error; elsewhere their
 * tests are left out and the output says so.
 */
export const missingPrograms = (programs: readonly string[]): ReadonlySet<string> => {
  const missing = programs.filter((program) => !has(program));
  if (missing.length === 0) return new Set();
  const list = missing.join(', ');
  if (process.env['ATRIUM_TEST_SERVICES'] === '1') throw new Error(`these programs are needed: ${list}`);
  process.stdout.write(`Left out, because the machine has no ${list}: what stands behind the gateway with them.\n`);
  return new Set(missing);
};

export interface Software {
  port: number;
  directory: string;
  stop(): Promise<void>;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });

const newDirectory = (name: string): string => mkdtempSync(join(scratchRoot, `atrium-${name}-`));

const start = async (directory: string, port: number, command: string, args: readonly string[]): Promise<Software> => {
  const env = { PATH: path, HOME: directory, USER: 'tester' };
  const child: ChildProcess = spawn(command, args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const hear = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout!.on('data', hear);
  child.stderr!.on('data', hear);
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const ended = new Promise<void>((done) => child.once('close', () => done()).once('error', () => done()));
  await until(() => {
    if (child.exitCode !== null) throw new Error(`${command} ended:\n${output}`);
    return answers(port);
  }, `${command} at its port\n${output}`);
  return {
    ...{ port, directory },
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(endWithUs, 5000);
      await ended;
      clearTimeout(late);
      process.off('exit', endWithUs);
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

const page = (title: string, body: string): string =>
  `<!doctype html><html><head><title>${title}</title><link rel="stylesheet" href="/site.css"></head><body>${body}</body></html>`;

/** A static site, once over HTTP/1.1 and, at the other port, over HTTP/2 without TLS and nothing else. */
export const startNginx = async (): Promise<Software & { streams_port: number }> => {
  const directory = newDirectory('nginx');
  const [port, streamsPort] = [await freePort(), await freePort()];
  mkdirSync(join(directory, 'site/docs'), { recursive: true });
  writeFileSync(join(directory, 'site/index.html'), page('Start', '<h1>Start</h1><a href="/docs">Documents</a>'));
  writeFileSync(join(directory, 'site/docs/index.html'), page('Documents', '<h1>Documents</h1><a href="/">Start</a>'));
  writeFileSync(join(directory, 'site/site.css'), 'h1 { color: rgb(1, 2, 3) }');
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off;
master_process off;
pid ${directory}/pid;
error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  types { text/html html; text/css css; }
  root ${directory}/site;
  gzip on;
  gzip_types text/css;
  gzip_min_length 0;
  server { listen 127.0.0.1:${port}; }
  server { listen 127.0.0.1:${streamsPort} http2; }
}
`,
  );
  const args = ['-e', 'stderr', '-p', directory, '-c', 'nginx.conf'];
  return { ...(await start(directory, port, 'nginx', args)), streams_port: streamsPort };
};

/** The development server of a project with one page and one module that may be changed while it is open. */
export const startVite = async (): Promise<Software & { change: (message: string) => void }> => {
  const directory = newDirectory('vite');
  const change = (message: string): void =>
    writeFileSync(join(directory, 'message.js'), `export const message = ${JSON.stringify(message)};\n`);
  writeFileSync(
    join(directory, 'index.html'),
    '<!doctype html><html><head><title>Project</title></head><body><p id="message"></p><script type="module" src="/main.js"></script></body></html>',
  );
  writeFileSync(
    join(directory, 'main.js'),
    `import { message } from './message.js';
import './style.css';
const show = (text) => { document.querySelector('#message').textContent = text; };
show(message);
import.meta.hot.accept('./message.js', (changed) => show(changed.message));
`,
  );
  writeFileSync(join(directory, 'style.css'), '#message { color: rgb(4, 5, 6) }');
  writeFileSync(join(directory, 'package.json'), '{ "type": "module", "private": true }');
  change('first');
  const port = await freePort();
  const program = resolve(import.meta.dirname, '../../../../node_modules/vite/bin/vite.js');
  const args = [program, '.', '--host', '127.0.0.1', '--port', String(port), '--strictPort'];
  return { ...(await start(directory, port, process.execPath, args)), change };
};

/** A repository with its web pages, which knows that visitors come by https. */
export const startFossil = async (): Promise<Software & { user: string; password: string }> => {
  const directory = newDirectory('fossil');
  const env = { PATH: path, HOME: directory, USER: 'tester' };
  const told = execFileSync('fossil', ['init', '-A', 'tester', 'project.fossil'], { cwd: directory, env }).toString();
  const password = /password is "([^"]+)"/.exec(told)![1]!;
  const port = await freePort();
  const args = ['server', 'project.fossil', '--localhost', '--port', String(port), '--https', '--nojail'];
  return { ...(await start(directory, port, 'fossil', args)), user: 'tester', password };
};

/** The program that git brings for smart HTTP, as a web server runs it by CGI. */
const serveGit = (root: string, request: IncomingMessage, response: ServerResponse): void => {
  const [pathInfo = '', query = ''] = request.url!.split('?');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: path,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      PATH_INFO: pathInfo,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
      ...(request.headers['content-encoding'] === undefined
        ? {}
        : { HTTP_CONTENT_ENCODING: String(request.headers['content-encoding']) }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  let passed = false;
  child.stdout.on('data', (chunk: Buffer) => {
    if (passed) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    passed = true;
    let status = 200;
    for (const line of head.toString('latin1', 0, end).split('\r\n')) {
      const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
      if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
  });
  child.stdout.on('end', () => response.end());
};

export const startGit = async (): Promise<Software & { authorizations: Set<string | undefined> }> => {
  const directory = newDirectory('git');
  const repository = join(directory, 'project.git');
  const env = { PATH: path, HOME: directory };
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', repository], { env });
  execFileSync('git', ['-C', repository, 'config', 'http.receivepack', 'true'], { env });
  const authorizations = new Set<string | undefined>();
  const server = createServer((request, response) => {
    authorizations.add(request.headers.authorization);
    serveGit(directory, request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    ...{ port: (server.address() as AddressInfo).port, directory, authorizations },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
