import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GithubServer {
  url: string;
  client_id: string;
  client_secret: string;
  user: { id: number; login: string; name: string | null };
  emails: { email: string; primary: boolean; verified: boolean }[];
  close(): Promise<void>;
}

/** GitHub's wire for OAuth apps: no identity token, the person and their addresses come from the API. */
export const startGithubServer = async (): Promise<GithubServer> => {
  const codes = new Map<string, { challenge: string; redirect: string }>();
  const tokens = new Set<string>();
  const made = {
    client_id: 'Iv1.atrium',
    client_secret: 'a secret of github',
    user: { id: 583231, login: 'octocat', name: 'The Octocat' as string | null },
    emails: [
      { email: 'old@example.org', primary: false, verified: true },
      { email: 'octocat@example.org', primary: true, verified: true },
    ],
  };
  const answer = async (url: URL, bearer: string | undefined, form: URLSearchParams) => {
    const of = (name: string) => url.searchParams.get(name) ?? '';
    if (url.pathname === '/login/oauth/authorize') {
      const code = randomUUID();
      codes.set(code, { challenge: of('code_challenge'), redirect: of('redirect_uri') });
      const back = new URL(of('redirect_uri'));
      back.searchParams.set('code', code);
      back.searchParams.set('state', of('state'));
      return { status: 302, location: back.href, body: {} };
    }
    if (url.pathname === '/login/oauth/access_token') {
      const known = codes.get(form.get('code') ?? '');
      codes.delete(form.get('code') ?? '');
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (known?.challenge !== challenge || form.get('client_secret') !== made.client_secret)
        // GitHub says 200 to this as well.
        return { status: 200, body: { error: 'bad_verification_code', error_description: 'The code is incorrect.' } };
      const access_token = `gho_${randomUUID()}`;
      tokens.add(access_token);
      return { status: 200, body: { access_token, token_type: 'bearer', scope: 'read:user,user:email' } };
    }
    if (!tokens.has(bearer ?? '')) return { status: 401, body: { message: 'Bad credentials' } };
    if (url.pathname === '/user') return { status: 200, body: { ...made.user, email: null } };
    if (url.pathname === '/user/emails') return { status: 200, body: made.emails };
    return { status: 404, body: { message: 'Not Found' } };
  };
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const bearer = request.headers.authorization?.replace(/^Bearer /, '');
      void answer(new URL(request.url ?? '/', 'http://github.invalid'), bearer, form).then(
        ({ status, location, body }) =>
          response
            .writeHead(status, { 'content-type': 'application/json', ...(location === undefined ? {} : { location }) })
            .end(JSON.stringify(body)),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(made, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
};
