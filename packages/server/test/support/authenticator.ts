import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';

type Json = Record<string, unknown>;

const head = (major: number, value: number): Buffer => {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
};
const integer = (value: number): Buffer => (value >= 0 ? head(0, value) : head(1, -1 - value));
const bytes = (value: Buffer): Buffer => Buffer.concat([head(2, value.length), value]);
const text = (value: string): Buffer => Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
const map = (entries: [Buffer, Buffer][]): Buffer => Buffer.concat([head(5, entries.length), ...entries.flat()]);

const sha256 = (value: Buffer | string): Buffer => createHash('sha256').update(value).digest();

export interface Authenticator {
  /** Answers registration options, as a browser would give it to a page. */
  create(options: Json): Json;
  /** Answers sign-in options. */
  get(options: Json): Json;
  /** Set it back to play a copy of the passkey. */
  counter: number;
  /** Whether it asked its owner. */
  verifies: boolean;
  origin: string;
}

/** A passkey in software, ES256, that keeps to WebAuthn's bytes. */
export const createAuthenticator = (origin = 'http://localhost:4400'): Authenticator => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const jwk = publicKey.export({ format: 'jwk' });
  const credentialId = randomBytes(32);
  let userHandle = '';
  const coordinate = (value: string | undefined): Buffer => bytes(Buffer.from(value!, 'base64url'));
  const coseKey = map([
    [integer(1), integer(2)],
    [integer(3), integer(-7)],
    [integer(-1), integer(1)],
    [integer(-2), coordinate(jwk.x)],
    [integer(-3), coordinate(jwk.y)],
  ]);
  const self: Authenticator = {
    counter: 0,
    verifies: true,
    origin,
    create: (options) => {
      const { challenge, rp, user } = options as { challenge: string; rp: { id: string }; user: { id: string } };
      userHandle = user.id;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(credentialId.length);
      const attested = Buffer.concat([Buffer.alloc(16), length, credentialId, coseKey]);
      const authData = Buffer.concat([authenticatorData(rp.id, 0x40), attested]);
      return credential({
        clientDataJSON: clientData('webauthn.create', challenge),
        attestationObject: map([
          [text('fmt'), text('none')],
          [text('attStmt'), map([])],
          [text('authData'), bytes(authData)],
        ]).toString('base64url'),
        transports: ['internal'],
      });
    },
    get: (options) => {
      const { challenge, rpId } = options as { challenge: string; rpId: string };
      const authData = authenticatorData(rpId, 0);
      const client = clientData('webauthn.get', challenge);
      const signed = Buffer.concat([authData, sha256(Buffer.from(client, 'base64url'))]);
      return credential({
        clientDataJSON: client,
        authenticatorData: authData.toString('base64url'),
        signature: createSign('sha256').update(signed).sign(privateKey).toString('base64url'),
        userHandle,
      });
    },
  };
  const clientData = (type: string, challenge: string): string =>
    Buffer.from(JSON.stringify({ type, challenge, origin: self.origin, crossOrigin: false })).toString('base64url');
  const authenticatorData = (rpId: string, more: number): Buffer => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(self.counter);
    return Buffer.concat([sha256(rpId), Buffer.from([0x01 | (self.verifies ? 0x04 : 0) | more]), counter]);
  };
  const credential = (response: Json): Json => {
    const id = credentialId.toString('base64url');
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  };
  return self;
};
