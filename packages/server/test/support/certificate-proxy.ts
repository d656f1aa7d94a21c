import { request as plainRequest } from 'node:http';
import { createServer, request } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import type { MadeCertificate } from './make-certificate.ts';
import { testCertificate } from './test-certificate.ts';

export interface ProxyAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server said
  body: any;
}

export interface CertificateProxy {
  /** One request over TLS, with the certificate of the client or without. */
  send(
    path: string,
    options?: {
      certificate?: MadeCertificate | undefined;
      method?: string;
      headers?: Record<string, string>;
      body?: string;
    },
  ): Promise<ProxyAnswer>;
  socket(certificate: MadeCertificate | undefined): WebSocket;
  close(): void;
}

/** Ends TLS as a reverse proxy does, and hands on the certificate of the client by RFC 9440. */
export const startCertificateProxy = async (target: string): Promise<CertificateProxy> => {
  const { port, hostname } = new URL(target);
  const headersOf = (incoming: { headers: Record<string, unknown>; socket: unknown }): Record<string, string> => {
    const raw = (incoming.socket as TLSSocket).getPeerCertificate().raw as Buffer | undefined;
    const headers = { ...(incoming.headers as Record<string, string>), 'x-forwarded-proto': 'https' };
    delete (headers as Record<string, string>)['client-cert'];
    return raw === undefined ? headers : { ...headers, 'client-cert': `:${raw.toString('base64')}:` };
  };
  // Clients make their own certificates here, so that none of them is checked: that is the server's to do.
  const server = createServer(
    { ...testCertificate, requestCert: true, rejectUnauthorized: false },
    (incoming, answer) => {
      const onward = plainRequest(
        { host: hostname, port, path: incoming.url, method: incoming.method, headers: headersOf(incoming) },
        (given) => {
          answer.writeHead(given.statusCode!, given.headers);
          given.pipe(answer);
        },
      );
      onward.on('error', () => answer.writeHead(502).end());
      incoming.pipe(onward);
    },
  );
  server.on('upgrade', (incoming, socket) => {
    const onward = connect(Number(port), hostname);
    const lines = Object.entries(headersOf(incoming)).map(([name, value]) => `${name}: ${value}`);
    onward.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => socket.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const own = (certificate: MadeCertificate | undefined) => ({
    rejectUnauthorized: false,
    agent: false as const,
    ...(certificate === undefined ? {} : { cert: certificate.pem, key: certificate.key }),
  });
  return {
    send: (path, { certificate, method = 'GET', headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const call = request(`https://${address}${path}`, { ...own(certificate), method, headers }, (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          answer.on('end', () => {
            let parsed: unknown = text;
            try {
              parsed = JSON.parse(text);
            } catch {}
            resolve({ status: answer.statusCode!, body: parsed });
          });
        });
        call.on('error', reject);
        call.end(body);
      }),
    socket: (certificate) => new WebSocket(`wss://${address}/ws`, own(certificate)),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
