import { connect } from 'node:tls';
import { WebSocket } from 'ws';
import { greet, type Proven } from '../../src/modules/gateway/federation/handshake.ts';
import { type InstanceKey, instanceKeyOf, newKeyPair } from '../../src/modules/gateway/federation/instance-key.ts';
import { PeerSocket } from '../../src/modules/gateway/federation/peer-socket.ts';
import { federationPath } from '../../src/modules/gateway/federation/wire.ts';
import { newId } from '../../src/platform/ids/ids.ts';
import { pinOf } from '../../src/platform/tls/certificate-pair.ts';

export const newPeerKey = (): InstanceKey => {
  const { public_key, seed } = newKeyPair();
  return instanceKeyOf(newId(), public_key, seed);
};

/** The certificate key that a server shows. */
export const shownPin = (url: string): Promise<string> =>
  new Promise((done, fail) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      done(pinOf(socket.getPeerX509Certificate()!));
      socket.destroy();
    });
    socket.on('error', fail);
  });

/** A server that says what the test wants it to say. */
export interface TestPeer {
  socket: WebSocket;
  who: Proven;
  /** What it sent, to be said again elsewhere. */
  sent: string[];
  heard: string[];
}

export const openSocket = async (url: string): Promise<{ socket: WebSocket; peer: PeerSocket }> => {
  const socket = new WebSocket(url.replace(/^http/, 'ws') + federationPath, { rejectUnauthorized: false });
  const peer = new PeerSocket(socket, () => '127.0.0.1');
  await new Promise((done, fail) => {
    socket.once('open', done);
    socket.once('error', fail);
  });
  return { socket, peer };
};

/** Greets a server with a key of its own; rejects when it is refused. */
export const joinAs = async (
  url: string,
  key: InstanceKey,
  join: Parameters<typeof greet>[1]['join'],
  pin: string | null,
): Promise<TestPeer> => {
  const { socket, peer } = await openSocket(url);
  const sent: string[] = [];
  const who = await peer.greeting((exchange) =>
    greet(
      {
        ...exchange,
        send: (text) => {
          sent.push(text);
          exchange.send(text);
        },
      },
      {
        ...{ key, purpose: 'control', own: { name: 'A peer of the test', address: null, pins: [] }, expected: null },
        ...{ join, pin, certificate_known: true },
      },
    ),
  );
  const heard: string[] = [];
  peer.take((data, binary) => {
    if (!binary) heard.push(data.toString('utf8'));
  });
  return { socket, who, sent, heard };
};
