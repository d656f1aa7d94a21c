import { DeviceSession, makeDeviceKey, type PairedDevice, type PairOptions, pairDevice, proveKey } from '@atrium/sdk';
import { type LiveSocket, openSocket } from './live-socket.ts';
import { type Json, someAddress } from './rest-client.ts';

/** A fetch that comes from one address, where the server trusts this machine as a proxy. */
export const fetchFrom =
  (address: string): typeof fetch =>
  (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set('x-forwarded-for', address);
    return fetch(input, { ...init, headers });
  };

export interface Companion {
  paired: PairedDevice;
  session: DeviceSession;
  get(path: string): Promise<{ status: number; body: Json }>;
  socket(): Promise<LiveSocket>;
}

export const companionOf = (paired: PairedDevice): Companion => {
  const session = new DeviceSession({
    device: paired,
    keep: (tokens) => {
      paired.tokens = tokens;
    },
  });
  return {
    paired,
    session,
    get: async (path) => {
      const answer = await session.fetch(path);
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
    },
    socket: async () => {
      const live = await openSocket(paired.url, '', { auth: false });
      live.send(await session.socketAuth());
      live.send({ type: 'subscribe' });
      await live.message(({ type }) => type === 'replayed' || type === 'error', 'the subscription');
      return live;
    },
  };
};

/** A phone that reads the picture, by the reference client. */
export const joinAs = async (
  from: PairOptions['from'],
  device: Partial<PairOptions['device']> = {},
  more: Partial<PairOptions> = {},
): Promise<Companion> =>
  companionOf(
    await pairDevice({
      from,
      device: { name: 'Phone', platform: 'ios', ...device },
      fetch: fetchFrom(someAddress()),
      ...more,
    }),
  );

/** The second step of a pairing by hand. */
export const completeBy = async (
  url: string,
  token: string,
  more: { proof?: string; name?: string; address?: string } = {},
): Promise<{ status: number; body: Json }> => {
  const key = await makeDeviceKey();
  const proof = more.proof ?? (await proveKey(key, { method: 'POST', url: `${url}/auth/pair/complete`, token }));
  const answer = await fetchFrom(more.address ?? someAddress())(`${url}/auth/pair/complete`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      device: { name: more.name ?? 'Phone', platform: 'ios', public_key: key.public_jwk },
      proof,
    }),
  });
  return { status: answer.status, body: await answer.json() };
};
