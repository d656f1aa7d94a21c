import { createHash, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';

const pinOf = (certificate: Buffer): string => {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(key).digest('base64')}`;
};

/** `checkPins` for Node: whether a connection to the origin ends at one of these keys, whoever signed its certificate. */
export const tlsPinCheck = (origin: string, pins: readonly string[]): Promise<boolean> => {
  const { protocol, hostname, port } = new URL(origin);
  if (protocol !== 'https:') return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    const name = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host: name, port: Number(port || 443), servername: name, rejectUnauthorized: false });
    socket.setTimeout(10_000, () => socket.destroy(new Error(`${origin} does not answer`)));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(pins.includes(pinOf(raw)));
    });
  });
};
