import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Database, NewAudit } from '../../../platform/db/database.ts';
import { addressKey, type RateLimiter } from '../../../platform/limits/rate-limiter.ts';
import type { Call } from '../../../platform/operations/call.ts';
import { nilId } from '../oauth-events.ts';
import type { RequestScope } from './request-scope.ts';

const minute = 60_000;
const mostBlocked = 10_000;

interface Bodied {
  oidc?: { client?: { clientId: string }; params?: { client_id?: unknown } };
}

/**
 * Wrong client secrets: five a minute for a client id from one address, fifty for it from anywhere. Only failures cost a
 * write; a client that knows its secret is stopped by others' guesses only where it was never seen before.
 */
export class ClientGuesses {
  readonly #limiter: RateLimiter;
  readonly #database: Database & { auditDenied(call: Call, entry: NewAudit): void };
  readonly #alert: (call: Call, clientId: string) => void;
  readonly #blocked = new Map<string, number>();
  readonly #seen = new Set<string>();

  /** `alert`: wrong secrets for one client come from many places. Told once for each time that strangers are held off. */
  constructor(
    limiter: RateLimiter,
    database: Database & { auditDenied(call: Call, entry: NewAudit): void },
    alert: (call: Call, clientId: string) => void,
  ) {
    this.#limiter = limiter;
    this.#database = database;
    this.#alert = alert;
  }

  /** Seconds to wait when the answer must not go out; null otherwise. */
  async judge(ctx: KoaContextWithOIDC, scope: RequestScope): Promise<number | null> {
    const { client, params } = (ctx as unknown as Bodied).oidc ?? {};
    const clientId = client?.clientId ?? (typeof params?.client_id === 'string' ? params.client_id : null);
    if (clientId === null || clientId.length > 300) return null;
    const from = `${clientId}|${addressKey(scope.call.ip)}`;
    const body = (ctx.body ?? {}) as { error?: unknown };
    const wrong = ctx.status === 401 && body.error === 'invalid_client';
    const waits = this.#wait(from);
    if (waits !== null) return waits;
    if (!wrong) {
      if (client === undefined) return null;
      const stranger = this.#seen.has(from) ? null : this.#wait(clientId);
      if (stranger === null && ctx.status === 200) this.#remember(from);
      return stranger;
    }
    return (await this.#count(clientId, from, scope.call)).wait;
  }

  /**
   * Counts a wrong secret that came with a request of another door. The fifth holds off what comes after it, right or
   * wrong: there is nobody there who types, only programs that go on trying.
   */
  async wrong(clientId: string, call: Call): Promise<void> {
    const from = `${clientId}|${addressKey(call.ip)}`;
    const { last } = await this.#count(clientId, from, call);
    if (last) this.#block(from, minute);
  }

  /** Seconds until a secret of this client is looked at again, for whoever asks from there; null when it is now. */
  waitOf(clientId: string, ip: string | null): number | null {
    const from = `${clientId}|${addressKey(ip)}`;
    return this.#wait(from) ?? (this.#seen.has(from) ? null : this.#wait(clientId));
  }

  async #count(clientId: string, from: string, call: Call): Promise<{ wait: number | null; last: boolean }> {
    const one = await this.#limiter.hit({ bucket: 'oauth.secret', key: from, limit: 5, window_ms: minute });
    if (!one.allowed) {
      this.#block(from, one.retry_after_ms);
      this.#database.auditDenied(call, {
        action: 'oauth.client.guessing',
        target_type: 'client',
        target_id: clientId,
        org_id: nilId,
      });
      return { wait: Math.max(1, Math.ceil(one.retry_after_ms / 1000)), last: false };
    }
    const last = one.remaining === 0;
    const all = await this.#limiter.hit({ bucket: 'oauth.secret_all', key: clientId, limit: 50, window_ms: minute });
    if (all.allowed) return { wait: null, last };
    if (this.#wait(clientId) === null) this.#alert(call, clientId);
    this.#block(clientId, all.retry_after_ms);
    return { wait: Math.max(1, Math.ceil(all.retry_after_ms / 1000)), last };
  }

  /** Whether a right secret may be answered at once; the address is known for it from then on. */
  admits(clientId: string, ip: string | null): boolean {
    if (this.waitOf(clientId, ip) !== null) return false;
    this.#remember(`${clientId}|${addressKey(ip)}`);
    return true;
  }

  #wait(key: string): number | null {
    const until = this.#blocked.get(key);
    if (until === undefined) return null;
    const left = until - Date.now();
    if (left > 0) return Math.max(1, Math.ceil(left / 1000));
    this.#blocked.delete(key);
    return null;
  }

  #block(key: string, ms: number): void {
    if (this.#blocked.size >= mostBlocked) this.#blocked.clear();
    this.#blocked.set(key, Date.now() + ms);
  }

  #remember(key: string): void {
    if (this.#seen.size >= mostBlocked) this.#seen.clear();
    this.#seen.add(key);
  }
}
