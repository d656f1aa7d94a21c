import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { OauthConfig } from '../../../platform/config/config.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { proofWindow, verifyProof } from '../../../platform/secrets/dpop-proof.ts';
import { hashToken, newToken } from '../../../platform/secrets/tokens.ts';
import type { DeviceTokens, IdentityService } from '../../identity/index.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { oauthEvents } from '../oauth-events.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import { artefactsStore } from '../stores/artefacts-store.ts';
import { grantsStore } from '../stores/grants-store.ts';
import { replaysStore } from '../stores/revocations-store.ts';
import type { Endings } from './endings.ts';
import { signServerJwt } from './server-jwt.ts';
import { signAccessToken } from './token-signer.ts';

/** Refresh tokens of devices are told from those of clients by their form alone. */
const refreshPrefix = 'adr_';
const refreshForm = /^adr_[A-Za-z0-9_-]{43}$/;

/** What a refresh answers when it refuses, by RFC 6749 and RFC 9449. */
export class RefreshRefused extends Error {
  readonly code: 'invalid_grant' | 'invalid_request' | 'invalid_dpop_proof' | 'invalid_scope';

  constructor(code: RefreshRefused['code'], message: string) {
    super(message);
    this.name = 'RefreshRefused';
    this.code = code;
  }
}

export interface RefreshRequest {
  form: string;
  headers: IncomingHttpHeaders;
  call: Call;
}

interface Bearer {
  id: string;
  org_id: string;
  scopes: readonly string[];
  jkt: string;
}

const once = (form: URLSearchParams, name: string): string | null => {
  const given = form.getAll(name);
  if (given.length > 1) throw new RefreshRefused('invalid_request', `${name} is given twice`);
  return given[0] ?? null;
};

/**
 * Tokens of devices: an access token for every door, bound to the key of the device, and a refresh token that is used once
 * and only with a proof of that key. They live in the tables of all other tokens, so they end in the same ways.
 */
export const createDeviceTokens = (parts: {
  database: Database;
  keys: KeyRing;
  clock: Clock;
  config: Pick<OauthConfig, 'signingAlg' | 'accessTtlMs' | 'refreshTtlMs'>;
  issuer: () => string;
  endings: Endings;
  identity: Pick<IdentityService, 'subjects' | 'deviceCompromised'>;
  count: (kind: 'token_issued') => void;
}) => {
  const { database, keys, clock, config, issuer, endings, identity } = parts;
  const clientOf = (deviceId: string): string => `device_${deviceId}`;

  const access = async (tx: Transaction, device: Bearer, grant_id: string) => {
    const now = clock.now();
    const iat = Math.floor(now.getTime() / 1000);
    const expires_in = Math.floor(config.accessTtlMs / 1000);
    const [jti, client_id, exp] = [newToken(), clientOf(device.id), iat + expires_in];
    const claims = {
      ...{ iss: issuer(), aud: issuer(), sub: device.id, client_id, jti, iat, exp, grant_id },
      ...{ org: device.org_id, actor_type: 'device', scope: device.scopes.join(' '), cnf: { jkt: device.jkt } },
    };
    const access_token =
      signAccessToken(keys.current, config.signingAlg, claims) ?? (await signServerJwt(keys, 'at+jwt', claims));
    const id = newId();
    await accessTokensStore.insert(tx.db, {
      ...{ id, hash: hashToken(jti), format: 'jwt', kind: 'AccessToken', grant_id, client_id, subject: device.id },
      ...{ org_id: device.org_id, actor: null, resource: claims.aud, scopes: [...device.scopes], payload: null },
      ...{ created_at: now, expires_at: new Date(exp * 1000) },
    });
    const body = { client_id, subject: device.id, scopes: device.scopes, resource: claims.aud };
    tx.emit({ kind: oauthEvents.tokenIssued, id, org_id: device.org_id, body });
    tx.afterCommit(() => parts.count('token_issued'));
    return { access_token, expires_in };
  };

  const issue = async (tx: Transaction, device: Bearer, grant_id: string): Promise<DeviceTokens> => {
    const now = clock.now();
    const [refresh_token, expires_at] = [newToken(refreshPrefix), new Date(now.getTime() + config.refreshTtlMs)];
    const client_id = clientOf(device.id);
    await grantsStore.upsert(
      tx.db,
      {
        ...{ id: grant_id, client_id, subject: device.id, org_id: device.org_id, scopes: [...device.scopes] },
        ...{ resources: [issuer()], details: [], actor: null, payload: { kind: 'Device' }, expires_at },
      },
      now,
    );
    await artefactsStore.upsert(tx.db, 'RefreshToken', {
      ...{ id_hash: hashToken(refresh_token), payload: { kind: 'Device', jkt: device.jkt }, grant_id, client_id },
      ...{ uid: null, user_code: null, subject: device.id, expires_at },
    });
    return { ...(await access(tx, device, grant_id)), refresh_token };
  };

  const replayed = (call: Call, grantId: string, deviceId: string): Promise<void> =>
    database.transaction(call, async (tx) => {
      await endings.family(tx, grantId, clock.now(), 'replay');
      await identity.deviceCompromised(tx, call, deviceId);
    });

  const proveKey = async (headers: IncomingHttpHeaders, jkt: string): Promise<void> => {
    const proof = headers['dpop'];
    const now = clock.now();
    const jti =
      typeof proof === 'string' && proof.length <= 8192
        ? await verifyProof(proof, {
            ...{ method: 'POST', url: `${issuer()}/oauth/token`, access_token: null, jkt, now },
          })
        : null;
    const isNew =
      jti !== null &&
      (await replaysStore.claim(database.read, {
        ...{ issuer: `dpop:${jkt}`, jti_hash: hashToken(jti), kind: 'dpop' },
        expires_at: new Date(now.getTime() + 2 * proofWindow * 1000),
      }));
    if (!isNew) throw new RefreshRefused('invalid_dpop_proof', 'the refresh token needs a new proof of the device key');
  };

  return {
    /** In the transaction in which the device joins. */
    first: (tx: Transaction, device: Bearer): Promise<DeviceTokens> => issue(tx, device, newId()),

    /** Null for what is no refresh of a device. */
    refresh: async ({ form, headers, call }: RefreshRequest) => {
      const params = new URLSearchParams(form);
      const token = params.get('refresh_token');
      if (params.get('grant_type') !== 'refresh_token' || token === null || !refreshForm.test(token)) return null;
      for (const name of params.keys()) once(params, name);
      const db = database.read;
      const row = await artefactsStore.find(db, 'RefreshToken', hashToken(token), clock.now());
      const { grant_id } = row ?? {};
      const jkt = row?.payload['jkt'];
      if (row === null || grant_id == null || typeof jkt !== 'string')
        throw new RefreshRefused('invalid_grant', 'the refresh token is not known');
      const grant = await grantsStore.find(db, grant_id);
      // A copy was used before, by whomever: whether this one comes with the key tells nothing any more.
      if (row.consumed_at !== null) {
        if (grant !== null) await replayed(call, grant_id, grant.subject);
        throw new RefreshRefused('invalid_grant', 'the refresh token was used before');
      }
      if (grant === null) throw new RefreshRefused('invalid_grant', 'the refresh token has ended');
      await proveKey(headers, jkt);
      const spent = await database.transaction(call, async (tx) => {
        const device = await identity.subjects.device(tx.db, grant.subject);
        if (device === null || device.jkt !== jkt) throw new RefreshRefused('invalid_grant', 'the device was shut out');
        if ((await artefactsStore.consume(tx.db, 'RefreshToken', hashToken(token), clock.now())) === null) return null;
        return { scopes: device.scopes, ...(await issue(tx, device, grant_id)) };
      });
      if (spent === null) {
        await replayed(call, grant_id, grant.subject);
        throw new RefreshRefused('invalid_grant', 'the refresh token was used before');
      }
      const { scopes, ...tokens } = spent;
      return { ...tokens, token_type: 'DPoP' as const, scope: scopes.join(' ') };
    },
  };
};

export type DeviceTokensService = ReturnType<typeof createDeviceTokens>;
