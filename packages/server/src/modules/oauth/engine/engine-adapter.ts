import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Transaction } from '../../../platform/db/database.ts';
import { newId } from '../../../platform/ids/ids.ts';
import type { SecretBox } from '../../../platform/secrets/secret-box.ts';
import { hashToken } from '../../../platform/secrets/tokens.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import { storedSecret } from '../clients/client-secrets.ts';
import { registeredClient } from '../clients/registered-client.ts';
import { nilId, oauthEvents } from '../oauth-events.ts';
import { accessTokensStore } from '../stores/access-tokens-store.ts';
import { approvalsStore } from '../stores/approvals-store.ts';
import { type ArtefactModel, artefactsStore, artefactTables, deviceCodesStore } from '../stores/artefacts-store.ts';
import { clientsStore } from '../stores/clients-store.ts';
import type { Db } from '../stores/db.ts';
import { grantsStore } from '../stores/grants-store.ts';
import type { Endings } from '../tokens/endings.ts';
import { AlreadyUsedError, errors } from './oidc-provider.ts';
import { currentScope } from './request-scope.ts';

export interface AdapterParts {
  clock: Clock;
  secrets: SecretBox;
  clients: ClientRegistry;
  endings: Endings;
}

type Payload = AdapterPayload & Record<string, unknown>;

/** Members that would let a reader of the table act for somebody: encrypted, and bound to their row. */
const sealedMembers: Partial<Record<string, readonly string[]>> = {
  Interaction: ['session', 'deviceCode', 'parJti', 'returnTo'],
  Session: ['state'],
};

const isArtefact = (name: string): name is ArtefactModel => name in artefactTables;

const dateOf = (seconds: unknown): Date => new Date(Number(seconds) * 1000);

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Models of which one is spent once; the words are those of the engine's own refusals. */
const spent: Partial<Record<string, string>> = {
  AuthorizationCode: 'authorization code already consumed',
  RefreshToken: 'refresh token already used',
  DeviceCode: 'device code already consumed',
  BackchannelAuthenticationRequest: 'backchannel authentication request already consumed',
};

/** How long what is polled for is known beyond its end, so that the client hears that it expired. */
const afterlifeMs: Partial<Record<string, number>> = {
  DeviceCode: 10 * 60_000,
  BackchannelAuthenticationRequest: 10 * 60_000,
};

/** Registration tokens live as long as their client (RFC 7592, 5), and the engine names no end for them. */
const noEnd = new Date('9999-12-31T00:00:00Z');

/**
 * One model of the engine in PostgreSQL. Ids are stored as hashes and put back into what is read, because the engine
 * has them in its payloads and a copy of the database must not hold usable tokens.
 */
class ArtefactAdapter implements Adapter {
  readonly #model: ArtefactModel;
  readonly #parts: AdapterParts;

  constructor(model: ArtefactModel, parts: AdapterParts) {
    this.#model = model;
    this.#parts = parts;
  }

  async upsert(id: string, payload: Payload): Promise<void> {
    const hash = this.#hash(id);
    const { jti: _jti, userCode, ...rest } = payload;
    const expires = typeof payload.exp === 'number' ? this.#ours(dateOf(payload.exp)) : noEnd;
    const scope = currentScope();
    if (this.#model === 'DeviceCode' && scope.of_a_person) await this.#settle(hash, payload);
    const uid = this.#model === 'Session' ? textOr(payload.uid) : null;
    await scope.write(async (tx) => {
      if (uid !== null) await artefactsStore.supersede(tx.db, uid, hash);
      await artefactsStore.upsert(tx.db, this.#model, {
        id_hash: hash,
        payload: this.#seal(hash, rest),
        grant_id: textOr(payload.grantId),
        uid,
        user_code: typeof userCode === 'string' ? hashToken(userCode) : null,
        client_id: textOr(payload.clientId),
        subject: textOr(payload.accountId),
        expires_at: new Date(expires.getTime() + (afterlifeMs[this.#model] ?? 0)),
      });
      if (typeof userCode === 'string') await deviceCodesStore.setHint(tx.db, hash, userCode.slice(0, 2));
      if (this.#model === 'AuthorizationCode') await this.#announceCode(tx, payload);
    });
  }

  async #announceCode(tx: Transaction, { clientId, accountId, grantId }: Payload): Promise<void> {
    const grant = typeof grantId === 'string' ? await grantsStore.find(tx.db, grantId) : null;
    tx.emit({
      kind: oauthEvents.codeCreated,
      id: newId(),
      org_id: grant?.org_id ?? nilId,
      body: { client_id: textOr(clientId), subject: textOr(accountId) },
    });
  }

  async find(id: string): Promise<Payload | undefined> {
    const hash = this.#hash(id);
    if (this.#model === 'DeviceCode') await this.#pace((db, now) => deviceCodesStore.poll(db, hash, now));
    if (this.#model === 'BackchannelAuthenticationRequest')
      await this.#pace((db, now) => approvalsStore.paceByHash(db, hash, now));
    const row = await currentScope().run((db) => artefactsStore.find(db, this.#model, hash, this.#parts.clock.now()));
    return row === null ? undefined : this.#open(row, { jti: id });
  }

  async findByUid(uid: string): Promise<Payload | undefined> {
    const row = await currentScope().run((db) =>
      artefactsStore.findByUid(db, this.#model, uid, this.#parts.clock.now()),
    );
    // The id itself is not known here, and nothing that is found by uid is saved again.
    return row === null ? undefined : this.#open(row, {});
  }

  async findByUserCode(userCode: string): Promise<Payload | undefined> {
    const row = await currentScope().run((db) =>
      artefactsStore.findByUserCode(db, this.#model, hashToken(userCode), this.#parts.clock.now()),
    );
    return row === null ? undefined : this.#open(row, { userCode, jti: `${byHash}${row.id_hash}` });
  }

  async consume(id: string): Promise<void> {
    const { clock } = this.#parts;
    const hash = this.#hash(id);
    const scope = currentScope();
    const won = await scope.write(async (tx) => {
      const code = await artefactsStore.consume(tx.db, this.#model, hash, clock.now());
      if (code !== null && this.#model === 'AuthorizationCode') {
        const { client_id, subject, org_id } = code;
        tx.emit({ kind: oauthEvents.codeRedeemed, id: newId(), org_id: org_id ?? nilId, body: { client_id, subject } });
      }
      return code !== null;
    });
    if (won) return;
    const row = await scope.run((db) => artefactsStore.find(db, this.#model, hash, clock.now()));
    const grantId = row?.grant_id ?? null;
    if (grantId !== null) await scope.write((tx) => this.#parts.endings.family(tx, grantId, clock.now(), 'replay'));
    if (this.#model === 'PushedAuthorizationRequest')
      throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
    throw new errors.InvalidGrant(spent[this.#model] ?? 'already used');
  }

  async destroy(id: string): Promise<void> {
    await currentScope().write((tx) => artefactsStore.delete(tx.db, this.#model, this.#hash(id)));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    if (currentScope().returning_token) return;
    await currentScope().write((tx) => artefactsStore.deleteOfGrant(tx.db, this.#model, grantId));
  }

  /** The engine reads, then writes: of two who come at the same moment one binds the code, and one decides. */
  async #settle(hash: string, payload: Payload): Promise<void> {
    const scope = currentScope();
    const person = scope.person?.id ?? nilId;
    const decides = payload.accountId !== undefined || payload['error'] !== undefined;
    const won = await scope.write((tx) =>
      decides ? deviceCodesStore.decide(tx.db, hash, person, nilId) : deviceCodesStore.claim(tx.db, hash, person),
    );
    if (!won) throw new AlreadyUsedError();
  }

  /** Never for what a client sends: a hash read from the table must not be as good as the code. */
  #hash(id: string): string {
    if (decidedByHash.has(this.#model) && id.startsWith(byHash) && currentScope().of_a_person)
      return id.slice(byHash.length);
    return hashToken(id);
  }

  /** Whoever asks too often is told so; its interval grows, and nobody else's. */
  async #pace(poll: (db: Db, now: Date) => Promise<boolean>): Promise<void> {
    const scope = currentScope();
    if (!scope.polling) return;
    const inTime = await scope.write((tx) => poll(tx.db, this.#parts.clock.now()));
    if (!inTime) throw new errors.SlowDown();
  }

  /** The engine counts by the machine's clock; rows by ours, which may be ahead of one that was set back. */
  #ours(end: Date): Date {
    return new Date(end.getTime() + this.#parts.clock.now().getTime() - Date.now());
  }

  #seal(hash: string, payload: Record<string, unknown>): Record<string, unknown> {
    const names = sealedMembers[this.#model];
    if (names === undefined) return payload;
    const secret = Object.fromEntries(names.filter((name) => payload[name] !== undefined).map((n) => [n, payload[n]]));
    if (Object.keys(secret).length === 0) return payload;
    const open = Object.fromEntries(Object.entries(payload).filter(([name]) => !names.includes(name)));
    return { ...open, sealed: this.#parts.secrets.encrypt(JSON.stringify(secret), this.#place(hash)) };
  }

  #open(
    row: { id_hash: string; payload: Record<string, unknown>; consumed_at: Date | null },
    known: Record<string, unknown>,
  ): Payload | undefined {
    const { sealed, ...rest } = row.payload;
    let secret: Record<string, unknown> = {};
    if (typeof sealed === 'string') {
      try {
        secret = JSON.parse(this.#parts.secrets.decrypt(sealed, this.#place(row.id_hash))) as Record<string, unknown>;
      } catch {
        // Written under a master key that is gone: as good as expired.
        return undefined;
      }
    }
    const consumed = row.consumed_at === null ? {} : { consumed: Math.floor(row.consumed_at.getTime() / 1000) };
    return { ...rest, ...secret, ...known, ...consumed } as Payload;
  }

  #place(hash: string): string {
    return `${artefactTables[this.#model]}.sealed:${hash}`;
  }
}

/** What a person decides is known by its hash alone, but the engine saves it again under the id it was given. */
export const byHash = 'hash:';
const decidedByHash: ReadonlySet<string> = new Set(['DeviceCode', 'BackchannelAuthenticationRequest']);

class GrantAdapter implements Adapter {
  readonly #parts: AdapterParts;

  constructor(parts: AdapterParts) {
    this.#parts = parts;
  }

  async upsert(id: string, payload: Payload): Promise<void> {
    const { jti: _jti, ...rest } = payload;
    const scope = currentScope();
    const resources = (payload['resources'] ?? {}) as Record<string, string>;
    const openid = (payload['openid'] ?? {}) as { scope?: string };
    const words = [openid.scope ?? '', ...Object.values(resources)].join(' ').split(' ');
    const known = await scope.run((db) => grantsStore.find(db, id));
    const org = known?.org_id ?? scope.grant_org;
    if (org === null) throw new Error('A grant is given in an organisation.');
    await scope.write((tx) =>
      grantsStore.upsert(
        tx.db,
        {
          id,
          client_id: String(payload.clientId),
          subject: String(payload.accountId),
          org_id: org,
          scopes: [...new Set(words.filter((word) => word !== ''))],
          resources: Object.keys(resources),
          actor: known?.actor ?? scope.grant_actor,
          details: Array.isArray(payload['rar']) ? payload['rar'] : [],
          payload: rest,
          expires_at: dateOf(payload.exp),
        },
        this.#parts.clock.now(),
      ),
    );
  }

  async find(id: string): Promise<Payload | undefined> {
    if (!/^[0-9a-f-]{36}$/.test(id)) return undefined;
    const row = await currentScope().run((db) => grantsStore.find(db, id));
    return row === null ? undefined : ({ ...row.payload, jti: row.id } as Payload);
  }

  async destroy(id: string): Promise<void> {
    await currentScope().write((tx) => this.#parts.endings.family(tx, id, this.#parts.clock.now(), currentScope().why));
  }

  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

class AccessTokenAdapter implements Adapter {
  readonly #kind: 'AccessToken' | 'ClientCredentials';
  readonly #parts: AdapterParts;

  constructor(kind: 'AccessToken' | 'ClientCredentials', parts: AdapterParts) {
    this.#kind = kind;
    this.#parts = parts;
  }

  async upsert(id: string, payload: Payload): Promise<void> {
    const { jti: _jti, ...rest } = payload;
    const extra = (payload['extra'] ?? {}) as { org?: string; act?: Record<string, unknown>; sub?: string };
    const token = {
      id: newId(),
      hash: hashToken(id),
      format: 'opaque' as const,
      kind: this.#kind,
      grant_id: textOr(payload.grantId),
      client_id: String(payload.clientId),
      subject: extra.sub ?? textOr(payload.accountId) ?? String(payload.clientId),
      org_id: extra.org ?? null,
      actor: extra.act ?? null,
      resource: textOr(payload['aud']),
      scopes: String(payload.scope ?? '')
        .split(' ')
        .filter((scope) => scope !== ''),
      payload: rest,
      created_at: this.#parts.clock.now(),
      expires_at: dateOf(payload.exp),
    };
    await currentScope().write(async (tx) => {
      await accessTokensStore.insert(tx.db, token);
      const { client_id, subject, scopes, resource } = token;
      tx.emit({
        kind: oauthEvents.tokenIssued,
        id: token.id,
        org_id: token.org_id ?? nilId,
        body: { client_id, subject, scopes, resource },
      });
    });
  }

  async find(id: string): Promise<Payload | undefined> {
    const scope = currentScope();
    const { presented } = scope;
    // A JWT that this very request verified. A bare jti is looked up like any text, and finds nothing.
    if (presented !== null && presented.handle === id)
      return presented.kind === this.#kind ? (presented.payload as Payload) : undefined;
    const row = await scope.run((db) => accessTokensStore.find(db, hashToken(id), this.#parts.clock.now()));
    if (row === null || row.kind !== this.#kind || row.format !== 'opaque') return undefined;
    return { ...row.payload, jti: id } as Payload;
  }

  async destroy(id: string): Promise<void> {
    const scope = currentScope();
    await scope.write((tx) => this.#parts.endings.token(tx, hashToken(id), this.#parts.clock.now()));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    const scope = currentScope();
    // Giving back one access token ends that token; what was allowed, and its refresh token, live on.
    if (scope.returning_token) return;
    await scope.write((tx) => this.#parts.endings.family(tx, grantId, this.#parts.clock.now(), scope.why));
  }

  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(): Promise<void> {}
}

class ClientAdapter implements Adapter {
  readonly #parts: AdapterParts;

  constructor(parts: AdapterParts) {
    this.#parts = parts;
  }

  /** Only registration writes clients through the engine. */
  async upsert(id: string, metadata: Payload): Promise<void> {
    const { clock } = this.#parts;
    const scope = currentScope();
    const known = await scope.run((db) => clientsStore.find(db, id));
    const { draft, secret } = registeredClient(id, metadata, known);
    await scope.write(async (tx) => {
      const now = clock.now();
      if (known === null) {
        await clientsStore.insert(tx.db, draft, now);
        tx.emit({
          kind: oauthEvents.clientRegistered,
          id: draft.id,
          org_id: nilId,
          body: { client_id: id, name: draft.name, redirect_uris: draft.redirect_uris },
        });
        tx.audit({ action: 'oauth.clients.register', target_type: 'client', target_id: id, org_id: nilId });
        return;
      }
      await clientsStore.update(tx.db, known.id, known.version, draft, now);
      if (secret !== null)
        await clientsStore.setSecret(tx.db, known.id, storedSecret(this.#parts.secrets, known, secret), now);
      tx.emit({ kind: oauthEvents.clientUpdated, id: known.id, org_id: nilId, body: { client_id: id } });
    });
    this.#parts.clients.forget(id);
  }

  async find(id: string): Promise<Payload | undefined> {
    const known = await currentScope().run((db) => this.#parts.clients.find(db, id));
    return known === null ? undefined : (known.metadata as Payload);
  }

  async destroy(id: string): Promise<void> {
    const { clock } = this.#parts;
    const scope = currentScope();
    const row = await scope.run((db) => clientsStore.find(db, id));
    if (row === null) return;
    await scope.write(async (tx) => {
      await clientsStore.delete(tx.db, row.id);
      await this.#parts.endings.client(tx, id, clock.now());
      tx.emit({ kind: oauthEvents.clientDeleted, id: row.id, org_id: nilId, body: { client_id: id, name: row.name } });
    });
    this.#parts.clients.forget(id);
  }

  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

/** Ids seen once are claimed by one statement elsewhere; the engine's own find-then-save is never used. */
const unused = (name: string): never => {
  throw new Error(`The model ${name} is not in use.`);
};

export const createEngineAdapter =
  (parts: AdapterParts) =>
  (name: string): Adapter => {
    if (isArtefact(name)) return new ArtefactAdapter(name, parts);
    switch (name) {
      case 'Grant':
        return new GrantAdapter(parts);
      case 'AccessToken':
      case 'ClientCredentials':
        return new AccessTokenAdapter(name, parts);
      case 'Client':
        return new ClientAdapter(parts);
      default:
        return unused(name);
    }
  };
