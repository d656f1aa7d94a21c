import type { AddressInfo, Server, Socket } from 'node:net';
import type { FastifyInstance, FastifyListenOptions } from 'fastify';
import { StartupError } from '../errors/startup-error.ts';
import type { FrontServer } from './front-server.ts';
import { hostNameOf } from './host-names.ts';
import type { HttpHostOptions } from './http-options.ts';
import { createPlainDoor } from './plain-door.ts';
import { TlsListener } from './tls-listener.ts';
import { acceptToldPeers } from './told-peers.ts';
import { trustedProxies } from './trusted-proxies.ts';

/** How the server takes connections. */
export interface Listening {
  /** Starts to listen and tells the port that was taken. */
  listen(): Promise<{ port: number; address: string }>;
  /** Takes nothing new. */
  stop(): void;
  /** Ends every connection. */
  cut(): Promise<void>;
}

const cannotListen = (error: unknown, host: string, port: number, setting = 'ATRIUM_PORT'): unknown => {
  const another = setting === 'ATRIUM_PORT' ? 'another port (0 takes any free one)' : 'another place, or to none';
  const refusals: Record<string, string> = {
    EADDRINUSE: `Something else already listens on ${host} port ${port}, perhaps another Atrium. Stop it, or set ${setting} to ${another}.`,
    EADDRNOTAVAIL: `This machine has no address ${host}. Set ATRIUM_HOST to one it has, to 127.0.0.1, or to 0.0.0.0 for all.`,
    ENOTFOUND: `The name ${host} of ATRIUM_HOST leads to no address. Set it to an address of this machine, to 127.0.0.1, or to 0.0.0.0 for all.`,
    EACCES: `This user may not listen on port ${port}. Set ${setting} to a port above 1023, with a reverse proxy in front of it.`,
  };
  const sentence = refusals[(error as NodeJS.ErrnoException).code ?? ''];
  return sentence === undefined ? error : new StartupError(sentence, { cause: error });
};

const toldPeers = ({ trusted_proxies, handshake_ms }: HttpHostOptions['config'], http: boolean) => ({
  ...{ trusted: trustedProxies(trusted_proxies), within_ms: handshake_ms, http },
});

const otherProtocolsMs = 1000;

/** Plain HTTP on the server that the product works behind. */
const listenPlainly = (app: FastifyInstance, { config }: HttpHostOptions): Listening => {
  // Those that speak something else by now as well, which the server itself no longer counts, and waits for all the same.
  const open = new Set<Socket>();
  return {
    listen: async () => {
      const { host, port: wanted, shares_port: reusePort } = config;
      if (config.proxy_protocol) acceptToldPeers(app.server, toldPeers(config, true));
      app.server.on('connection', (socket) => {
        open.add(socket);
        socket.once('close', () => open.delete(socket));
      });
      const listened = app.listen({ host, port: wanted, ...(reusePort ? { reusePort } : {}) } as FastifyListenOptions);
      await listened.catch((error: unknown) => {
        throw cannotListen(error, host, wanted);
      });
      const { address, port } = app.server.address() as AddressInfo;
      return { address, port };
    },
    stop: () => void app.server.close(),
    cut: async () => {
      app.server.closeAllConnections();
      // The others are being ended by whoever speaks with them; who has not by then would hold up the stop for ever.
      setTimeout(() => {
        for (const socket of open) socket.destroy();
      }, otherProtocolsMs).unref();
    },
  };
};

const listenAt = (server: Server, host: string, port: number, reusePort: boolean): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, reusePort }, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });

const listenOverTls = (
  app: FastifyInstance,
  front: FrontServer,
  { config, logger }: HttpHostOptions,
  { certificates, redirect }: NonNullable<HttpHostOptions['tls']>,
): Listening => {
  const http = app.server;
  const doorFor = (secureAuthority: (authority: string) => string) =>
    createPlainDoor({
      ...{ secureAuthority, challengeAnswer: (token) => certificates.challengeAnswer(token) },
      knows: (authority) => front.knowsAuthority(authority),
      health: (request, response) => front.own(request, response),
    });
  const listener = new TlsListener({
    ...{ certificates, http, streams: front.createForStreams(), plain: doorFor((authority) => authority) },
    handshake_ms: config.handshake_ms,
    told_peers: config.proxy_protocol ? toldPeers(config, false) : null,
    count: (server) => front.count(server),
    adopt: (socket, under) => front.adopt(socket, under),
  });
  // The port that the public reaches this server by, which may be another one than it listens at.
  const publicPort = (): string => {
    const { port } = new URL(config.public_url());
    return port === '' ? '' : `:${port}`;
  };
  const redirecting = redirect === null ? null : doorFor((authority) => `${hostNameOf(authority)}${publicPort()}`);
  if (redirecting !== null) front.count(redirecting);
  return {
    listen: async () => {
      await app.ready();
      const { host, port: wanted, shares_port } = config;
      const taken = await listener.listen(host, wanted, shares_port).catch((error: unknown) => {
        throw cannotListen(error, host, wanted);
      });
      if (redirecting !== null && redirect !== null) {
        const plain = await listenAt(redirecting, redirect.host, redirect.port, shares_port).catch((error: unknown) => {
          throw cannotListen(error, redirect.host, redirect.port, 'ATRIUM_TLS_REDIRECT_ADDRESS');
        });
        logger.info({ host: plain.address, redirect_port: plain.port }, 'plain HTTP is sent to https from here');
      }
      return taken;
    },
    stop: () => {
      listener.stop();
      redirecting?.close();
      http.close();
    },
    cut: async () => {
      await listener.cut();
      redirecting?.closeAllConnections();
      http.closeAllConnections();
    },
  };
};

export const openListening = (app: FastifyInstance, front: FrontServer, options: HttpHostOptions): Listening =>
  options.tls === undefined ? listenPlainly(app, options) : listenOverTls(app, front, options, options.tls);
