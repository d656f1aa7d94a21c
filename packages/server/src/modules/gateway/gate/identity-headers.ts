import { personBehind } from '../access-policy.ts';
import type { Principal } from './visitor-book.ts';

export const assertionType = 'atrium-assertion+jwt';
const livesS = 60;
/** An assertion that an app gets is good for half of its life at least. */
const renewAfterMs = 30_000;

/** Bytes that any app server reads as they are; what is none of them is percent-encoded. */
const plain = (value: string): string => value.replaceAll(/[^\x20-\x7e]+/g, encodeURIComponent);

export interface AssertionParts {
  now: () => Date;
  origin: () => string;
  sign: (typ: string, claims: Record<string, unknown>) => string;
  remote_user: () => boolean;
}

/** Headers that tell one app who asks. Made when they are first asked for, and again before they are old. */
export class IdentityHeaders {
  readonly #parts: AssertionParts;
  readonly #principal: Principal;
  readonly #slug: string;
  #made: readonly (readonly [string, string])[] = [];
  #madeAt = Number.NEGATIVE_INFINITY;

  constructor(parts: AssertionParts, principal: Principal, slug: string) {
    this.#parts = parts;
    this.#principal = principal;
    this.#slug = slug;
  }

  get(): readonly (readonly [string, string])[] {
    const now = this.#parts.now().getTime();
    if (now - this.#madeAt >= renewAfterMs || now < this.#madeAt) {
      this.#made = this.#make(now);
      this.#madeAt = now;
    }
    return this.#made;
  }

  #make(now: number): [string, string][] {
    const { caller, facts } = this.#principal;
    const groups = facts.teams.map(({ slug }) => slug);
    const issued = Math.floor(now / 1000);
    const assertion = this.#parts.sign(assertionType, {
      iss: this.#parts.origin(),
      sub: personBehind(caller),
      ...(caller.kind === 'device' ? { device: caller.id } : {}),
      aud: `${this.#parts.origin()}/apps/${this.#slug}`,
      iat: issued,
      exp: issued + livesS,
      org: caller.org_id,
      actor_type: caller.kind,
      name: caller.name,
      groups,
      ...(caller.system_role === null ? {} : { role: caller.system_role }),
      ...(facts.email === null ? {} : { email: facts.email, email_verified: true }),
    });
    return [
      ['X-Atrium-User', personBehind(caller)],
      ...(facts.email === null ? [] : [['X-Atrium-Email', plain(facts.email)] as [string, string]]),
      ['X-Atrium-Groups', groups.map(plain).join(',')],
      ...(caller.kind === 'device' ? [['X-Atrium-Device', caller.id] as [string, string]] : []),
      ['X-Atrium-Assertion', assertion],
      ...(this.#parts.remote_user()
        ? [['Remote-User', plain(facts.email ?? personBehind(caller))] as [string, string]]
        : []),
    ];
  }
}
