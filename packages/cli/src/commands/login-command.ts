import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  apiKeysCreate,
  apiKeysRevoke,
  authLogin,
  authLogout,
  grantableScopes,
  meGet,
  type Scope,
} from '@atrium/protocol';
import { Transport } from '@atrium/sdk';
import { type Command, Option } from 'commander';
import {
  checkUrl,
  credentialOf,
  credentialsPath,
  defaultUrl,
  type Profile,
  readCredentials,
  resolveConnection,
  tokensPath,
  writeCredentials,
} from '../credentials.ts';
import { CliExit, usageError } from '../exit-codes.ts';
import { type Io, readAll } from '../io.ts';
import { show } from '../output.ts';
import { prompt } from '../prompt.ts';
import type { Session } from '../session.ts';
import { byOAuth, type OAuthFlags, whoIs } from './browser-sign-in.ts';

interface LoginFlags extends OAuthFlags {
  url?: string;
  profile?: string;
  password?: boolean;
  email?: string;
  passwordStdin?: boolean;
  token?: string;
  session?: boolean;
  scopes?: string;
  days?: string;
}

/** Flags that only make sense with a password. */
const byPasswordOnly = ['password', 'email', 'passwordStdin', 'session', 'days'] satisfies (keyof LoginFlags)[];

const readScopes = (text: string | undefined): Scope[] => {
  const known = [...grantableScopes];
  if (text === undefined) return known;
  const wanted = text.split(',').map((one) => one.trim());
  const wrong = wanted.find((one) => !(known as string[]).includes(one));
  if (wrong !== undefined) throw usageError(`--scopes: "${wrong}" is none of ${known.join(', ')}.`);
  return wanted as Scope[];
};

const readDays = (text: string | undefined): number | null => {
  const days = Number(text ?? '90');
  if (!Number.isInteger(days) || days < 0 || days > 3650)
    throw usageError('--days: a whole number up to 3650; 0 = never.');
  return days === 0 ? null : days;
};

/** The name that keys made here carry, so that the list of keys says where each is used. */
const keyName = (): string => `atrium on ${hostname()}`.slice(0, 100);

const byPassword = async (url: string, io: Io, flags: LoginFlags): Promise<Profile> => {
  const email = flags.email ?? (await prompt(io, 'E-mail'));
  const password =
    flags.passwordStdin === true
      ? (await readAll(io.stdin)).replace(/\r?\n$/, '')
      : await prompt(io, 'Password', { secret: true });
  const signedIn = await new Transport({ url }).call(authLogin, { email, password });
  const who = signedIn.user.email;
  if (flags.session === true) {
    const expires_at = new Date(Date.now() + signedIn.expires_in * 1000).toISOString();
    return { url, token: signedIn.access_token, kind: 'session', who, expires_at };
  }
  const transport = new Transport({ url, token: signedIn.access_token });
  try {
    const input = { name: keyName(), scopes: readScopes(flags.scopes), expires_in_days: readDays(flags.days) };
    const { key, api_key } = await transport.call(apiKeysCreate, input);
    return { url, token: api_key, kind: 'api_key', key_id: key.id, who, expires_at: key.expires_at };
  } finally {
    await transport.call(authLogout, {}).catch(() => {});
  }
};

const byToken = async (url: string, io: Io, given: string): Promise<Profile> => {
  const token = given === '-' ? (await readAll(io.stdin)).trim() : given;
  const who = await whoIs(new Transport({ url, token }));
  return { url, token, kind: 'given', ...(who === null ? {} : { who }) };
};

/** The browser, unless a flag says that it is about a password or a token. */
const signIn = async (session: Session, url: string, name: string, flags: LoginFlags): Promise<Profile> => {
  const { io, signal } = session;
  if (flags.token !== undefined) return byToken(url, io, flags.token);
  if (byPasswordOnly.some((flag) => flags[flag] !== undefined)) return byPassword(url, io, flags);
  const scope = flags.scopes === undefined ? {} : { scope: readScopes(flags.scopes).join(' ') };
  const profile = await byOAuth(io, url, name, { ...flags, ...scope }, signal);
  if (profile !== null) return profile;
  if (io.stdin.isTTY !== true)
    throw usageError(`${url} has no sign-in by browser. Give --email and --password-stdin, or --token.`);
  io.stderr.write(`${url} has no sign-in by browser, so it is asked for here.\n`);
  return byPassword(url, io, flags);
};

const login = async (session: Session, command: Command): Promise<void> => {
  const { io } = session;
  const flags = command.optsWithGlobals<LoginFlags>();
  const credentials = readCredentials(io);
  const name = flags.profile ?? (io.environment['ATRIUM_PROFILE'] || credentials.current);
  const known = credentials.profiles[name]?.url ?? defaultUrl;
  const given = flags.url ?? (io.environment['ATRIUM_URL'] || undefined);
  const ask = given === undefined && io.stdin.isTTY === true;
  const url = checkUrl(given ?? (ask ? await prompt(io, 'Server', { initial: known }) : known));
  const profile = await signIn(session, url, name, flags);
  if (profile.kind !== 'oauth') rmSync(tokensPath(io, name), { force: true });
  const profiles = { ...readCredentials(io).profiles, [name]: profile };
  writeCredentials(io, { current: name, profiles });
  const until = profile.expires_at == null ? '' : `, until ${profile.expires_at.slice(0, 10)}`;
  io.stdout.write(`Signed in to ${url} as ${profile.who ?? 'a token with few scopes'} (profile ${name}${until}).\n`);
};

/** Ends what was made here, and says what became of it. */
const endCredential = async (transport: Transport, profile: Profile): Promise<string> => {
  switch (profile.kind) {
    case 'given':
      return 'The token was not made here and stays valid.';
    case 'oauth':
      if ((await transport.session?.signOut()) !== true) throw new Error('it did not take the tokens back');
      break;
    case 'session':
      await transport.call(authLogout, {});
      break;
    case 'api_key':
      if (profile.key_id !== undefined) await transport.call(apiKeysRevoke, { id: profile.key_id });
      break;
    default:
      profile satisfies never;
  }
  return 'The credential was ended on the server.';
};

const logout = async (session: Session, command: Command): Promise<void> => {
  const { io } = session;
  const credentials = readCredentials(io);
  const name = command.optsWithGlobals<{ profile?: string }>().profile ?? credentials.current;
  const profile = credentials.profiles[name];
  if (profile === undefined)
    throw new CliExit('not_signed_in', `There is no profile "${name}" in ${credentialsPath(io)}.`);
  const { [name]: _gone, ...profiles } = credentials.profiles;
  const transport = new Transport({ url: profile.url, ...credentialOf(io, name, profile), attempts: 1 });
  const ended = await endCredential(transport, profile).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    return `The server could not be told (${why}); the credential may still be valid there.`;
  });
  const current = credentials.current === name ? (Object.keys(profiles)[0] ?? 'default') : credentials.current;
  writeCredentials(io, { current, profiles });
  io.stdout.write(`Signed out of ${profile.url} (profile ${name}). ${ended}\n`);
};

const whoami = async (session: Session, command: Command): Promise<void> => {
  const { io } = session;
  const connection = resolveConnection(io, command.optsWithGlobals());
  if (connection.credential === null)
    throw new CliExit('not_signed_in', `Not signed in to ${connection.url}. Run "atrium login", or set ATRIUM_TOKEN.`);
  const me = await session.transport(command).call(meGet, {}, { signal: session.signal });
  if (command.opts<{ json?: boolean }>().json) return show(io, me, true);
  show(
    io,
    {
      name: me.user?.name ?? me.principal.name,
      ...(me.user === null ? {} : { email: me.user.email }),
      kind: me.principal.type,
      organisation: me.org.name,
      role: me.role?.name,
      scopes: me.scopes.join(' '),
      server: connection.url,
      profile: connection.profile ?? connection.source,
    },
    false,
  );
};

const listProfiles = (session: Session): void => {
  const { current, profiles } = readCredentials(session.io);
  const items = Object.entries(profiles).map(([name, profile]) => ({
    profile: name,
    current: name === current ? 'yes' : '',
    url: profile.url,
    who: profile.who ?? '',
    until: profile.expires_at ?? '',
  }));
  show(session.io, { items, next_cursor: null }, false);
};

export const addLoginCommands = (program: Command, session: Session): void => {
  program
    .command('login')
    .summary('sign in and keep the credential for later commands')
    .description(
      `Signs in through the pages of the server, in a browser on this machine; with --device on any other one. The tokens are kept in ~/.config/atrium (0600) and renew themselves.
With --password, or a flag that goes with it, it asks for e-mail and password here and makes an API key instead. ATRIUM_URL and ATRIUM_TOKEN win over what is kept.`,
    )
    .addOption(
      new Option('--device', 'show a code to enter in a browser elsewhere').conflicts(['token', ...byPasswordOnly]),
    )
    .addOption(
      new Option('--client-id <id>', 'client to sign in as, where the server lets none register itself').conflicts([
        'token',
        ...byPasswordOnly,
      ]),
    )
    .option('--scopes <a,b>', 'scopes to ask for; default: all that the server offers')
    .addOption(
      new Option('--token <token>', 'keep this API key or access token; - reads standard input').conflicts(
        byPasswordOnly,
      ),
    )
    .option('--password', 'sign in with e-mail and password, and make an API key')
    .option('--email <address>', 'instead of asking for it')
    .option('--password-stdin', 'read the password from standard input')
    .option('--session', 'keep the session itself instead of making an API key')
    .option('--days <n>', 'how long the API key lives, 0 = for ever; default: 90')
    .action((_options: unknown, command: Command) => login(session, command));
  program
    .command('logout')
    .summary('forget a credential and end it on the server')
    .description('Revokes the tokens, API key or session that "atrium login" made, and forgets them.')
    .action((_options: unknown, command: Command) => logout(session, command));
  program
    .command('whoami')
    .summary('show who you are to the server')
    .description('Name, organisation, role and scopes, as the server knows them, and what names the credential here.')
    .option('--json', 'the answer as JSON')
    .action((_options: unknown, command: Command) => whoami(session, command));
  program
    .command('profiles')
    .summary('list the credentials that are kept')
    .description('Shows which server each is for, whose it is and until when, and nothing that is secret.')
    .action(() => listProfiles(session));
};
