import type { JWK } from 'jose';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database, Transaction } from '../../../platform/db/database.ts';
import type { Call } from '../../../platform/operations/call.ts';
import type { RotationVisit, SecretBox } from '../../../platform/secrets/secret-box.ts';
import { nilId, oauthEvents } from '../oauth-events.ts';
import { type KeyRow, keysStore } from '../stores/keys-store.ts';
import { generateSigningKey, importVerifyKey, type SigningAlg } from './signing-key.ts';

export interface KeyRingParts {
  database: Database;
  secrets: SecretBox;
  clock: Clock;
  alg: SigningAlg;
  /** How long a key goes on after its successor took over: never shorter than the longest token. */
  grace_ms: number;
  rotate_every_ms: number;
}

/** The keys as this process knows them. */
export interface LoadedKeys {
  /** For the engine: the active key first, then the others that are published. */
  signing: JWK[];
  verify: ReadonlyMap<string, { key: CryptoKey; alg: string }>;
}

const place = (kid: string): string => `oauth_keys.private:${kid}`;

/** Signing keys from first start to retirement: next, active, grace, retired. */
export class KeyRing {
  readonly #parts: KeyRingParts;
  #loaded: LoadedKeys | null = null;

  constructor(parts: KeyRingParts) {
    this.#parts = parts;
  }

  get current(): LoadedKeys {
    if (this.#loaded === null) throw new Error('The signing keys are read at start.');
    return this.#loaded;
  }

  /** Makes what is missing, then reads what there is. */
  async open(call: Call): Promise<void> {
    await this.#parts.database.transaction(call, async (tx) => {
      await keysStore.lockRotation(tx.db);
      await this.#ensure(tx);
    });
    await this.load();
  }

  /** Reads the published keys again; true when they are not the ones known before. */
  async load(): Promise<boolean> {
    const rows = await keysStore.published(this.#parts.database.read);
    const before = this.#loaded?.signing.map((jwk) => jwk.kid).join() ?? '';
    const verify = new Map<string, { key: CryptoKey; alg: string }>();
    for (const row of rows) verify.set(row.kid, { key: await importVerifyKey(row.public_jwk as JWK), alg: row.alg });
    // The engine signs with the first key that fits, so one that waits for its turn comes last.
    const order = { active: 0, grace: 1, next: 2, retired: 3 };
    const sorted = rows.toSorted(
      (a, b) =>
        order[a.state] - order[b.state] || Number(b.alg === this.#parts.alg) - Number(a.alg === this.#parts.alg),
    );
    this.#loaded = { signing: sorted.map((row) => this.#privateJwk(row)), verify };
    return before !== this.#loaded.signing.map((jwk) => jwk.kid).join();
  }

  /**
   * The key that waited takes over, the active one goes into grace, and a new one waits. Says which key is active now.
   * With `since`, nothing happens when another replica rotated after that moment.
   */
  async rotate(call: Call, since: Date | null = null): Promise<string> {
    return await this.#parts.database.transaction(call, async (tx) => {
      const { clock, alg, grace_ms } = this.#parts;
      await keysStore.lockRotation(tx.db);
      const now = clock.now();
      await this.#ensure(tx);
      const rows = await keysStore.all(tx.db);
      const active = rows.find((row) => row.alg === alg && row.state === 'active')!;
      if (since !== null && active.activated_at !== null && active.activated_at >= since) return active.kid;
      const next = rows.find((row) => row.alg === alg && row.state === 'next')!;
      await keysStore.setState(tx.db, active.kid, 'grace', { retire_at: new Date(now.getTime() + grace_ms) });
      await keysStore.setState(tx.db, next.kid, 'active', { activated_at: now });
      await this.#make(tx, 'next');
      tx.emit({
        kind: oauthEvents.keyRotated,
        id: nilId,
        org_id: nilId,
        body: { kid: next.kid, previous: active.kid, alg },
      });
      tx.audit({ action: 'oauth.keys.rotate', target_type: 'key', target_id: next.kid, org_id: nilId });
      return next.kid;
    });
  }

  /** Retires keys whose grace is over and rotates one that is due. */
  async tend(call: Call): Promise<void> {
    const { database, clock, alg, rotate_every_ms } = this.#parts;
    const now = clock.now();
    await keysStore.retire(database.read, now);
    const active = (await keysStore.published(database.read)).find((row) => row.alg === alg && row.state === 'active');
    if (active === undefined) await this.open(call);
    else if (active.activated_at !== null && now.getTime() - active.activated_at.getTime() >= rotate_every_ms)
      await this.rotate(call, new Date(active.activated_at.getTime() + 1));
  }

  readonly visit: RotationVisit = async (reencrypt) => {
    const { read } = this.#parts.database;
    for (const row of await keysStore.published(read)) {
      const renewed = reencrypt(row.private_sealed, place(row.kid));
      if (renewed !== null) await keysStore.replaceSealed(read, row.kid, row.private_sealed, renewed);
    }
  };

  async #ensure(tx: Transaction): Promise<void> {
    const rows = (await keysStore.all(tx.db)).filter((row) => row.alg === this.#parts.alg);
    if (!rows.some((row) => row.state === 'active')) await this.#make(tx, 'active');
    if (!rows.some((row) => row.state === 'next')) await this.#make(tx, 'next');
    // Another algorithm was chosen: keys of the former one end like rotated ones.
    const { clock, alg, grace_ms } = this.#parts;
    const retire_at = new Date(clock.now().getTime() + grace_ms);
    for (const row of await keysStore.all(tx.db)) {
      if (row.alg !== alg && (row.state === 'active' || row.state === 'next'))
        await keysStore.setState(tx.db, row.kid, 'grace', { retire_at });
    }
  }

  async #make(tx: Transaction, state: 'next' | 'active'): Promise<void> {
    const { secrets, clock, alg } = this.#parts;
    const { kid, public_jwk, private_jwk } = await generateSigningKey(alg);
    const now = clock.now();
    await keysStore.insert(tx.db, {
      kid,
      alg,
      public_jwk: public_jwk as Record<string, unknown>,
      private_sealed: secrets.encrypt(JSON.stringify(private_jwk), place(kid)),
      state,
      created_at: now,
      not_before: now,
      activated_at: state === 'active' ? now : null,
      retire_at: null,
    });
  }

  #privateJwk(row: KeyRow): JWK {
    return JSON.parse(this.#parts.secrets.decrypt(row.private_sealed, place(row.kid))) as JWK;
  }
}
