import type { AddressMap } from './address-map.ts';

/** Longest run of a style sheet that is kept back to see the end of one token. */
const lookahead = 64 * 1024;

/** Where the last part ended; `bare` is an address without quotes. */
type Place = 'sheet' | 'comment' | 'single' | 'double' | 'bare';

const interesting = /\/\*|["'\\]|@import\b|(?<![\w-])(?:url|src|image-set)\(/gi;
const word = /[\w-]/;

/** Where the end of a part may be the beginning of one of the above, cut. */
const cutAt = (text: string, from: number): number => {
  let at = text.length;
  while (at > from && word.test(text[at - 1]!)) at -= 1;
  if (at > from && '/\\@'.includes(text[at - 1]!) && (text[at - 1] === '@' || at === text.length)) at -= 1;
  return at;
};

/**
 * Style sheets as they come by: `url()`, `src()`, `@import`, strings of `image-set()` and the comment that names the
 * source map. Takes and gives one character a byte, so every encoding that has ASCII in it stays as it was.
 */
export class CssRewriter {
  readonly #map: AddressMap;
  #kept = '';
  #place: Place = 'sheet';
  /** Depth of parentheses inside `image-set(`, where strings are addresses; 0 outside. */
  #images = 0;
  #out = '';

  constructor(map: AddressMap) {
    this.#map = map;
  }

  push(text: string): string {
    this.#run(this.#kept + text, false);
    return this.#take();
  }

  end(): string {
    this.#run(this.#kept, true);
    return this.#take();
  }

  #take(): string {
    const out = this.#out;
    this.#out = '';
    return out;
  }

  #run(text: string, last: boolean): void {
    this.#kept = '';
    let at = 0;
    const wait = (from: number): void => {
      if (last || text.length - from > lookahead) {
        // Longer than any address is: it goes by as it came.
        this.#out += text.slice(from);
      } else this.#kept = text.slice(from);
    };
    while (at < text.length) {
      if (this.#place === 'comment') {
        const end = text.indexOf('*/', at);
        if (end === -1) {
          const star = !last && text.endsWith('*') ? text.length - 1 : text.length;
          this.#out += text.slice(at, star);
          this.#kept = text.slice(star);
          return;
        }
        this.#out += text.slice(at, end + 2);
        at = end + 2;
        this.#place = 'sheet';
        continue;
      }
      if (this.#place === 'single' || this.#place === 'double') {
        const quote = this.#place === 'single' ? "'" : '"';
        let end = at;
        while (end < text.length && text[end] !== quote && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1;
        if (end >= text.length) {
          const whole = !last && end > text.length ? text.length - 1 : text.length;
          this.#out += text.slice(at, whole);
          this.#kept = text.slice(whole);
          return;
        }
        this.#out += text.slice(at, end + 1);
        at = end + 1;
        this.#place = 'sheet';
        continue;
      }
      if (this.#place === 'bare') {
        const end = text.slice(at).search(/[\s)]/);
        if (end !== -1) this.#place = 'sheet';
        at = this.#emit(text, at, end === -1 ? text.length : at + end);
        continue;
      }
      if (this.#images > 0) {
        const step = this.#insideImages(text, at, last);
        if (step === -1) {
          wait(at);
          return;
        }
        at = step;
        continue;
      }
      interesting.lastIndex = at;
      const found = interesting.exec(text);
      if (found === null) {
        const whole = last ? text.length : cutAt(text, at);
        this.#out += text.slice(at, whole);
        wait(whole);
        return;
      }
      this.#out += text.slice(at, found.index);
      at = found.index;
      const token = found[0].toLowerCase();
      let next: number;
      if (token === '/*') next = this.#comment(text, at, last);
      else if (token === '"' || token === "'") {
        this.#place = token === '"' ? 'double' : 'single';
        next = this.#emit(text, at, at + 1);
      } else if (token === '\\') next = at + 1 < text.length || last ? this.#emit(text, at, at + 2) : -1;
      else if (token === '@import') next = this.#import(text, at, last);
      else if (token === 'image-set(') {
        this.#images = 1;
        next = this.#emit(text, at, at + token.length);
      } else next = this.#address(text, at, at + token.length, last);
      if (next === -1) {
        wait(at);
        return;
      }
      at = next;
    }
  }

  #emit(text: string, from: number, to: number): number {
    this.#out += text.slice(from, to);
    return Math.min(to, text.length);
  }

  /** A string or a bare word after `url(`, from where it begins; -1 = more is needed. */
  #address(text: string, from: number, after: number, last: boolean): number {
    let begin = after;
    while (begin < text.length && /\s/.test(text[begin]!)) begin += 1;
    if (begin >= text.length) return last ? this.#emit(text, from, text.length) : -1;
    const quote = text[begin] === '"' || text[begin] === "'" ? text[begin]! : null;
    const first = quote === null ? begin : begin + 1;
    if (first + 1 >= text.length && !last) return -1;
    // Data addresses are long and never change: nothing of them is kept back.
    if (text[first] !== '/') {
      this.#place = quote === null ? 'bare' : quote === '"' ? 'double' : 'single';
      return this.#emit(text, from, first);
    }
    let end = first;
    while (
      end < text.length &&
      (quote === null ? !/[\s)]/.test(text[end]!) : text[end] !== quote && text[end] !== '\n')
    )
      end += text[end] === '\\' ? 2 : 1;
    if (end >= text.length && !last) return -1;
    this.#out += text.slice(from, first) + this.#map.path(text.slice(first, end));
    return this.#emit(text, Math.min(end, text.length), Math.min(end, text.length) + (quote === null ? 0 : 1));
  }

  #import(text: string, from: number, last: boolean): number {
    const rest = /^@import\s*(["']?)/i.exec(text.slice(from, from + 256))!;
    const after = from + rest[0].length;
    if (after >= text.length && !last) return -1;
    return rest[1] === '' ? this.#emit(text, from, after) : this.#address(text, from, after - 1, last);
  }

  #comment(text: string, from: number, last: boolean): number {
    const head = text.slice(from, from + 21);
    const mark = '/*# sourceMappingURL=';
    const old = '/*@ sourceMappingURL=';
    if (head !== mark && head !== old) {
      if (!last && head.length < mark.length && (mark.startsWith(head) || old.startsWith(head))) return -1;
      this.#place = 'comment';
      return this.#emit(text, from, from + 2);
    }
    const end = text.indexOf('*/', from);
    if (end === -1 && !last) return -1;
    const stop = end === -1 ? text.length : end;
    this.#out += head + this.#map.path(text.slice(from + 21, stop));
    return this.#emit(text, stop, stop + 2);
  }

  /** Strings are addresses here; -1 = more is needed. */
  #insideImages(text: string, from: number, last: boolean): number {
    const found = /["'()]/.exec(text.slice(from));
    if (found === null) {
      const whole = last ? text.length : cutAt(text, from);
      return whole > from ? this.#emit(text, from, whole) : -1;
    }
    const at = from + found.index;
    if (found[0] === '(' || found[0] === ')') {
      const call = /(?:url|src)$/i.test(text.slice(Math.max(0, at - 3), at)) && found[0] === '(';
      if (call) {
        const next = this.#address(text, from, at + 1, last);
        if (next !== -1) this.#images += 1;
        return next;
      }
      this.#images += found[0] === '(' ? 1 : -1;
      return this.#emit(text, from, at + 1);
    }
    return this.#address(text, from, at, last);
  }
}
