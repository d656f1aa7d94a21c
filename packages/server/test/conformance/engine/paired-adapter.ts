/**
 * The suite looks into a memory adapter, and changes what is there. So each call goes to the adapter of this server,
 * which alone answers the engine, and to the memory adapter; what a test changed there reaches PostgreSQL before the
 * engine reads it.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { byHash, createEngineAdapter } from '../../../src/modules/oauth/engine/engine-adapter.ts';
import { currentScope } from '../../../src/modules/oauth/engine/request-scope.ts';
import { artefactTables } from '../../../src/modules/oauth/stores/artefacts-store.ts';
import { hashToken } from '../../../src/platform/secrets/tokens.ts';

type Payload = AdapterPayload & Record<string, unknown>;

/** What the suite's own adapter has. */
export interface MemoryAdapter extends Adapter {
  model: string;
  key(id: string): string;
  storage: Map<string, unknown>;
}

/** Models whose rows of this server are narrower than what the suite registers, or that it does not have. */
const kept = new Set([...Object.keys(artefactTables), 'Grant', 'AccessToken', 'ClientCredentials']);

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Ids that a test invents, where a column takes UUIDs only. */
class Names {
  readonly #given = new Map<string, string>();

  in(id: string): string {
    if (uuid.test(id)) return id;
    const hex = createHash('sha256').update(id).digest('hex');
    const made = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
    this.#given.set(made, id);
    return made;
  }

  out(id: string): string {
    return this.#given.get(id) ?? id;
  }
}

const translated = (model: string, payload: Payload, name: (id: string) => string): Payload => {
  const next: Payload = { ...payload };
  if (typeof next.grantId === 'string') next.grantId = name(next.grantId);
  if (model !== 'Grant') return next;
  if (typeof next.accountId === 'string') next.accountId = name(next.accountId);
  if (typeof next.jti === 'string') next.jti = name(next.jti);
  return next;
};

export interface PairOptions {
  parts: Parameters<typeof createEngineAdapter>[0];
  /** In the scope of the request, or in one of its own where a test calls the engine itself. */
  within: <T>(act: () => Promise<T>) => Promise<T>;
}

export const pairWith = (memory: { prototype: MemoryAdapter }, { parts, within }: PairOptions): void => {
  const { upsert, find, findByUid, findByUserCode, consume, destroy, revokeByGrantId } = memory.prototype;
  const create = createEngineAdapter(parts);
  const adapters = new Map<string, Adapter>();
  const names = new Names();
  const written = new Map<string, unknown>();
  const idsByHash = new Map<string, string>();

  const oursOf = (model: string): Adapter => {
    const known = adapters.get(model) ?? create(model);
    adapters.set(model, known);
    return known;
  };
  const idIn = (model: string, id: string): string => (model === 'Grant' ? names.in(id) : id);
  const inMemory = (id: string): string => idsByHash.get(id) ?? id;
  const answer = (model: string, found: Payload | undefined): Payload | undefined =>
    found ? translated(model, found, (id) => names.out(id)) : undefined;

  const write = async (self: MemoryAdapter, id: string, payload: Payload, expiresIn: number): Promise<void> => {
    const given = translated(self.model, payload, (one) => names.in(one));
    await oursOf(self.model).upsert(idIn(self.model, id), given, expiresIn);
  };

  /** What a test changed in memory since the engine wrote it. */
  const bring = async (self: MemoryAdapter, id: string | undefined): Promise<void> => {
    if (id === undefined) return;
    const key = self.key(inMemory(id));
    const stored = self.storage.get(key) as Payload | undefined;
    if (stored === undefined || isDeepStrictEqual(stored, written.get(key))) return;
    const scope = currentScope();
    const { of_a_person } = scope;
    // A test decides nothing.
    scope.of_a_person = false;
    try {
      await write(self, inMemory(id), stored, 0);
    } finally {
      scope.of_a_person = of_a_person;
    }
    written.set(key, structuredClone(stored));
  };

  const pair: Partial<Adapter> & ThisType<MemoryAdapter> = {
    async upsert(id: string, payload: Payload, expiresIn: number) {
      if (!kept.has(this.model)) return await upsert.call(this, id, payload, expiresIn);
      await within(() => write(this, id, payload, expiresIn));
      idsByHash.set(`${byHash}${hashToken(id)}`, idsByHash.get(id) ?? id);
      const key = this.key(inMemory(id));
      const before = this.storage.get(key) as Payload | undefined;
      const next = structuredClone(payload);
      if (typeof next.jti === 'string') next.jti = inMemory(next.jti);
      // The user code of a stored code cannot be read, so the engine does not give it back.
      if (this.model === 'DeviceCode') next.userCode ??= before?.userCode;
      await upsert.call(this, inMemory(id), next, expiresIn);
      written.set(key, structuredClone(next));
    },

    async find(id: string) {
      if (!kept.has(this.model)) return await find.call(this, id);
      return await within(async () => {
        await bring(this, id);
        return answer(this.model, (await oursOf(this.model).find(idIn(this.model, id))) as Payload | undefined);
      });
    },

    async findByUid(uid: string) {
      if (!kept.has(this.model)) return await findByUid.call(this, uid);
      return await within(async () => {
        await bring(this, this.storage.get(`sessionUid:${uid}`) as string | undefined);
        return answer(this.model, (await oursOf(this.model).findByUid(uid)) as Payload | undefined);
      });
    },

    async findByUserCode(userCode: string) {
      if (!kept.has(this.model)) return await findByUserCode.call(this, userCode);
      return await within(async () => {
        await bring(this, this.storage.get(`userCode:${userCode}`) as string | undefined);
        return answer(this.model, (await oursOf(this.model).findByUserCode(userCode)) as Payload | undefined);
      });
    },

    async consume(id: string) {
      if (!kept.has(this.model)) return await consume.call(this, id);
      await within(() => oursOf(this.model).consume(id));
      const key = this.key(inMemory(id));
      if (!this.storage.has(key)) return;
      await consume.call(this, inMemory(id));
      written.set(key, structuredClone(this.storage.get(key)));
    },

    async destroy(id: string) {
      if (!kept.has(this.model)) return await destroy.call(this, id);
      await within(() => oursOf(this.model).destroy(idIn(this.model, id)));
      await destroy.call(this, inMemory(id));
    },

    async revokeByGrantId(grantId: string) {
      if (!kept.has(this.model)) return await revokeByGrantId.call(this, grantId);
      await within(() => oursOf(this.model).revokeByGrantId(names.in(grantId)));
      await revokeByGrantId.call(this, grantId);
    },
  };
  Object.assign(memory.prototype, pair);
};
