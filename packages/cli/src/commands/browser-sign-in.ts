import { meGet } from '@atrium/protocol';
import { AtriumError, type DevicePrompt, OAuthError, type SignIn, Transport } from '@atrium/sdk';
import { loopbackRedirect, openBrowser } from '@atrium/sdk/node';
import { keptSignIn, type Profile } from '../credentials.ts';
import { usageError } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { printable } from '../output.ts';

export interface OAuthFlags {
  device?: boolean;
  clientId?: string;
}

/** The page is shown in any case: an opened browser may be on a screen that nobody looks at. */
const showPage = async (io: Io, page: URL): Promise<void> => {
  const opened = await openBrowser(page, io.environment);
  io.stderr.write(
    opened
      ? `Sign in in the browser that opens. If none does, open this address on this machine:\n\n  ${page.href}\n\n`
      : `Open this address in a browser on this machine, or use --device to sign in on another one:\n\n  ${page.href}\n\n`,
  );
};

const showCode = (
  io: Io,
  { userCode, verificationUri, verificationUriComplete, expiresInSeconds }: DevicePrompt,
): void => {
  const direct = verificationUriComplete === null ? '' : `\nWith the code in it: ${printable(verificationUriComplete)}`;
  io.stderr.write(
    `Open ${printable(verificationUri)} on any device and enter this code within ${Math.ceil(expiresInSeconds / 60)} minutes:\n\n  ${printable(userCode)}\n${direct}\n`,
  );
};

const signInBy = (io: Io, { device }: OAuthFlags): SignIn =>
  device === true
    ? { kind: 'device', show: (prompt) => showCode(io, prompt) }
    : { kind: 'browser', redirect: loopbackRedirect({ open: (page) => showPage(io, page) }) };

/** Whose credential it is. One with few scopes may not read the account; that it is accepted is what matters. */
export const whoIs = async (transport: Transport, signal?: AbortSignal): Promise<string | null> => {
  try {
    const me = await transport.call(meGet, {}, signal === undefined ? {} : { signal });
    return me.user?.email ?? me.principal.name;
  } catch (error) {
    if (error instanceof AtriumError && error.code === 'insufficient_scope') return null;
    throw error;
  }
};

/** Signs in through the server's own pages. Null when the server has none. */
export const byOAuth = async (
  io: Io,
  url: string,
  name: string,
  flags: OAuthFlags & { scope?: string },
  signal: AbortSignal,
): Promise<Profile | null> => {
  const { scope } = flags;
  const client = { name: 'Atrium command line', ...(flags.clientId === undefined ? {} : { id: flags.clientId }) };
  const signIn = keptSignIn(io, name, {
    signIn: signInBy(io, flags),
    client,
    ...(scope === undefined ? {} : { scope }),
  });
  const asking = new Transport({ url, auth: signIn });
  try {
    await asking.session?.signIn({ signal });
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    if (error.code === 'discovery_failed' && flags.device !== true) return null;
    // Mostly 127.0.0.1 for localhost: tokens are for the name that the server gives itself.
    if (error.code === 'resource_mismatch')
      throw usageError(`${error.message} Give --url as the server calls itself, or set ATRIUM_PUBLIC_URL there.`);
    throw error;
  }
  // Asked without a way to sign in: a server that refuses its own token must not open the browser again.
  const who = await whoIs(new Transport({ url, auth: keptSignIn(io, name) }), signal);
  return { url, kind: 'oauth', ...(who === null ? {} : { who }) };
};
