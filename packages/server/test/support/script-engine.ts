import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Body {
  Image: string;
  Cmd: string[];
  Env: string[];
  HostConfig: { NetworkMode: string; Binds: string[]; ReadonlyRootfs: boolean; CapDrop: string[] };
}

interface Made {
  body: Body;
  child: ChildProcess | null;
  ended: Promise<number>;
  output: { stream: 1 | 2; chunk: Buffer }[];
  followers: Set<ServerResponse>;
}

/** The part of Docker's Engine API that runs of scripts use. A container is a process of this machine that runs the mounted file. */
export const startScriptEngine = async () => {
  const containers = new Map<string, Made>();
  const images = new Set<string>();
  const seen: { name: string; body: Body }[] = [];

  const frame = (stream: 1 | 2, chunk: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head[0] = stream;
    head.writeUInt32BE(chunk.length, 4);
    return Buffer.concat([head, chunk]);
  };
  const start = (made: Made): void => {
    const [from = '', to = ''] = made.body.HostConfig.Binds[0]!.split(':');
    const [program = '', ...rest] = made.body.Cmd.map((part) => part.replaceAll(to, from));
    const variables = Object.fromEntries(made.body.Env.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
    const child = spawn(program, rest, { env: { PATH: '/usr/bin:/bin', ...variables } });
    made.child = child;
    const say = (stream: 1 | 2) => (chunk: Buffer) => {
      made.output.push({ stream, chunk });
      for (const follower of made.followers) follower.write(frame(stream, chunk));
    };
    child.stdout!.on('data', say(1));
    child.stderr!.on('data', say(2));
    made.ended = new Promise((done) => child.once('close', (code) => done(code ?? 137)));
    void made.ended.then(() => {
      for (const follower of made.followers) follower.end();
    });
  };

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url!, 'http://engine');
    const json = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    const image = /^\/images\/(.+)\/json$/.exec(url.pathname)?.[1];
    if (image !== undefined)
      return images.has(decodeURIComponent(image)) ? json(200, {}) : json(404, { message: 'No such image' });
    if (url.pathname === '/images/create') {
      images.add(`${url.searchParams.get('fromImage')}:${url.searchParams.get('tag')}`);
      return response.end('{"status":"Pulling"}\n{"status":"Done"}\n');
    }
    if (url.pathname === '/containers/create') {
      const name = url.searchParams.get('name')!;
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
      seen.push({ name, body });
      containers.set(name, { body, child: null, ended: Promise.resolve(0), output: [], followers: new Set() });
      return json(201, { Id: name });
    }
    const [, name = '', act = ''] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname) ?? [];
    const made = containers.get(name);
    if (made === undefined) return json(404, { message: `No such container: ${name}` });
    if (request.method === 'DELETE') {
      made.child?.kill('SIGKILL');
      containers.delete(name);
      return response.writeHead(204).end();
    }
    if (act === 'start') {
      start(made);
      return response.writeHead(204).end();
    }
    if (act === 'logs') {
      response.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' });
      response.flushHeaders();
      for (const { stream, chunk } of made.output) response.write(frame(stream, chunk));
      if (made.child?.exitCode === null) made.followers.add(response);
      else response.end();
      return;
    }
    return json(200, { StatusCode: await made.ended });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    endpoint: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    containers,
    close: (): Promise<void> => {
      for (const { child } of containers.values()) child?.kill('SIGKILL');
      return new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
    },
  };
};
