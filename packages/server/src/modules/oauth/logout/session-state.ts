import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { currentScope } from '../engine/request-scope.ts';

/** Says nothing but whether it changed; a script has to read it, unlike every cookie that lets somebody in. */
export const stateCookie = 'atrium_state';
export const checkSessionPath = '/oauth/check_session';
const saltBytes = 12;

const setState = (ctx: KoaContextWithOIDC, value: string | null): void => {
  const secure = currentScope().public_url.startsWith('https:');
  ctx.cookies.set(stateCookie, value, {
    ...{ path: checkSessionPath, httpOnly: false, signed: false, overwrite: true, secure },
    // The frame of a client is a third party to this server. Browsers want https for that.
    sameSite: secure ? 'none' : 'lax',
  });
};

interface SignedIn {
  uid: string;
  accountId?: string;
}

/** `session_state` in answers, and the cookie that it is compared with (OpenID Connect Session Management). */
export const installSessionState = (provider: Provider, key: Uint8Array): void => {
  provider.on('authorization.success', (ctx: KoaContextWithOIDC, out?: Record<string, unknown>) => {
    const session = ctx.oidc.session as unknown as SignedIn | undefined;
    const redirect = ctx.oidc.params?.['redirect_uri'];
    if (out === undefined || session?.accountId === undefined || typeof redirect !== 'string') return;
    const { origin } = new URL(redirect);
    // An application with a scheme of its own has no window that could ask.
    if (origin === 'null') return;
    const state = createHmac('sha256', key).update(`${session.uid}\n${session.accountId}`).digest('base64url');
    const salt = randomBytes(saltBytes).toString('base64url');
    const hash = createHash('sha256').update(`${ctx.oidc.client!.clientId} ${origin} ${state} ${salt}`);
    out['session_state'] = `${hash.digest('base64url')}.${salt}`;
    setState(ctx, state);
  });
};

export const forgetSessionState = (ctx: KoaContextWithOIDC): void => setState(ctx, null);

/** Runs in the frame: compares what a client was given with what the browser holds now. */
export const checkSessionScript = `'use strict';
const stateOf = () => document.cookie.split('; ').find((pair) => pair.startsWith('${stateCookie}='))?.slice(${stateCookie.length + 1}) ?? '';
const hashOf = async (text) => {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
};
const answerTo = async ({ data, origin }) => {
  const [client, given, more] = typeof data === 'string' && data.length < 1000 ? data.split(' ') : [];
  const salt = given?.split('.')[1];
  if (!client || !salt || more !== undefined) return 'error';
  return \`\${await hashOf(\`\${client} \${origin} \${stateOf()} \${salt}\`)}.\${salt}\` === given ? 'unchanged' : 'changed';
};
addEventListener('message', (event) => {
  if (event.source === null || event.origin === 'null') return;
  answerTo(event).catch(() => 'error').then((answer) => event.source.postMessage(answer, event.origin));
});
`;
