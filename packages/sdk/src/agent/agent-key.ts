import {
  type Bytes,
  fingerprintOf,
  fromBase64,
  generateKeyPair,
  publicKeyOfPrivate,
  publicKeyText,
  signBytes,
  signingDomain,
  signMessage,
} from '@atrium/protocol';

/** The key of an agent, whole. The private half is base64 of its 32-byte seed and stays with the agent. */
export interface AgentKey {
  public_key: string;
  fingerprint: string;
  private_key: string;
}

const named = async (publicKey: Bytes, private_key: string): Promise<AgentKey> => ({
  public_key: publicKeyText(publicKey),
  fingerprint: await fingerprintOf(publicKey),
  private_key,
});

export const makeAgentKey = async (): Promise<AgentKey> => {
  const { public_key, private_key } = await generateKeyPair();
  return named(public_key, private_key);
};

/** The key that a private half belongs to. Throws for any text but base64 of 32 bytes. */
export const agentKeyOf = async (privateKey: string): Promise<AgentKey> =>
  named(await publicKeyOfPrivate(privateKey), privateKey);

/** Signs the message of a signing request with its nonce. */
export const sign = (key: AgentKey, message: string, nonce: string): Promise<string> =>
  signMessage(key.private_key, message, nonce);

/**
 * Signs the `signing_input` of a signing request. Bytes in another form are refused: a proof for another key, or a
 * challenge, must not be signed because somebody called it a message.
 */
export const signInput = async (key: AgentKey, signingInput: string): Promise<string> => {
  const bytes = fromBase64(signingInput);
  if (bytes === null || !signingDomain.every((byte, at) => bytes[at] === byte))
    throw new TypeError('This is no signing_input of a signing request.');
  return signBytes(key.private_key, bytes);
};
