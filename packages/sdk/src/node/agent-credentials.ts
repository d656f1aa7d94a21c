import { AgentError } from '../agent/agent-error.ts';
import { type AgentHome, agentPath, apiOf, type FoundAgent, readAgentFile } from './agent-file.ts';
import type { Environment } from './config-folder.ts';

export interface AgentCredentials {
  url: string;
  client_id: string;
  client_secret: string;
  /** Where they came from. */
  source: 'options' | 'environment' | 'file';
}

export interface GivenCredentials {
  url?: string;
  client_id?: string;
  client_secret?: string;
}

const defaultUrl = 'http://localhost:4400';

/** A variable by our name, else by the one of the program before. */
const variable = (environment: Environment, name: string): string | undefined =>
  environment[`ATRIUM_${name}`] || environment[`MOLTNET_${name}`] || undefined;

export const apiInEnvironment = (environment: Environment): string | undefined =>
  variable(environment, 'API_URL') ?? (environment['ATRIUM_URL'] || undefined);

/** Both or nothing: with half of a pair the next source would speak as somebody else. */
const pair = (
  id: string | undefined,
  secret: string | undefined,
  what: string,
): { client_id: string; client_secret: string } | null => {
  if (id === undefined && secret === undefined) return null;
  if (id !== undefined && secret !== undefined) return { client_id: id, client_secret: secret };
  throw new AgentError('no_credentials', `${what} go together, and one of the two is missing.`);
};

const sameOrigin = (one: string, other: string): boolean =>
  URL.canParse(one) && URL.canParse(other) && new URL(one).origin === new URL(other).origin;

/** Of the file, for the server that the file is about and no other. */
const fromFile = (found: FoundAgent, url: string | undefined): AgentCredentials | null => {
  const { oauth2 } = found.file;
  const api = apiOf(found.file);
  if (oauth2 === undefined || api === null) return null;
  if (url !== undefined && !sameOrigin(url, api))
    throw new AgentError('no_credentials', `The secret in ${found.path} is for ${api}, and is not sent to ${url}.`);
  const { client_id, client_secret } = oauth2;
  return { url: url ?? api, client_id, client_secret, source: 'file' };
};

/** Given ones, else ATRIUM_CLIENT_ID and ATRIUM_CLIENT_SECRET, else the file. Null when nothing names any. */
export const findCredentials = (home: AgentHome, given: GivenCredentials = {}): AgentCredentials | null => {
  const { environment } = home;
  const url = given.url ?? apiInEnvironment(environment);
  const explicit = pair(given.client_id, given.client_secret, 'client_id and client_secret');
  if (explicit !== null) return { url: url ?? defaultUrl, ...explicit, source: 'options' };
  const [id, secret] = [variable(environment, 'CLIENT_ID'), variable(environment, 'CLIENT_SECRET')];
  const named = pair(id, secret, 'ATRIUM_CLIENT_ID and ATRIUM_CLIENT_SECRET');
  if (named !== null) return { url: url ?? defaultUrl, ...named, source: 'environment' };
  const found = readAgentFile(home);
  return found === null ? null : fromFile(found, url);
};

export const requireCredentials = (home: AgentHome, given: GivenCredentials = {}): AgentCredentials => {
  const found = findCredentials(home, given);
  if (found !== null) return found;
  throw new AgentError(
    'no_credentials',
    `There is no client and secret: give them, set ATRIUM_CLIENT_ID and ATRIUM_CLIENT_SECRET, or keep an agent in ${agentPath(home)}.`,
  );
};
