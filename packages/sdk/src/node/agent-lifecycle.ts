import { createHash } from 'node:crypto';
import { agentsRotateIdentityKey, cryptoIdentity, rotationProof, signText } from '@atrium/protocol';
import { type AgentClient, createAgentClient } from '../agent/agent-client.ts';
import { AgentError } from '../agent/agent-error.ts';
import { type AgentKey, agentKeyOf, makeAgentKey } from '../agent/agent-key.ts';
import { type ClientSecret, enrol, newIdempotencyKey, recover, register } from '../agent/identity-calls.ts';
import {
  type AgentFile,
  type AgentHome,
  agentPath,
  apiOf,
  endpointsFor,
  type FoundAgent,
  heldKey,
  keepKey,
  openKept,
  parseAgentFile,
  passphraseOf,
  readAgentFile,
  requireAgentFile,
  writeAgentFile,
} from './agent-file.ts';
import { forgetTokens, keepSecret } from './connect.ts';

/** How an agent comes in. */
export type Admission =
  | { kind: 'voucher'; code: string; name?: string }
  /** Of an agent that an administrator made. */
  | { kind: 'enrolment'; token: string };

export interface RegisterAgentOptions {
  url: string;
  admission: Admission;
  /** Keeps the new private key under this passphrase. */
  newPassphrase?: string;
  signal?: AbortSignal;
}

const codeOf = (admission: Admission): string => (admission.kind === 'voucher' ? admission.code : admission.token);
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const networkOf = ({ fetch }: AgentHome) => (fetch === undefined ? {} : { fetch });
const signalOf = ({ signal }: { signal?: AbortSignal }) => (signal === undefined ? {} : { signal });

/** The key of before and the same Idempotency-Key when an answer was lost, else a new key. Kept before anything is sent. */
const prepare = async (home: AgentHome, options: RegisterAgentOptions): Promise<{ file: AgentFile; key: AgentKey }> => {
  const { url: api, admission, newPassphrase = null } = options;
  const code_hash = hashOf(codeOf(admission));
  const known = parseAgentFile(agentPath(home));
  if (known?.oauth2 !== undefined)
    throw new AgentError(
      'already_there',
      `${agentPath(home)} holds an agent already. Move it away, or give this one a configuration folder of its own (XDG_CONFIG_HOME).`,
    );
  const same = known?.pending?.code_hash === code_hash && known.pending.api === api;
  const idempotency_key = same ? known.pending!.idempotency_key : newIdempotencyKey();
  const pending = { idempotency_key, code_hash, api };
  if (known !== null) {
    const file = { ...known, endpoints: endpointsFor(api), pending };
    const key = await heldKey(home, file);
    await writeAgentFile(home, file);
    return { file, key };
  }
  const key = await makeAgentKey();
  const file = { keys: await keepKey(key, newPassphrase), endpoints: endpointsFor(api), pending };
  await writeAgentFile(home, file);
  return { file, key };
};

/**
 * Makes a key, keeps it, registers it, and keeps what comes back. Killed at any moment it can be run again with the same
 * code: the key and the answer of the first time are used.
 */
export const registerAgent = async (home: AgentHome, options: RegisterAgentOptions): Promise<AgentFile> => {
  const { file, key } = await prepare(home, options);
  const { admission, url } = options;
  const common = { url, key, idempotencyKey: file.pending!.idempotency_key, ...networkOf(home), ...signalOf(options) };
  const named = admission.kind === 'voucher' && admission.name !== undefined ? { name: admission.name } : {};
  const answer = await (admission.kind === 'voucher'
    ? register({ ...common, voucherCode: admission.code, ...named })
    : enrol({ ...common, enrolmentToken: admission.token }));
  const { pending: _done, ...kept } = file;
  const { client_id, client_secret, identity_id } = answer;
  const whole = { identity_id, registered_at: new Date().toISOString(), oauth2: { client_id, client_secret }, ...kept };
  await forgetTokens(home);
  await writeAgentFile(home, whole);
  return whole;
};

/** As the agent of a file that was just written or read; its tokens live as long as this call. */
const actingAs = (home: AgentHome, url: string, client: ClientSecret, key?: AgentKey): AgentClient =>
  createAgentClient({ url, ...client, ...networkOf(home), ...(key === undefined ? {} : { key }) });

export interface RecoverAgentOptions {
  /** Default: the server of the file. */
  url?: string;
  /** Base64 of the seed, for a machine on which nothing else is left. */
  privateKey?: string;
  newPassphrase?: string;
  signal?: AbortSignal;
}

/** The key that recovers, and the file that it goes on in. */
const recoveringKey = async (
  home: AgentHome,
  options: RecoverAgentOptions,
): Promise<{ key: AgentKey; file: AgentFile }> => {
  const found = readAgentFile(home);
  if (options.privateKey === undefined) {
    const { file } = found ?? requireAgentFile(home);
    return { key: await heldKey(home, file), file };
  }
  const key = await agentKeyOf(options.privateKey);
  if (found !== null && found.file.keys.public_key === key.public_key) return { key, file: found.file };
  if (found !== null && !found.foreign)
    throw new AgentError('already_there', `${found.path} holds another key. Move it away first.`);
  return { key, file: { keys: await keepKey(key, options.newPassphrase ?? null) } };
};

/** A new secret by the key alone, kept in the file. */
export const recoverAgent = async (home: AgentHome, options: RecoverAgentOptions = {}): Promise<AgentFile> => {
  const { key, file } = await recoveringKey(home, options);
  const url = options.url ?? apiOf(file);
  if (url === null) throw new AgentError('no_credentials', 'The file names no server. Say which one.');
  const oauth2 = await recover({ url, key, ...networkOf(home), ...signalOf(options) });
  const { pending: _done, ...kept } = file;
  const registered_at = file.registered_at ?? new Date().toISOString();
  const whole = { ...kept, registered_at, oauth2: { ...oauth2 }, endpoints: endpointsFor(url) };
  await forgetTokens(home);
  // Kept before anything else is asked: from here on this is the only secret there is.
  await writeAgentFile(home, whole);
  if (whole.identity_id !== undefined) return whole;
  const { identity_id } = await actingAs(home, url, oauth2).transport.call(cryptoIdentity, {}, signalOf(options));
  const named = { identity_id, ...whole };
  await writeAgentFile(home, named);
  return named;
};

/** Of another program it is read and never written. */
const requireOwnFile = (home: AgentHome): FoundAgent => {
  const found = requireAgentFile(home);
  if (!found.foreign) return found;
  throw new AgentError(
    'already_there',
    `${found.path} is of another program. "atrium agent config-repair" takes it over.`,
  );
};

const registeredFile = (home: AgentHome) => {
  const { file } = requireAgentFile(home);
  const url = apiOf(file);
  if (file.oauth2 === undefined || url === null)
    throw new AgentError('no_credentials', `${agentPath(home)} holds no secret. "atrium agent recover" gets one.`);
  return { file, url, oauth2: file.oauth2 };
};

/** Replaces the secret and keeps the new one. */
export const rotateAgentSecret = async (
  home: AgentHome,
  options: { signal?: AbortSignal } = {},
): Promise<AgentFile> => {
  const { file, url, oauth2 } = registeredFile(home);
  const fresh = await actingAs(home, url, oauth2).auth.rotateSecret(signalOf(options));
  return keepSecret(home, file, fresh);
};

/** Puts the private key under another passphrase, or under none. */
export const setPassphrase = async (home: AgentHome, passphrase: string | null): Promise<AgentFile> => {
  const { file } = requireOwnFile(home);
  const { next, ...kept } = file.keys;
  const before = await passphraseOf(home, kept);
  const keys = await keepKey(await openKept(kept, before), passphrase);
  // One that waits to replace it is under the same.
  const waiting = next === undefined ? {} : { next: await keepKey(await openKept(next, before), passphrase) };
  const whole = { ...file, keys: { ...keys, ...waiting } };
  await writeAgentFile(home, whole);
  return whole;
};

/** The replacement that was begun before, or a new one; kept before the server hears of it. */
const nextKey = async (home: AgentHome, file: AgentFile, passphrase: string | null): Promise<AgentKey> => {
  if (file.keys.next !== undefined) return openKept(file.keys.next, passphrase);
  const next = await makeAgentKey();
  await writeAgentFile(home, { ...file, keys: { ...file.keys, next: await keepKey(next, passphrase) } });
  return next;
};

/**
 * Replaces the key by a new one that the old one vouches for. Both are kept until the server has answered; killed in
 * between it can be run again, and finds out which of the two is the agent's.
 */
export const rotateAgentKey = async (home: AgentHome, options: { signal?: AbortSignal } = {}): Promise<AgentFile> => {
  const { file, url, oauth2 } = registeredFile(home);
  const passphrase = await passphraseOf(home, file.keys);
  const old = await openKept(file.keys, passphrase);
  const next = await nextKey(home, file, passphrase);
  const { transport } = actingAs(home, url, oauth2);
  const { identity_id, public_key } = await transport.call(cryptoIdentity, {}, signalOf(options));
  if (public_key !== next.public_key) {
    const text = rotationProof(identity_id, old.public_key, next.public_key);
    const [old_signature, new_signature] = await Promise.all([
      signText(old.private_key, text),
      signText(next.private_key, text),
    ]);
    const input = { public_key: next.public_key, old_signature, new_signature };
    await transport.call(agentsRotateIdentityKey, input, signalOf(options));
  }
  const whole = { ...file, keys: await keepKey(next, passphrase) };
  await forgetTokens(home);
  await writeAgentFile(home, whole);
  return whole;
};
