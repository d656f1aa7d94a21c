import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface RetryingProxy {
  url: string;
  /** How often a connection failed and the request went to another server. */
  retries: () => number;
  close: () => Promise<void>;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** One address for several servers, as a load balancer gives them: what a server did not take is given to the next. */
export const startRetryingProxy = async (port: number, servers: () => readonly string[]): Promise<RetryingProxy> => {
  let [retries, turn] = [0, 0];
  const send = (base: string, path: string, method: string, headers: IncomingHttpHeaders, body: Buffer) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request(new URL(path, base), { method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const headers: IncomingHttpHeaders = {
      ...incoming.headers,
      connection: 'close',
      'x-forwarded-for': incoming.headers['x-forwarded-for'] ?? '10.70.0.1',
    };
    for (let tries = 0; tries < 50; tries += 1) {
      const known = servers();
      turn += 1;
      try {
        const answer = await send(
          known[turn % known.length]!,
          incoming.url!,
          incoming.method!,
          headers,
          Buffer.concat(chunks),
        );
        outgoing.writeHead(answer.status, { ...answer.headers, connection: 'keep-alive' });
        outgoing.end(answer.body);
        return;
      } catch {
        retries += 1;
        await delay(20);
      }
    }
    outgoing.writeHead(502).end('no server took it');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${port}`,
    retries: () => retries,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
