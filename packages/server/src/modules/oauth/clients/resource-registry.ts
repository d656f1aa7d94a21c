import { appScopeOf } from '@atrium/protocol';
import type { SigningAlg } from '../keys/signing-key.ts';
import type { Db } from '../stores/db.ts';
import { resourcesStore } from '../stores/resources-store.ts';
import { contractScopes, usualScopes } from './scopes-of-clients.ts';

/** A protected audience as the server knows it. */
export interface KnownResource {
  audience: string;
  name: string;
  built_in: boolean;
  /** What a token for it may carry. */
  scopes: readonly string[];
  /** What a client gets that names no scope. */
  default_scopes: readonly string[];
  format: 'jwt' | 'opaque';
  ttl_s: number;
  alg: SigningAlg;
  /** The client that may introspect its tokens. */
  client_id: string | null;
}

const slug = /^[A-Za-z0-9_-]{1,64}$/;
const lifeMs = 30_000;

/** Paths below the origin that are audiences of their own, and what a person reads of them. */
const doors: Readonly<Record<string, string>> = {
  '/mcp': 'Tools over MCP',
  '/api/v1': 'The REST interface',
  '/v1': 'Models',
};

/** The audiences of this server, and those that operators added. An identifier is compared, never rewritten. */
export class ResourceRegistry {
  readonly #origin: () => string;
  readonly #alg: SigningAlg;
  readonly #ttl: number;
  readonly #fresh: () => boolean;
  readonly #cache = new Map<string, { known: KnownResource | null; until: number }>();
  /** Of what was forgotten: a row read before and kept after would be the old one. */
  #generation = 0;

  constructor(parts: { origin: () => string; alg: SigningAlg; access_ttl_s: number; fresh: () => boolean }) {
    this.#origin = parts.origin;
    this.#alg = parts.alg;
    this.#ttl = parts.access_ttl_s;
    this.#fresh = parts.fresh;
  }

  /** Where MCP clients go that name no resource. */
  get usual(): string {
    return `${this.#origin()}/mcp`;
  }

  get paths(): readonly string[] {
    return Object.keys(doors);
  }

  /** Words for the consent page; null for anything that is not built in. */
  builtInName(audience: string): string | null {
    const origin = this.#origin();
    if (audience === origin || audience === `${origin}/`) return 'Everything on this server';
    if (!audience.startsWith(`${origin}/`)) return null;
    const path = audience.slice(origin.length);
    if (doors[path] !== undefined) return doors[path];
    const app = this.#appOf(audience);
    return app === null ? null : `The app ${app}`;
  }

  /** Slug of the app that an audience is, or would be: whether there is one is no question of tokens. */
  #appOf(audience: string): string | null {
    const path = audience.startsWith(`${this.#origin()}/`) ? audience.slice(this.#origin().length) : '';
    const app = /^\/apps\/([^/]+)$/.exec(path)?.[1];
    return app !== undefined && slug.test(app) ? app : null;
  }

  async find(db: Db, audience: string): Promise<KnownResource | null> {
    const cached = this.#cache.get(audience);
    if (cached !== undefined && cached.until > Date.now() && this.#fresh()) return cached.known;
    const before = this.#generation;
    const known = await this.#read(db, audience);
    if (before !== this.#generation) return known;
    this.#cache.set(audience, { known, until: Date.now() + lifeMs });
    if (this.#cache.size > 1000) this.#cache.delete(this.#cache.keys().next().value!);
    return known;
  }

  forget(): void {
    this.#generation += 1;
    this.#cache.clear();
  }

  async #read(db: Db, audience: string): Promise<KnownResource | null> {
    const name = this.builtInName(audience);
    const row = await resourcesStore.find(db, audience);
    if (row !== null && !row.enabled) return null;
    if (row === null && name === null) return null;
    const app = this.#appOf(audience);
    const [all, usual] =
      app === null ? [contractScopes, usualScopes] : [[...contractScopes, appScopeOf(app)], [appScopeOf(app)]];
    return {
      audience,
      name: row?.name ?? name!,
      built_in: name !== null,
      scopes: row !== null && row.scopes.length > 0 ? row.scopes : name === null ? [] : all,
      default_scopes: row !== null && row.scopes.length > 0 ? row.scopes : usual,
      format: row?.format ?? 'jwt',
      ttl_s: row?.ttl_s ?? this.#ttl,
      alg: (row?.alg as SigningAlg | null | undefined) ?? this.#alg,
      client_id: row?.client_id ?? null,
    };
  }
}
