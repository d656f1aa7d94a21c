import {
  type devicePlatforms,
  normalisePairingCode,
  type OutputOf,
  pairingCheck,
  pairingsComplete,
  pairingsRedeem,
  readPairingLink,
} from '@atrium/protocol';
import { Transport } from '../client.ts';
import { type DeviceKey, makeDeviceKey, proveKey } from './device-key.ts';

type Redeemed = OutputOf<typeof pairingsRedeem>;

/** The server that answered is not the one whose picture was read. */
export class PairingMismatch extends Error {
  readonly what: 'address' | 'check' | 'pin';

  constructor(what: PairingMismatch['what']) {
    super(
      {
        address: 'The server that answered has another address than the picture says.',
        check: 'What the server answered does not belong to the picture; somebody may stand in between.',
        pin: 'The connection ends at another key than the server announces; somebody may stand in between.',
      }[what],
    );
    this.name = 'PairingMismatch';
    this.what = what;
  }
}

export interface PairOptions {
  /** What the picture holds, or what a person typed: the address of the server and the code. */
  from: string | { url: string; code: string };
  device: {
    name: string;
    platform: (typeof devicePlatforms)[number];
    model?: string;
    platform_version?: string;
    push_token?: string;
  };
  /** By default a new one. */
  key?: DeviceKey;
  /**
   * Whether the connection to this origin ends at one of these keys. Asked before the device gives anything away, when the
   * server announces any; `tlsPinCheck` of `@atrium/sdk/node` does it for Node.
   */
  checkPins?: (origin: string, pins: readonly string[]) => Promise<boolean>;
  fetch?: typeof fetch;
}

/** All that a device keeps. */
export interface PairedDevice {
  url: string;
  server_id: string;
  /** Keys that the server may show from now on. */
  pins: readonly string[];
  device_id: string;
  scopes: readonly string[];
  key: DeviceKey;
  tokens: { access_token: string; refresh_token: string; expires_at: number };
}

const readFrom = (from: PairOptions['from']): { url: string; code: string; v: string | null } => {
  if (typeof from !== 'string') return { url: from.url.replace(/\/+$/, ''), code: from.code, v: null };
  const link = readPairingLink(from);
  if (link === null) throw new TypeError('This is no pairing picture of Atrium.');
  return { url: link.u, code: link.c, v: link.v };
};

/** Nothing that the server says is believed before it fits the picture, which came another way. */
const check = async (
  { url, code, v }: ReturnType<typeof readFrom>,
  answer: Redeemed,
  checkPins: PairOptions['checkPins'],
): Promise<void> => {
  if (v !== null) {
    if (answer.base_url !== url) throw new PairingMismatch('address');
    const { base_url, server_id, pairing_token, spki_pins } = answer;
    const expected = await pairingCheck({ code, base_url, server_id, pairing_token, spki_pins });
    if (expected !== v) throw new PairingMismatch('check');
  }
  if (checkPins !== undefined && answer.spki_pins.length > 0 && !(await checkPins(url, answer.spki_pins)))
    throw new PairingMismatch('pin');
};

/** Joins a server as a device of the person who showed the picture or read out the code. */
export const pairDevice = async (options: PairOptions): Promise<PairedDevice> => {
  const from = readFrom(options.from);
  const send = options.fetch === undefined ? {} : { fetch: options.fetch };
  const code = normalisePairingCode(from.code);
  const answer = await new Transport({ url: from.url, ...send }).call(pairingsRedeem, { code });
  await check({ ...from, code }, answer, options.checkPins);
  const key = options.key ?? (await makeDeviceKey());
  const token = answer.pairing_token;
  // The server knows itself by the address that it announces, whichever one led to it.
  const proof = await proveKey(key, { method: 'POST', url: `${answer.base_url}${pairingsComplete.path}`, token });
  const joined = await new Transport({ url: from.url, token, ...send }).call(pairingsComplete, {
    device: { ...options.device, public_key: key.public_jwk },
    proof,
  });
  return {
    url: answer.base_url,
    server_id: answer.server_id,
    pins: answer.spki_pins,
    device_id: joined.device_id,
    scopes: joined.scopes,
    key,
    tokens: {
      access_token: joined.access_token,
      refresh_token: joined.refresh_token,
      expires_at: Date.now() + joined.expires_in * 1000,
    },
  };
};
