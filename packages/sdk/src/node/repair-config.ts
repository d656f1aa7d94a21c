import { chmod, stat } from 'node:fs/promises';
import { fingerprintOf, parsePublicKey } from '@atrium/protocol';
import { agentKeyOf } from '../agent/agent-key.ts';
import {
  type AgentFile,
  type AgentHome,
  agentPath,
  endpointsFor,
  foreignPaths,
  isOpenToOthers,
  parseAgentFile,
  writeAgentFile,
} from './agent-file.ts';

export interface Repair {
  /** `fixed`: done, or in a dry run to be done. `look`: only a person can say what is right. */
  kind: 'fixed' | 'look';
  what: string;
}

export interface RepairReport {
  /** The file that is right, or would be; null when no agent is kept here. */
  path: string | null;
  dry_run: boolean;
  repairs: Repair[];
}

const fixed = (what: string): Repair => ({ kind: 'fixed', what });
const look = (what: string): Repair => ({ kind: 'look', what });

const mendKeys = async ({ keys }: AgentFile): Promise<{ keys: AgentFile['keys']; repairs: Repair[] }> => {
  const repairs: Repair[] = [];
  let { public_key } = keys;
  if (!parsePublicKey(public_key).ok && parsePublicKey(`ed25519:${public_key}`).ok) {
    public_key = `ed25519:${public_key}`;
    repairs.push(fixed('The public key gets its prefix ed25519:.'));
  }
  const parsed = parsePublicKey(public_key);
  if (!parsed.ok) return { keys, repairs: [...repairs, look(`The public key ${parsed.problem}.`)] };
  const fingerprint = await fingerprintOf(parsed.bytes);
  if (keys.fingerprint !== fingerprint) repairs.push(fixed(`The fingerprint becomes that of the key, ${fingerprint}.`));
  if (keys.private_key === undefined && keys.sealed_private_key === undefined)
    repairs.push(look('The private key is not kept here.'));
  if (keys.private_key !== undefined) {
    const key = await agentKeyOf(keys.private_key).catch(() => null);
    if (key === null) repairs.push(look('The private key is not base64 of 32 bytes.'));
    else if (key.public_key !== public_key)
      repairs.push(look('The private key does not belong to the public key beside it.'));
  }
  return { keys: { ...keys, public_key, fingerprint }, repairs };
};

/** The address of the API without the path that some programs wrote behind it. */
const originOf = (api: string): string => api.replace(/\/(?:api\/v1\/?|)$/, '');

const mendEndpoints = ({ endpoints }: AgentFile): { endpoints: AgentFile['endpoints']; repairs: Repair[] } => {
  const { api, mcp } = endpoints ?? {};
  if (api === undefined) return { endpoints, repairs: [look('The file does not say which server the agent is at.')] };
  const derived = endpointsFor(originOf(api));
  const repairs = [
    ...(api === derived.api ? [] : [fixed(`The address of the server becomes ${derived.api}.`)]),
    ...(mcp === undefined ? [fixed(`The address for MCP becomes ${derived.mcp}.`)] : []),
  ];
  return { endpoints: { ...endpoints, api: derived.api, mcp: mcp ?? derived.mcp }, repairs };
};

const missing = async ({ ssh, git }: AgentFile): Promise<Repair[]> => {
  const paths = [ssh?.private_key_path, ssh?.public_key_path, git?.config_path];
  const gone = await Promise.all(
    paths.map(async (path) => (path !== undefined && (await stat(path).catch(() => null)) === null ? path : null)),
  );
  return gone.flatMap((path) =>
    path === null ? [] : [look(`${path} is gone. "atrium agent git-setup" makes it again.`)],
  );
};

const isAgent = ({ identity_id, oauth2, pending }: AgentFile): boolean =>
  (identity_id !== undefined && oauth2 !== undefined) || pending !== undefined;

/** Takes over the file of the program before, and mends what can be known. What is only odd is told. */
export const repairConfig = async (home: AgentHome, options: { dryRun?: boolean } = {}): Promise<RepairReport> => {
  const dry_run = options.dryRun === true;
  const own = agentPath(home);
  let file = parseAgentFile(own);
  const repairs: Repair[] = [];
  if (file !== null && isOpenToOthers(own)) {
    repairs.push(fixed(`${own} can be read by others; it becomes 0600.`));
    if (!dry_run) await chmod(own, 0o600);
  }
  for (const path of file === null ? foreignPaths(home) : []) {
    file ??= parseAgentFile(path);
    if (file === null) continue;
    repairs.push(fixed(`${path} is taken over into ${own}. The old file stays; delete it when nothing needs it.`));
    break;
  }
  if (file === null) return { path: null, dry_run, repairs: [look(`No agent is kept in ${own}.`)] };
  const [mended, places] = [await mendKeys(file), mendEndpoints(file)];
  repairs.push(...mended.repairs, ...places.repairs, ...(await missing(file)));
  if (!isAgent(file)) repairs.push(look('There is a key and no secret. "atrium agent recover" gets one.'));
  const { endpoints } = places;
  const whole = { ...file, keys: mended.keys, ...(endpoints === undefined ? {} : { endpoints }) };
  if (!dry_run && repairs.some(({ kind }) => kind === 'fixed')) await writeAgentFile(home, whole);
  return { path: own, dry_run, repairs };
};
