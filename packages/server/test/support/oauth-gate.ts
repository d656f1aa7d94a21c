import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import Provider, { type Configuration } from 'oidc-provider';

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A server that does what `listener` does, and its end. */
export const startHttp = async (listener: RequestListener): Promise<{ url: string; close: () => void }> => {
  const server = createServer(listener);
  const url = await listen(server);
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, close };
};

const accountId = 'ada';

/** Lifetimes and pages of its own, or the engine prints a notice for each that it chose itself. */
const minutes = (count: number) => () => count * 60;

/** Everybody who comes is signed in as Ada and agrees to all that is asked. */
const agree = async (provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { params, prompt, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId } });
    return;
  }
  const grant = new provider.Grant({
    accountId: session?.accountId ?? accountId,
    clientId: params['client_id'] as string,
  });
  grant.addOIDCScope(String(params['scope'] ?? ''));
  if (typeof params['resource'] === 'string') grant.addResourceScope(params['resource'], String(params['scope'] ?? ''));
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
};

const configuration = (scopes: readonly string[]): Configuration => ({
  scopes: ['openid', 'offline_access', ...scopes],
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ['a key for tests only'] },
  ttl: {
    DeviceCode: minutes(10),
    Grant: minutes(60),
    Interaction: minutes(10),
    RefreshToken: minutes(60),
    Session: minutes(60),
  },
  routes: { registration: '/register' },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        audience: resource,
        scope: scopes.join(' '),
        accessTokenFormat: 'opaque',
        accessTokenTTL: 3600,
      }),
      useGrantedResource: () => true,
    },
  },
});

export interface OAuthGate {
  /** Where programs call: the server, for bearers of a token of the issuer. */
  url: string;
  issuer: string;
  provider: Provider;
  /** `grant_type` of every successful token request, in order. */
  grants: string[];
  close: () => void;
}

/**
 * A server behind OAuth: an authorization server (oidc-provider) and a resource that lets its tokens through to `target`
 * under the key `token`.
 */
export const startOAuthGate = async (target: string, token: string, scopes: readonly string[]): Promise<OAuthGate> => {
  const grants: string[] = [];
  const authorization = createServer();
  const issuer = await listen(authorization);
  const provider = new Provider(issuer, configuration(scopes));
  provider.on('grant.success', (context) => grants.push(String(context.oidc.params?.['grant_type'])));
  const handle = provider.callback();
  authorization.on('request', (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) return handle(request, response);
    agree(provider, request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  const gate = createServer();
  const url = await listen(gate);
  const resource = `${url}/api/v1`;
  const metadata = `${url}/.well-known/oauth-protected-resource/api/v1`;
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (`${url}${request.url}` === metadata) {
      const document = { resource, authorization_servers: [issuer], scopes_supported: scopes };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
      return;
    }
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const known = bearer === undefined ? undefined : await provider.AccessToken.find(bearer);
    const good = known !== undefined && !known.isExpired && [known.aud].flat().includes(resource);
    const answer = await fetch(target + request.url, {
      method: request.method!,
      headers: {
        ...(good ? { authorization: `Bearer ${token}` } : {}),
        ...(request.headers['content-type'] === undefined ? {} : { 'content-type': request.headers['content-type'] }),
      },
      ...(request.method === 'GET' ? {} : { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }),
    });
    const error = bearer === undefined ? '' : ', error="invalid_token"';
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'text/plain',
      ...(answer.status === 401 ? { 'www-authenticate': `Bearer resource_metadata="${metadata}"${error}` } : {}),
    });
    response.end(Buffer.from(await answer.arrayBuffer()));
  };
  gate.on('request', (request: IncomingMessage, response: ServerResponse) => {
    pass(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  return {
    url,
    issuer,
    provider,
    grants,
    close: () => {
      for (const server of [gate, authorization]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
};
