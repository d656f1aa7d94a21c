import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { calculateJwkThumbprint, flattenedVerify, importJWK, type JWK } from 'jose';
import { certificateFor } from './tls-certificates.ts';

type Json = Record<string, unknown>;
type Status = 'pending' | 'processing' | 'ready' | 'valid' | 'invalid';

interface Order {
  id: string;
  status: Status;
  names: string[];
  account: string;
  certificate: string | null;
  error: Json | null;
}
interface Authorization {
  id: string;
  order: string;
  name: string;
  status: Status;
  tokens: Record<string, string>;
  error: Json | null;
}

export interface AcmeServer {
  directory: string;
  /** Leaves that were signed, by name, in order. */
  issued: string[];
  /** What signs them. */
  root: string;
  orders: number;
  /** `stall`: validations wait until it is something else; `refuse`: every new order is refused in words. */
  mode: 'good' | 'stall' | 'refuse';
  /** Validations that wait now. */
  stalled: number;
  close(): Promise<void>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const acmeIdentifier = '1.3.6.1.5.5.7.1.31';

const readBody = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

/** Asks a name's server for the challenge by HTTP, as it is reached from outside. */
const seenByHttp = async (name: string, token: string, port: number): Promise<string> => {
  const { request } = await import('node:http');
  return new Promise((done, fail) => {
    const asking = request(
      { host: '127.0.0.1', port, path: `/.well-known/acme-challenge/${token}`, headers: { host: name } },
      (answer) =>
        readBody(answer).then(
          (body) => (answer.statusCode === 200 ? done(body) : fail(new Error(String(answer.statusCode)))),
          fail,
        ),
    );
    asking.on('error', fail);
    asking.end();
  });
};

/** The hash that a TLS-ALPN-01 certificate carries (RFC 8737, 3). */
const seenByTls = (name: string, port: number): Promise<string> =>
  new Promise((done, fail) => {
    const socket = connect(
      { host: '127.0.0.1', port, servername: name, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false },
      () => {
        const raw = socket.getPeerCertificate().raw;
        socket.destroy();
        const certificate = new x509.X509Certificate(raw);
        const extension = certificate.getExtension(acmeIdentifier);
        if (socket.alpnProtocol !== 'acme-tls/1' || extension === null) fail(new Error('no challenge certificate'));
        else done(Buffer.from(extension.value).subarray(2).toString('hex'));
      },
    );
    socket.on('error', fail);
  });

/**
 * An authority that speaks ACME (RFC 8555): accounts, orders, authorizations, challenges by HTTP and by TLS that it really
 * looks at, and certificates that it signs. Every name leads to this machine.
 */
export const startAcmeServer = async (ports: { http: number; tls: number }): Promise<AcmeServer> => {
  const rootKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Test ACME root',
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 864e5 * 365),
    signingAlgorithm: algorithm,
    keys: rootKeys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const accounts = new Map<string, { id: string; jwk: JWK }>();
  const orders = new Map<string, Order>();
  const authorizations = new Map<string, Authorization>();
  const nonces = new Set<string>();
  const state: AcmeServer = {
    ...{ directory: '', issued: [], root: root.toString('pem'), orders: 0, mode: 'good', stalled: 0 },
    close: async () => undefined,
  };
  let base = '';

  const newNonce = (): string => {
    const nonce = randomBytes(16).toString('base64url');
    nonces.add(nonce);
    return nonce;
  };
  const answer = (
    response: ServerResponse,
    status: number,
    body: Json | string | null,
    headers: Record<string, string> = {},
  ): void => {
    const isPem = typeof body === 'string';
    response.writeHead(status, {
      'replay-nonce': newNonce(),
      'content-type': isPem
        ? 'application/pem-certificate-chain'
        : status >= 400
          ? 'application/problem+json'
          : 'application/json',
      ...headers,
    });
    response.end(isPem ? body : body === null ? undefined : JSON.stringify(body));
  };
  const problem = (response: ServerResponse, status: number, type: string, detail: string): void =>
    answer(response, status, { type: `urn:ietf:params:acme:error:${type}`, detail, status });

  const challengeView = (authorization: Authorization, type: string): Json => ({
    type,
    url: `${base}/challenge/${authorization.id}/${type}`,
    token: authorization.tokens[type],
    status: authorization.status,
    ...(authorization.error === null ? {} : { error: authorization.error }),
  });
  const orderView = (order: Order): Json => ({
    status: order.status,
    identifiers: order.names.map((value) => ({ type: 'dns', value })),
    authorizations: [...authorizations.values()]
      .filter((one) => one.order === order.id)
      .map(({ id }) => `${base}/authorization/${id}`),
    finalize: `${base}/finalize/${order.id}`,
    ...(order.certificate === null ? {} : { certificate: `${base}/certificate/${order.id}` }),
    ...(order.error === null ? {} : { error: order.error }),
  });

  const settle = (authorization: Authorization, error: Json | null): void => {
    authorization.status = error === null ? 'valid' : 'invalid';
    authorization.error = error;
    const order = orders.get(authorization.order)!;
    const all = [...authorizations.values()].filter((one) => one.order === order.id);
    if (error !== null) order.status = 'invalid';
    else if (all.every(({ status }) => status === 'valid')) order.status = 'ready';
  };

  const validate = async (authorization: Authorization, type: string, jwk: JWK): Promise<void> => {
    state.stalled += 1;
    while (state.mode === 'stall') await new Promise((done) => setTimeout(done, 20));
    state.stalled -= 1;
    const expected = `${authorization.tokens[type]}.${await calculateJwkThumbprint(jwk)}`;
    try {
      const seen =
        type === 'http-01'
          ? await seenByHttp(authorization.name, authorization.tokens[type]!, ports.http)
          : await seenByTls(authorization.name, ports.tls);
      const wanted = type === 'http-01' ? expected : createHash('sha256').update(expected).digest('hex');
      if (seen !== wanted) throw new Error(`another answer: ${seen.slice(0, 80)}`);
      settle(authorization, null);
    } catch (error) {
      settle(authorization, {
        type: 'urn:ietf:params:acme:error:unauthorized',
        detail: `The name ${authorization.name} did not answer: ${(error as Error).message}`,
        status: 403,
      });
    }
  };

  const sign = async (order: Order, csr: string): Promise<void> => {
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(csr, 'base64url'));
    if (!(await request.verify())) throw new Error('the request is not signed by its key');
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: randomBytes(8).toString('hex'),
      subject: `CN=${order.names[0]}`,
      issuer: root.subject,
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + 864e5 * 90),
      signingAlgorithm: algorithm,
      publicKey: request.publicKey,
      signingKey: rootKeys.privateKey,
      extensions: [
        new x509.SubjectAlternativeNameExtension(order.names.map((value) => ({ type: 'dns' as const, value }))),
      ],
    });
    order.certificate = `${leaf.toString('pem')}\n${root.toString('pem')}\n`;
    order.status = 'valid';
    state.issued.push(new X509Certificate(order.certificate).fingerprint256);
  };

  /** The account and what it said; answers by itself and gives null when the signature or the nonce is not good. */
  const open = async (request: IncomingMessage, response: ServerResponse) => {
    const jws = JSON.parse(await readBody(request)) as { protected: string; payload: string; signature: string };
    const header = JSON.parse(Buffer.from(jws.protected, 'base64url').toString()) as {
      jwk?: JWK;
      kid?: string;
      nonce: string;
      url: string;
    };
    if (!nonces.delete(header.nonce)) {
      problem(response, 400, 'badNonce', 'The nonce was used or is unknown.');
      return null;
    }
    const jwk = header.jwk ?? accounts.get(header.kid ?? '')?.jwk;
    if (jwk === undefined || header.url !== `${base}${request.url}`) {
      problem(response, 401, 'accountDoesNotExist', 'Nobody has this account here.');
      return null;
    }
    await flattenedVerify(jws, await importJWK(jwk, 'ES256'));
    const payload = jws.payload === '' ? null : (JSON.parse(Buffer.from(jws.payload, 'base64url').toString()) as Json);
    return { jwk, account: header.kid ?? '', payload };
  };

  const newAccount = async (response: ServerResponse, jwk: JWK): Promise<void> => {
    const url = `${base}/account/${await calculateJwkThumbprint(jwk)}`;
    const known = accounts.has(url);
    accounts.set(url, { id: url, jwk });
    answer(response, known ? 200 : 201, { status: 'valid' }, { location: url });
  };

  const newOrder = (response: ServerResponse, account: string, payload: Json): void => {
    if (state.mode === 'refuse') {
      problem(response, 429, 'rateLimited', 'Too many certificates for this name this week.');
      return;
    }
    state.orders += 1;
    const names = (payload['identifiers'] as { value: string }[]).map(({ value }) => value);
    const order: Order = {
      id: randomBytes(6).toString('hex'),
      status: 'pending',
      names,
      account,
      certificate: null,
      error: null,
    };
    orders.set(order.id, order);
    for (const name of names) {
      const id = randomBytes(6).toString('hex');
      const token = () => randomBytes(24).toString('base64url');
      const tokens = { 'http-01': token(), 'tls-alpn-01': token() };
      authorizations.set(id, { id, order: order.id, name, status: 'pending', tokens, error: null });
    }
    answer(response, 201, orderView(order), { location: `${base}/order/${order.id}` });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, what, id = '', more = ''] = request.url!.split('/');
    if (what === 'directory')
      return answer(response, 200, {
        newNonce: `${base}/nonce`,
        newAccount: `${base}/new-account`,
        newOrder: `${base}/new-order`,
      });
    if (what === 'nonce') return answer(response, request.method === 'HEAD' ? 200 : 204, null);
    const opened = await open(request, response);
    if (opened === null) return;
    const { jwk, account, payload } = opened;
    if (what === 'new-account') return newAccount(response, jwk);
    if (what === 'new-order') return newOrder(response, account, payload!);
    const authorization = authorizations.get(id);
    const order = orders.get(id);
    if (what === 'authorization' && authorization !== undefined)
      return answer(response, 200, {
        identifier: { type: 'dns', value: authorization.name },
        status: authorization.status,
        challenges: Object.keys(authorization.tokens).map((type) => challengeView(authorization, type)),
      });
    if (what === 'challenge' && authorization !== undefined) {
      if (payload !== null && authorization.status === 'pending') {
        authorization.status = 'processing';
        void validate(authorization, more, jwk);
      }
      return answer(response, 200, challengeView(authorization, more));
    }
    if (what === 'order' && order !== undefined) return answer(response, 200, orderView(order));
    if (what === 'finalize' && order !== undefined) {
      if (order.status !== 'ready') return problem(response, 403, 'orderNotReady', `The order is ${order.status}.`);
      await sign(order, payload!['csr'] as string);
      return answer(response, 200, orderView(order), { location: `${base}/order/${order.id}` });
    }
    if (what === 'certificate' && order?.certificate != null) return answer(response, 200, order.certificate);
    problem(response, 404, 'malformed', 'There is nothing here.');
  };

  const own = certificateFor(['localhost'], { ip: '127.0.0.1' });
  const server = createServer({ cert: own.chain, key: own.key }, (request, response) => {
    handle(request, response).catch((error: unknown) => problem(response, 500, 'serverInternal', String(error)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `https://localhost:${(server.address() as AddressInfo).port}`;
  state.directory = `${base}/directory`;
  state.close = () =>
    new Promise((done) => {
      state.mode = 'good';
      server.closeAllConnections();
      server.close(() => done());
    });
  return state;
};
