export const mask = '••••••';

/**
 * Puts a mark in the place of secrets in a text that comes in pieces. What could be the beginning of a secret is held
 * back until the next piece shows whether it is.
 */
export class Masker {
  readonly #secrets: readonly string[];
  readonly #firsts: RegExp | null;
  #held = '';

  constructor(secrets: readonly string[]) {
    // The longest first: one may begin with another. Programs print lines, so each line of a secret counts as well.
    const all = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/).filter((line) => line.length >= 4)]);
    this.#secrets = [...new Set(all.filter((one) => one !== ''))].toSorted((a, b) => b.length - a.length);
    const firsts = [...new Set(this.#secrets.map((one) => one.codePointAt(0)!))];
    this.#firsts =
      firsts.length === 0 ? null : new RegExp(`[${firsts.map((code) => `\\u{${code.toString(16)}}`).join('')}]`, 'gu');
  }

  push(text: string): string {
    if (this.#firsts === null) return text;
    return this.#through(this.#held + text, false);
  }

  /** What was held back. */
  end(): string {
    return this.#firsts === null ? '' : this.#through(this.#held, true);
  }

  #through(text: string, last: boolean): string {
    const firsts = this.#firsts!;
    this.#held = '';
    let shown = '';
    let at = 0;
    for (;;) {
      firsts.lastIndex = at;
      const next = firsts.exec(text)?.index ?? text.length;
      shown += text.slice(at, next);
      if (next === text.length) return shown;
      at = next;
      const left = text.length - at;
      if (!last && this.#secrets.some((one) => one.length > left && one.startsWith(text.slice(at)))) {
        this.#held = text.slice(at);
        return shown;
      }
      const found = this.#secrets.find((one) => text.startsWith(one, at));
      shown += found === undefined ? String.fromCodePoint(text.codePointAt(at)!) : mask;
      at += found?.length ?? (text.codePointAt(at)! > 0xffff ? 2 : 1);
    }
  }
}
