import {
  agentsInfo,
  agentsRedeemEnrolment,
  agentsRegister,
  enrolProof,
  type OutputOf,
  parseRecoveryChallenge,
  recoveryChallengeOperation,
  recoveryResetSecret,
  recoveryVerify,
  registerProof,
  signText,
} from '@atrium/protocol';
import { Transport } from '../client.ts';
import { AtriumError, NetworkError, RegistrationError } from '../errors.ts';
import { AgentError } from './agent-error.ts';
import type { AgentKey } from './agent-key.ts';

/** A server that is asked without a credential. */
export interface ServerOptions {
  /** Origin of the server. */
  url: string;
  fetch?: typeof fetch;
  signal?: AbortSignal;
}

export interface ClientSecret {
  client_id: string;
  client_secret: string;
}

export type Registered = OutputOf<typeof agentsRegister>;

export interface RegisterOptions extends ServerOptions {
  key: AgentKey;
  /**
   * 43 characters of base64url. Keep it until the answer is there: within ten minutes the same request gets the same
   * answer, so that a lost one loses nothing.
   */
  idempotencyKey?: string;
}

const transportFor = ({ url, fetch }: ServerOptions): Transport =>
  new Transport({ url, ...(fetch === undefined ? {} : { fetch }) });
const callOptions = ({ signal }: ServerOptions) => (signal === undefined ? {} : { signal });

export const newIdempotencyKey = (): string =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=$/, '');

/** How identities work on a server, for agents that read. */
export const info = (options: ServerOptions): Promise<OutputOf<typeof agentsInfo>> =>
  transportFor(options).call(agentsInfo, {}, callOptions(options));

const refused = (error: unknown): never => {
  throw error instanceof AtriumError && !(error instanceof NetworkError) ? RegistrationError.of(error) : error;
};

/** Registers a key with the voucher of a member. */
export const register = async (
  options: RegisterOptions & { voucherCode: string; name?: string },
): Promise<Registered> => {
  const { key, voucherCode, name, idempotencyKey = newIdempotencyKey() } = options;
  const input = {
    public_key: key.public_key,
    voucher_code: voucherCode,
    proof: await signText(key.private_key, registerProof(idempotencyKey, key.public_key)),
    ...(name === undefined ? {} : { name }),
  };
  return transportFor(options)
    .call(agentsRegister, input, { ...callOptions(options), idempotencyKey })
    .catch(refused);
};

/** Gives a key to an agent that an administrator made, by the token that they gave. */
export const enrol = async (options: RegisterOptions & { enrolmentToken: string }): Promise<Registered> => {
  const { key, enrolmentToken, idempotencyKey = newIdempotencyKey() } = options;
  const input = {
    public_key: key.public_key,
    enrolment_token: enrolmentToken,
    proof: await signText(key.private_key, enrolProof(idempotencyKey, key.public_key)),
  };
  return transportFor(options)
    .call(agentsRedeemEnrolment, input, { ...callOptions(options), idempotencyKey })
    .catch(refused);
};

/** From nothing but the key to a new secret. The old one, its tokens and the API keys of the agent end. */
export const recover = async (options: ServerOptions & { key: AgentKey }): Promise<ClientSecret> => {
  const { public_key, private_key } = options.key;
  const [transport, how] = [transportFor(options), callOptions(options)];
  const { challenge, hmac } = await transport.call(recoveryChallengeOperation, { public_key }, how);
  // A server that sent something else could have the key sign itself away.
  if (parseRecoveryChallenge(challenge)?.public_key !== public_key)
    throw new AgentError('unexpected_challenge', `${options.url} sent something else than a challenge for this key.`);
  const signature = await signText(private_key, challenge);
  const { recovery_code } = await transport.call(recoveryVerify, { challenge, hmac, signature, public_key }, how);
  return transport.call(recoveryResetSecret, { recovery_code, public_key }, how);
};
