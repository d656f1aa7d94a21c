import { connect as connectTcp, createServer } from 'node:net';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { readClientHello } from './client-hello.ts';

/** What Node really sends. */
const helloOf = async (servername: string | undefined): Promise<Buffer> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const bytes = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => {
      let all = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        all = Buffer.concat([all, chunk]);
        if (readClientHello(all).kind === 'more') return;
        resolve(all);
        socket.destroy();
      });
    });
  });
  const socket = connect({
    socket: connectTcp(port, '127.0.0.1'),
    ...(servername === undefined ? {} : { servername }),
  });
  socket.on('error', () => undefined);
  const hello = await bytes;
  socket.destroy();
  server.close();
  return hello;
};

test('the name that a client asks for is read, at every place that the bytes are cut at', async () => {
  const hello = await helloOf('Vault.Example.org');
  expect(readClientHello(hello)).toEqual({ kind: 'hello', name: 'vault.example.org' });
  for (let at = 0; at < hello.length; at++) expect(readClientHello(hello.subarray(0, at))).toEqual({ kind: 'more' });
});

test('a handshake in several records is one', async () => {
  const hello = await helloOf('vault.example.org');
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += 100) {
    const part = message.subarray(at, at + 100);
    const head = Buffer.from([22, 3, 1, 0, 0]);
    head.writeUInt16BE(part.length, 3);
    records.push(head, part);
  }
  expect(readClientHello(Buffer.concat(records))).toEqual({ kind: 'hello', name: 'vault.example.org' });
});

test('a client may name nobody', async () => {
  expect(readClientHello(await helloOf(undefined))).toEqual({ kind: 'hello', name: null });
});

test('what is not TLS is seen at its first byte, and lengths that lie are not followed', async () => {
  expect(readClientHello(Buffer.from('SSH-2.0-x\r\n'))).toEqual({ kind: 'other' });
  expect(readClientHello(Buffer.from([22, 3, 1, 0xff, 0xff]))).toEqual({ kind: 'other' });
  expect(readClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff]))).toEqual({ kind: 'other' });
  const hello = await helloOf('vault.example.org');
  const lies = Buffer.from(hello);
  // The length of the session id.
  lies[5 + 4 + 34] = 0xff;
  expect(['other', 'hello']).toContain(readClientHello(lies).kind);
  for (let at = 5; at < hello.length; at++) {
    const changed = Buffer.from(hello);
    changed[at] = changed[at]! ^ 0xff;
    expect(() => readClientHello(changed)).not.toThrow();
  }
});
