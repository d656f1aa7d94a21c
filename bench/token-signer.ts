/** Peer of the token lines: Fastify alone, which compares the secret, signs, and remembers the token's id. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyRequest } from 'fastify';
import { generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { announce } from './peer.ts';
import { benchClient, benchScope, formHeaders } from './token-parts.ts';

const { privateKey, publicKey } = await generateKeyPair('ES256');
const issuer = 'https://issuer.example.org';
const expected = Buffer.from(formHeaders(benchClient)['authorization']!);
const issued = new Set<string>();

const app = fastify();
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, new URLSearchParams(String(body))),
);

const knows = (request: FastifyRequest): boolean => {
  const given = Buffer.from(request.headers.authorization ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
};

app.post('/token', async (request, reply) => {
  const form = request.body as URLSearchParams;
  if (!knows(request)) return reply.code(401).send({ error: 'invalid_client' });
  if (form.get('scope') !== benchScope) return reply.code(400).send({ error: 'invalid_scope' });
  const now = Math.floor(Date.now() / 1000);
  const jti = randomBytes(16).toString('base64url');
  const token = await new SignJWT({ client_id: benchClient.id, scope: benchScope, jti })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
    .setIssuer(issuer)
    .setSubject(benchClient.id)
    .setAudience(form.get('resource')!)
    .setIssuedAt(now)
    .setExpirationTime(now + 3600)
    .sign(privateKey);
  issued.add(jti);
  return { access_token: token, expires_in: 3600, token_type: 'Bearer', scope: benchScope };
});

app.post('/token/introspection', async (request, reply) => {
  if (!knows(request)) return reply.code(401).send({ error: 'invalid_client' });
  const { payload } = await jwtVerify((request.body as URLSearchParams).get('token')!, publicKey, { issuer });
  return issued.has(payload.jti!) ? { active: true, ...payload } : { active: false };
});

await app.listen({ port: 0, host: '127.0.0.1' });
announce(app.server.address());
