import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, jwtVerify, SignJWT } from 'jose';

export interface AppleIssuer {
  issuer: string;
  /** The .p8 key that a developer gets. */
  private_key: string;
  email: string;
  sub: string;
  close(): Promise<void>;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

/**
 * Apple's wire: the answer comes as a form that the browser posts, the client's secret is a token signed by ES256, the
 * name is told once and beside the identity token, and booleans are texts.
 */
export const startAppleIssuer = async (client: {
  client_id: string;
  team_id: string;
  key_id: string;
  /** The clock of whoever signs the client's secret. */
  now: () => Date;
}): Promise<AppleIssuer> => {
  const developer = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const signing = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const codes = new Map<string, { nonce: string; challenge: string; redirect: string }>();
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', request.method ?? 'GET', request).then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: AppleIssuer = {
    issuer,
    private_key: developer.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    email: 'apple@example.org',
    sub: '001234.apple',
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const json = (body: unknown, status = 200) => ({ status, type: 'application/json', body: JSON.stringify(body) });

  const authorize = (url: URL) => {
    const of = (name: string) => url.searchParams.get(name) ?? '';
    if (of('response_mode') !== 'form_post') return json({ error: 'invalid_request' }, 400);
    const code = randomUUID();
    codes.set(code, { nonce: of('nonce'), challenge: of('code_challenge'), redirect: of('redirect_uri') });
    const user = JSON.stringify({ name: { firstName: 'Ada', lastName: 'Apple' }, email: made.email });
    const fields = Object.entries({ state: of('state'), code, user })
      .map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">`)
      .join('');
    const body = `<form method="post" action="${escaped(of('redirect_uri'))}">${fields}<button id="go">Go on</button></form>`;
    return { status: 200, type: 'text/html', body };
  };

  const token = async (form: URLSearchParams) => {
    const { payload, protectedHeader } = await jwtVerify(form.get('client_secret') ?? '', developer.publicKey, {
      algorithms: ['ES256'],
      issuer: client.team_id,
      subject: client.client_id,
      audience: issuer,
      currentDate: client.now(),
    });
    const known = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const fits = known?.challenge === challenge && known.redirect === form.get('redirect_uri');
    if (!fits || protectedHeader.kid !== client.key_id || payload.exp === undefined)
      return json({ error: 'invalid_grant' }, 400);
    const id_token = await new SignJWT({ email: made.email, email_verified: 'true', nonce: known.nonce })
      .setProtectedHeader({ alg: 'RS256', kid: 'apple' })
      .setIssuer(issuer)
      .setSubject(made.sub)
      .setAudience(client.client_id)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(signing.privateKey);
    return json({ access_token: 'apple-access', token_type: 'Bearer', expires_in: 3600, id_token });
  };

  const answer = async (path: string, method: string, body: AsyncIterable<Uint8Array>) => {
    const url = new URL(path, issuer);
    if (url.pathname === '/.well-known/openid-configuration') {
      return json({
        ...{ issuer, authorization_endpoint: `${issuer}/auth/authorize`, token_endpoint: `${issuer}/auth/token` },
        ...{
          jwks_uri: `${issuer}/auth/keys`,
          response_types_supported: ['code'],
          subject_types_supported: ['pairwise'],
        },
        id_token_signing_alg_values_supported: ['RS256'],
      });
    }
    if (url.pathname === '/auth/keys')
      return json({ keys: [{ ...(await exportJWK(signing.publicKey)), kid: 'apple', alg: 'RS256', use: 'sig' }] });
    if (url.pathname === '/auth/authorize') return authorize(url);
    if (url.pathname !== '/auth/token' || method !== 'POST') return json({ error: 'not_found' }, 404);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return token(new URLSearchParams(Buffer.concat(chunks).toString()));
  };
  return made;
};
