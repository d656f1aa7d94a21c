import { hashToken } from '../../../platform/secrets/tokens.ts';

/** Digests of credentials, each kept for as long as the header lines that it came in serve further requests. */
export class TokenHashes {
  readonly #known = new WeakMap<object, { token: string; hash: string }>();

  /** `fields` are the same object where nothing but the first line of a head is new. */
  of(fields: object | undefined, token: string): string {
    if (fields === undefined) return hashToken(token);
    const known = this.#known.get(fields);
    if (known?.token === token) return known.hash;
    const hash = hashToken(token);
    this.#known.set(fields, { token, hash });
    return hash;
  }
}
