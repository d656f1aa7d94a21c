/** Peer of the token lines: the protocol engine alone, with its memory adapter and the same signature. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider, { errors } from 'oidc-provider';
import { announce } from './peer.ts';
import { benchClient, benchResource, benchScope } from './token-parts.ts';

const { privateKey } = await generateKeyPair('ES256', { extractable: true });
const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as { port: number };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  clients: [
    {
      client_id: benchClient.id,
      client_secret: benchClient.secret,
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  scopes: [benchScope],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => {
        if (!resource.startsWith(benchResource)) throw new errors.InvalidTarget();
        return {
          audience: resource,
          scope: benchScope,
          accessTokenTTL: 3600,
          // The engine does not introspect JWTs, so that line asks for a token of the other form.
          accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
  },
  findAccount: () => undefined,
});
server.on('request', provider.callback());
announce(server.address());
