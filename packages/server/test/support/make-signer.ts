import { personalKeyProof } from '@atrium/protocol';
import { makeKey, type TestKey } from './agent-key.ts';
import { createAuthenticator } from './authenticator.ts';
import type { KeyWorld } from './key-world.ts';
import { ok, type Person } from './people.ts';

/** A member with a passkey and a key, in software. */
export const makeSigner = async (
  world: KeyWorld,
  origin: string,
  name: string,
): Promise<{ person: Person; key: TestKey }> => {
  const person = await world.org.member(name);
  const device = createAuthenticator(origin);
  const made = ok(await person.post('/api/v1/me/passkeys/options'));
  const passkey = { ceremony_id: made.ceremony_id, credential: device.create(made.options) };
  ok(await person.post('/api/v1/me/passkeys', passkey));
  const key = await makeKey();
  const { ceremony_id, options, nonce } = ok(
    await person.post('/api/v1/me/personal-keys/options', { public_key: key.public_key }),
  );
  const proof = await key.sign(personalKeyProof(person.id, key.public_key, nonce));
  const input = { ceremony_id, credential: device.get(options), proof, label: 'Software' };
  ok(await person.post('/api/v1/me/personal-keys', input));
  return { person, key };
};
