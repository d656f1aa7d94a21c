import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCertificates, testAuthority } from '../../../../test/support/tls-certificates.ts';
import { writeProxyHeader } from '../../../platform/net/proxy-protocol.ts';
import { makeRoute, makeTarget, startLane, startUpstream, type TestLane, type Upstream } from './lane.testkit.ts';

const proxy = '127.0.0.2';
const header = writeProxyHeader({ address: '2001:db8::7', port: 4711 }, { address: '127.0.0.1', port: 443 });

describe('a proxy that passes TLS on and tells of its clients', () => {
  let app: Upstream;
  let l: TestLane;
  beforeAll(async () => {
    app = await startUpstream((request, response) => response.end(String(request.headers['x-forwarded-for'])));
    const certificates = new TestCertificates();
    certificates.add(['localhost']);
    const route = makeRoute({ slug: 'app', targets: [makeTarget(app.url)] });
    l = await startLane([{ host: '', path: '/apps/app/', route }], {
      config: { proxy_protocol: true, trusted_proxies: [proxy] },
      tls: { certificates, redirect: null },
    });
  });
  afterAll(async () => {
    await l.close();
    await app.close();
  });

  const secured = (under: Socket, protocol: string): TLSSocket =>
    connectTls({ socket: under, servername: 'localhost', ca: testAuthority, ALPNProtocols: [protocol] });
  const from = (address: string, first: Buffer | null): Socket => {
    const socket = connect({ port: l.port, host: '127.0.0.1', localAddress: address });
    socket.on('error', () => undefined);
    if (first !== null) socket.write(first);
    return socket;
  };

  it('has the address of the client for HTTP/1.1 and HTTP/2, and nobody else can say who they are', async () => {
    const plain = secured(from(proxy, header), 'http/1.1');
    plain.write('GET /apps/app/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of plain) text += String(chunk);
    expect(text.endsWith('2001:db8::7')).toBe(true);

    const session = connectHttp2('https://localhost', { createConnection: () => secured(from(proxy, header), 'h2') });
    const stream = session.request({ ':path': '/apps/app/' });
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    session.destroy();
    expect(body).toBe('2001:db8::7');

    const own = secured(from('127.0.0.1', null), 'http/1.1');
    own.write('GET /apps/app/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    let direct = '';
    for await (const chunk of own) direct += String(chunk);
    expect(direct.endsWith('127.0.0.1')).toBe(true);
  });

  it('G24: a proxy without its header, and a header of anybody else, get no handshake', async () => {
    const ends = (socket: Socket): Promise<boolean> =>
      new Promise((resolve) => {
        socket.once('secureConnect', () => resolve(false));
        socket.once('error', () => resolve(true)).once('close', () => resolve(true));
      });
    expect(await ends(secured(from(proxy, null), 'http/1.1'))).toBe(true);
    expect(await ends(secured(from('127.0.0.1', header), 'http/1.1'))).toBe(true);
    expect(app.seen).toHaveLength(3);
  });
});
