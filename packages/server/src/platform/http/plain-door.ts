import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isLoopback } from './trusted-proxies.ts';

const challengePath = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{1,256})$/;

export interface PlainDoorOptions {
  /** Whether a Host header names this server or one of its apps. */
  knows: (authority: string) => boolean;
  /** The authority over TLS of what a Host header names. */
  secureAuthority: (authority: string) => string;
  challengeAnswer: (token: string) => string | null;
  /** Answers probes of this machine, which have no certificate to trust. */
  health: (request: IncomingMessage, response: ServerResponse) => void;
}

/** From loopback, or from an address of this machine to the same one. */
const isOfThisMachine = ({ socket }: IncomingMessage): boolean =>
  isLoopback(socket.remoteAddress) ||
  (socket.remoteAddress !== undefined && socket.remoteAddress === socket.localAddress);

const answer = (response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void => {
  response.writeHead(status, {
    ...headers,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(text);
};

/** Plain HTTP of a server that speaks TLS: it proves names to an authority, and sends everybody else to https. */
export const createPlainDoor = (options: PlainDoorOptions): Server => {
  const server = createServer({
    maxHeaderSize: 16 * 1024,
    headersTimeout: 10_000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: 5000,
    noDelay: true,
  });
  server.on('request', (request, response) => {
    const url = request.url ?? '/';
    const path = url.split('?', 1)[0]!;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const token = challengePath.exec(path)?.[1];
    if (reads && token !== undefined) {
      const proof = options.challengeAnswer(token);
      if (proof === null) answer(response, 404, 'No order waits for this token.\n');
      else answer(response, 200, proof);
    } else if (reads && path === '/health' && isOfThisMachine(request)) options.health(request, response);
    else redirect(request, response, url);
  });
  const redirect = (request: IncomingMessage, response: ServerResponse, url: string): void => {
    const authority = request.headers.host ?? '';
    if (!url.startsWith('/')) answer(response, 400, 'The target of a request is a path.\n');
    else if (!options.knows(authority))
      answer(response, 421, 'No app has this host name, and it is none of this server.\n');
    else {
      const location = `https://${options.secureAuthority(authority)}${url}`;
      answer(response, 308, `This is at ${location}\n`, { location });
    }
  };
  return server;
};
