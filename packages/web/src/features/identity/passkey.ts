import { authPasskeyOptions, passkeysBegin } from '@atrium/protocol';
import { call } from '../../data/client.ts';

/** A passkey that was shown or made, as an operation takes it. */
export interface ShownPasskey {
  ceremony_id: string;
  credential: Record<string, unknown>;
}

/** The person turned back, or the browser gave up; nothing went wrong. */
export class PasskeyCancelled extends Error {
  constructor() {
    super('No passkey was chosen.');
    this.name = 'PasskeyCancelled';
  }
}

/** Browsers have passkeys in secure contexts only: https, or localhost. */
export const passkeysSupported = (): boolean =>
  typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;

const shown = async (ceremony_id: string, ask: () => Promise<Credential | null>): Promise<ShownPasskey> => {
  try {
    const credential = await ask();
    if (!(credential instanceof PublicKeyCredential)) throw new PasskeyCancelled();
    return { ceremony_id, credential: credential.toJSON() as unknown as Record<string, unknown> };
  } catch (error) {
    if (error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError')) {
      throw new PasskeyCancelled();
    }
    if (error instanceof DOMException && error.name === 'InvalidStateError') {
      throw new Error('This device has a passkey for your account already.');
    }
    throw error;
  }
};

/** Asks the browser for a passkey of this server. */
export const showPasskey = async (): Promise<ShownPasskey> => showPasskeyFor(await call(authPasskeyOptions, {}));

/** The same for what was begun elsewhere. */
export const showPasskeyFor = async ({
  ceremony_id,
  options,
}: {
  ceremony_id: string;
  options: Record<string, unknown>;
}): Promise<ShownPasskey> => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as unknown as PublicKeyCredentialRequestOptionsJSON,
  );
  return shown(ceremony_id, () => navigator.credentials.get({ publicKey }));
};

/** Asks the browser to make one. */
export const makePasskey = async (): Promise<ShownPasskey> => {
  const { ceremony_id, options } = await call(passkeysBegin, {});
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as unknown as PublicKeyCredentialCreationOptionsJSON,
  );
  return shown(ceremony_id, () => navigator.credentials.create({ publicKey }));
};
