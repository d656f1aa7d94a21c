import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AgentError, agentAuth, type OAuth, type OAuthOptions, oauth } from '@atrium/sdk';
import {
  type AgentCredentials,
  type AgentHome,
  configFolder,
  fileStore,
  findCredentials,
  storeFor,
} from '@atrium/sdk/node';
import { z } from 'zod';
import { CliExit, usageError } from './exit-codes.ts';
import type { Io } from './io.ts';

const common = {
  url: z.string(),
  who: z.string().optional(),
  expires_at: z.string().nullable().optional(),
};
const profile = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('api_key'),
    token: z.string(),
    /** To be revoked by `logout`. */
    key_id: z.string().optional(),
  }),
  z.object({ ...common, kind: z.enum(['session', 'given']), token: z.string() }),
  /** The tokens change by themselves, so they have a file of their own: see `tokensPath`. */
  z.object({ ...common, kind: z.literal('oauth') }),
]);
const credentialsFile = z.object({ current: z.string(), profiles: z.record(z.string(), profile) });
export type Profile = z.infer<typeof profile>;
export type Credentials = z.infer<typeof credentialsFile>;

export const defaultUrl = 'http://localhost:4400';

const configDirectory = ({ environment }: Io): string => join(configFolder(environment), 'atrium');

export const credentialsPath = (io: Io): string => join(configDirectory(io), 'credentials.json');

/** OAuth tokens of a profile. A profile may have any name, a file may not. */
export const tokensPath = (io: Io, name: string): string =>
  join(configDirectory(io), 'tokens', `${encodeURIComponent(name).replaceAll('.', '%2E')}.json`);

export const readCredentials = (io: Io): Credentials => {
  const path = credentialsPath(io);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
      chmodSync(path, 0o600);
      io.stderr.write(`Warning: ${path} was readable by others; it is 0600 again.\n`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: 'default', profiles: {} };
    throw new CliExit('not_signed_in', `${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    return credentialsFile.parse(JSON.parse(text));
  } catch {
    throw new CliExit('not_signed_in', `${path} is damaged. Delete it and run "atrium login".`);
  }
};

/** Replaces the file in one step; it is never readable by others, not even for a moment. */
export const writeCredentials = (io: Io, credentials: Credentials): void => {
  const path = credentialsPath(io);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  renameSync(draft, path);
};

/** A token that is what it is, or a sign-in that renews its own. */
export type Credential = { token: string } | { auth: OAuth };

export interface Connection {
  url: string;
  credential: Credential | null;
  /** Null when the environment, the file of an agent or nothing names the credential. */
  profile: string | null;
  /** What names it, for people. */
  source: string;
}

/** What the agent of this machine is read with. */
export const agentHomeOf = (io: Io): AgentHome => ({
  environment: io.environment,
  warn: (text) => void io.stderr.write(`Warning: ${text}\n`),
});

const asAgent = (io: Io, found: AgentCredentials, source: string): Connection => {
  const auth = agentAuth({ ...found, store: storeFor(agentHomeOf(io), found) });
  return { url: checkUrl(found.url), credential: { auth }, profile: null, source };
};

/** The agent that the environment names, or the one that is kept here when nobody is signed in. */
const agentConnection = (io: Io, url: string | undefined, wanted: AgentCredentials['source']): Connection | null => {
  try {
    const found = findCredentials(agentHomeOf(io), url === undefined ? {} : { url });
    if (found?.source !== wanted) return null;
    return asAgent(io, found, wanted === 'file' ? 'the agent of this machine' : 'ATRIUM_CLIENT_ID');
  } catch (error) {
    // Its secret is for another server, or its file is damaged: commands that need no credential go on without.
    if (error instanceof AgentError && wanted === 'file') return null;
    throw error;
  }
};

const namesClient = ({ environment }: Io): boolean =>
  ['ATRIUM_CLIENT_ID', 'ATRIUM_CLIENT_SECRET', 'MOLTNET_CLIENT_ID', 'MOLTNET_CLIENT_SECRET'].some(
    (name) => (environment[name] ?? '') !== '',
  );

/**
 * Environment over `--profile` over the current profile over the agent that is kept here. A token or secret of a file
 * goes to the server it is for, and no other.
 */
export const resolveConnection = (io: Io, given: { profile?: string; url?: string }): Connection => {
  const { ATRIUM_URL, ATRIUM_TOKEN, ATRIUM_PROFILE } = io.environment;
  const url = given.url ?? (ATRIUM_URL || undefined);
  if (ATRIUM_TOKEN && given.profile === undefined)
    return {
      url: checkUrl(url ?? defaultUrl),
      credential: { token: ATRIUM_TOKEN },
      profile: null,
      source: 'ATRIUM_TOKEN',
    };
  if (namesClient(io) && given.profile === undefined) {
    const named = agentConnection(io, url, 'environment');
    if (named !== null) return named;
  }
  const credentials = readCredentials(io);
  const name = given.profile ?? (ATRIUM_PROFILE || credentials.current);
  const found = credentials.profiles[name];
  if (found === undefined && (given.profile !== undefined || ATRIUM_PROFILE))
    throw usageError(`There is no profile "${name}". Make it with "atrium login --profile ${name}".`);
  const target = checkUrl(url ?? found?.url ?? defaultUrl);
  const fits = found !== undefined && new URL(found.url).origin === new URL(target).origin;
  if (fits)
    return { url: target, credential: credentialOf(io, name, found), profile: name, source: `the profile ${name}` };
  return agentConnection(io, url, 'file') ?? { url: target, credential: null, profile: null, source: 'nothing' };
};

export const credentialOf = (io: Io, name: string, found: Profile): Credential =>
  found.kind === 'oauth' ? { auth: keptSignIn(io, name) } : { token: found.token };

/** The sign-in of a profile. Without a way to ask, it renews tokens for as long as the server lets it. */
export const keptSignIn = (io: Io, name: string, how: Pick<OAuthOptions, 'signIn' | 'client' | 'scope'> = {}): OAuth =>
  oauth({ ...how, store: fileStore(tokensPath(io, name)), assumeEndpoints: false });

/** The origin of a server, or a usage error. */
export const checkUrl = (text: string): string => {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw usageError(`"${text}" is not the address of a server. An example: ${defaultUrl}`);
  return parsed.origin + (parsed.pathname === '/' ? '' : parsed.pathname.replace(/\/+$/, ''));
};
