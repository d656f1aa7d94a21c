import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AgentError } from '../agent/agent-error.ts';
import { type AgentKey, agentKeyOf } from '../agent/agent-key.ts';
import { configFolder, type Environment, replaceFile } from './config-folder.ts';
import { openKey, sealedKey, sealKey } from './sealed-key.ts';

const keptKey = z.looseObject({
  public_key: z.string(),
  fingerprint: z.string().optional(),
  /** One of the two: as it is, or under a passphrase. */
  private_key: z.string().optional(),
  sealed_private_key: sealedKey.optional(),
});
export type KeptKey = z.infer<typeof keptKey>;

/** What an agent keeps on this machine. Members that are not known here are kept as they are. */
export const agentFile = z.looseObject({
  /** Missing until the server has answered. */
  identity_id: z.string().optional(),
  registered_at: z.string().optional(),
  oauth2: z.looseObject({ client_id: z.string(), client_secret: z.string() }).optional(),
  keys: keptKey.extend({
    /** Made for a replacement that is under way. */
    next: keptKey.optional(),
  }),
  endpoints: z.looseObject({ api: z.string().optional(), mcp: z.string().optional() }).optional(),
  ssh: z.looseObject({ private_key_path: z.string(), public_key_path: z.string() }).optional(),
  git: z.looseObject({ name: z.string(), email: z.string(), config_path: z.string() }).optional(),
  /** A registration whose answer has not come: it is sent again under the same key. */
  pending: z.object({ idempotency_key: z.string(), code_hash: z.string(), api: z.string() }).optional(),
});
export type AgentFile = z.infer<typeof agentFile>;

/** What an agent's files are read and written with. */
export interface AgentHome {
  environment: Environment;
  /** Asked for when the private key is kept under one. */
  passphrase?: () => string | Promise<string>;
  /** Told what is odd but no hindrance. */
  warn?: (text: string) => void;
  fetch?: typeof fetch;
}

export interface FoundAgent {
  path: string;
  file: AgentFile;
  /** The file of the program before this one, which is read and never written. */
  foreign: boolean;
}

export const agentPath = ({ environment }: Pick<AgentHome, 'environment'>): string =>
  join(configFolder(environment), 'atrium', 'agent.json');

/** Where the program that came before keeps its own. */
export const foreignPaths = ({ environment }: Pick<AgentHome, 'environment'>): string[] =>
  ['moltnet.json', 'credentials.json'].map((name) => join(configFolder(environment), 'moltnet', name));

/** Throws for a file that is not what it should be; null where there is none. */
export const parseAgentFile = (path: string): AgentFile | null => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return agentFile.parse(JSON.parse(text));
  } catch {
    // The cause would quote the file, and the file holds the key.
    throw new AgentError('file_damaged', `${path} is damaged. It may hold the only copy of your key: mend it by hand.`);
  }
};

export const isOpenToOthers = (path: string): boolean =>
  process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0;

export const readAgentFile = (home: AgentHome): FoundAgent | null => {
  const own = agentPath(home);
  const file = parseAgentFile(own);
  if (file !== null) {
    if (isOpenToOthers(own)) {
      chmodSync(own, 0o600);
      home.warn?.(`${own} was readable by others; it is 0600 again.`);
    }
    return { path: own, file, foreign: false };
  }
  for (const path of foreignPaths(home)) {
    const found = parseAgentFile(path);
    if (found === null) continue;
    home.warn?.(`Using ${path} of another program. "atrium agent config-repair" takes it over.`);
    return { path, file: found, foreign: true };
  }
  return null;
};

export const writeAgentFile = (home: AgentHome, file: AgentFile): Promise<void> =>
  replaceFile(agentPath(home), `${JSON.stringify(file, null, 2)}\n`);

export const requireAgentFile = (home: AgentHome): FoundAgent => {
  const found = readAgentFile(home);
  if (found !== null) return found;
  throw new AgentError('no_key', `No agent is kept in ${agentPath(home)}. "atrium agent register" makes one.`);
};

/** A key as it is kept: under the passphrase when there is one. */
export const keepKey = async (key: AgentKey, passphrase: string | null): Promise<KeptKey> => {
  const { public_key, fingerprint, private_key } = key;
  return passphrase === null
    ? { public_key, fingerprint, private_key }
    : { public_key, fingerprint, sealed_private_key: await sealKey(public_key, private_key, passphrase) };
};

/** The passphrase that the kept key is under; null when it is under none. */
export const passphraseOf = async (home: AgentHome, kept: KeptKey): Promise<string | null> => {
  if (kept.sealed_private_key === undefined) return null;
  const passphrase = await home.passphrase?.();
  if (passphrase !== undefined && passphrase !== '') return passphrase;
  throw new AgentError('passphrase_required', 'The private key is kept under a passphrase, and none was given.');
};

/** Checks that both halves belong together: a key that signs under another name helps nobody. */
export const openKept = async (kept: KeptKey, passphrase: string | null): Promise<AgentKey> => {
  const { public_key, sealed_private_key: sealed } = kept;
  const text = sealed === undefined ? kept.private_key : await openKey(public_key, sealed, passphrase ?? '');
  if (text === undefined) throw new AgentError('no_key', 'The private key is not kept here.');
  const key = await agentKeyOf(text).catch(() => null);
  if (key?.public_key === public_key) return key;
  throw new AgentError('file_damaged', 'The private key that is kept does not belong to the public key beside it.');
};

export const heldKey = async (home: AgentHome, { keys }: AgentFile): Promise<AgentKey> =>
  openKept(keys, await passphraseOf(home, keys));

/** Origin of the server that a file is about. */
export const apiOf = ({ endpoints }: AgentFile): string | null => endpoints?.api?.replace(/\/+$/, '') ?? null;
export const endpointsFor = (api: string) => ({ api, mcp: `${api}/mcp` });
