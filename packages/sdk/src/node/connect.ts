import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentClient, createAgentClient } from '../agent/agent-client.ts';
import { agentKeyOf } from '../agent/agent-key.ts';
import type { ClientSecret } from '../agent/identity-calls.ts';
import { memoryStore, type TokenStore } from '../oauth/token-store.ts';
import { type AgentCredentials, type GivenCredentials, requireCredentials } from './agent-credentials.ts';
import {
  type AgentFile,
  type AgentHome,
  heldKey,
  readAgentFile,
  requireAgentFile,
  writeAgentFile,
} from './agent-file.ts';
import { configFolder } from './config-folder.ts';
import { fileStore } from './file-store.ts';

export interface ConnectOptions extends GivenCredentials, Partial<AgentHome> {
  /** Base64 of the 32-byte seed; default: the key of the file, when the file's client is the one that connects. */
  private_key?: string;
  /** Connects without reading a key: nothing is asked for, and nothing can be signed. */
  unsigned?: boolean;
  store?: TokenStore;
}

const tokensPath = (home: AgentHome): string => join(configFolder(home.environment), 'atrium', 'agent-tokens.json');

/** Tokens of a secret that was replaced are of no use. */
export const forgetTokens = (home: AgentHome): Promise<void> => rm(tokensPath(home), { force: true });

/** Keeps a secret that replaced the one of the file. */
export const keepSecret = async (home: AgentHome, file: AgentFile, fresh: ClientSecret): Promise<AgentFile> => {
  const whole = { ...file, oauth2: { ...file.oauth2, ...fresh } };
  await forgetTokens(home);
  await writeAgentFile(home, whole);
  return whole;
};

/** Kept between runs of the command line for the client of the file, and for no other. */
export const storeFor = (home: AgentHome, { source }: AgentCredentials): TokenStore =>
  source === 'file' ? fileStore(tokensPath(home)) : memoryStore();

const keyFor = async (home: AgentHome, options: ConnectOptions, { client_id }: AgentCredentials) => {
  if (options.unsigned === true) return null;
  if (options.private_key !== undefined) return agentKeyOf(options.private_key);
  const { warn: _told, ...quietly } = home;
  const found = readAgentFile(quietly);
  if (found === null || found.file.oauth2?.client_id !== client_id) return null;
  return heldKey(home, found.file);
};

/** The agent that credentials name, by the order of `findCredentials`, with its key. */
export const connect = async (options: ConnectOptions = {}): Promise<AgentClient> => {
  const home: AgentHome = { ...options, environment: options.environment ?? process.env };
  const credentials = requireCredentials(home, options);
  const key = await keyFor(home, options, credentials);
  const { url, client_id, client_secret, source } = credentials;
  const onSecret = async (fresh: ClientSecret): Promise<void> => {
    await keepSecret(home, requireAgentFile(home).file, fresh);
  };
  return createAgentClient({
    ...{ url, client_id, client_secret },
    ...(key === null ? {} : { key }),
    ...(source === 'file' ? { onSecret } : {}),
    ...(options.store === undefined ? {} : { store: options.store }),
    ...(home.fetch === undefined ? {} : { fetch: home.fetch }),
  });
};
