import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Configuration, Provider } from 'oidc-provider';

export interface OutsideAccount {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
}

export interface TestIssuer {
  issuer: string;
  client_id: string;
  client_secret: string;
  /** Who is signed in there; their browser is sent back at once. */
  account: OutsideAccount;
  /** Requests of the authorization endpoint, as they came. */
  asked: URL[];
  close(): Promise<void>;
}

/** A certified OpenID Connect issuer on this machine, in which one person is signed in and agrees to everything. */
export const startOidcIssuer = async (redirectUris: string[]): Promise<TestIssuer> => {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: TestIssuer = {
    issuer,
    client_id: 'atrium',
    client_secret: 'a secret of the issuer',
    account: { sub: 'outside-1', email: 'outside@example.org', email_verified: true, name: 'Outside' },
    asked: [],
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const configuration: Configuration = {
    clients: [
      {
        client_id: made.client_id,
        client_secret: made.client_secret,
        redirect_uris: redirectUris,
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['of the tests'] },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Grant: 60, Interaction: 60, Session: 60 },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...made.account, sub }) }),
  };
  const provider = new Provider(issuer, configuration);
  const handle = provider.callback();
  const agree = async (
    request: Parameters<typeof handle>[0],
    response: Parameters<typeof handle>[1],
  ): Promise<void> => {
    const { params } = await provider.interactionDetails(request, response);
    const accountId = made.account.sub;
    const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
    grant.addOIDCScope(String(params['scope']));
    const result = { login: { accountId }, consent: { grantId: await grant.save() } };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  };
  server.on('request', (request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    if (url.pathname === '/auth') made.asked.push(url);
    if (url.pathname.startsWith('/interaction/')) {
      void agree(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    } else void handle(request, response);
  });
  return made;
};

/** Plays a browser at a provider: follows its redirects with its cookies until it is sent back to `home`. */
export const visitProvider = async (start: string, home: string): Promise<URL> => {
  const cookies = new Map<string, string>();
  let at = new URL(start);
  for (let step = 0; step < 10; step += 1) {
    if (at.href.startsWith(home)) return at;
    const answer = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1);
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const to = answer.headers.get('location');
    if (to === null) throw new Error(`${at.pathname} answered ${answer.status}: ${await answer.text()}`);
    at = new URL(to, at);
  }
  throw new Error('the provider sends its visitors in circles');
};
