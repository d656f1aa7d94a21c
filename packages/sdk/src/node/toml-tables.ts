/*
 * As much of TOML as it takes to find the tables of a file, so that one can be put in or replaced and everything else
 * stays as it was written, comments included.
 */

export interface TomlTable {
  /** Of a header, or of the beginning of the file. */
  path: readonly string[];
  start: number;
  /** Keys that are set in it, dotted ones in parts. */
  keys: (readonly string[])[];
}

const fail = (what: string): never => {
  throw new SyntaxError(what);
};

const spaces = /[ \t]*/y;
const blanks = /(?:[ \t\r\n]|#[^\n]*)*/y;
const bareKey = /[A-Za-z0-9_-]+/y;
const literalKey = /'([^'\n]*)'/y;
const basicKey = /"(?:[^"\\\n]|\\.)*"/y;
const strings = [/"""(?:[^\\]|\\.)*?"{3,5}/sy, /'''.*?'{3,5}/sy, basicKey, literalKey];

class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }
  get next(): string {
    return this.text[this.at] ?? '';
  }
  take(letter: string): void {
    if (this.next !== letter) fail(`"${letter}" is missing`);
    this.at += 1;
  }

  keyPart(): string {
    const bare = this.match(bareKey);
    if (bare !== null) return bare[0];
    const literal = this.match(literalKey);
    if (literal !== null) return literal[1]!;
    const basic = this.match(basicKey) ?? fail('a key is missing');
    // Escapes of TOML that JSON does not know are in no key that is looked for.
    return JSON.parse(basic[0].replace(/\\U[0-9A-Fa-f]{8}|\\x[0-9A-Fa-f]{2}|\\e/g, '?')) as string;
  }

  key(): string[] {
    const parts = [];
    for (;;) {
      this.match(spaces);
      parts.push(this.keyPart());
      this.match(spaces);
      if (this.next !== '.') return parts;
      this.at += 1;
    }
  }

  /** To the end of a value, which may go over several lines within brackets and strings. */
  value(): void {
    let depth = 0;
    this.match(spaces);
    if (/[\r\n#]/.test(this.next) || this.next === '') fail('a value is missing');
    while (this.at < this.text.length) {
      const letter = this.next;
      if (letter === '"' || letter === "'") {
        if (!strings.some((one) => this.match(one) !== null)) fail('a string has no end');
        continue;
      }
      if (letter === '\n' && depth === 0) return;
      if (letter === '#') {
        this.match(/#[^\n]*/y);
        continue;
      }
      if (letter === '[' || letter === '{') depth += 1;
      if (letter === ']' || letter === '}') depth -= 1;
      if (depth < 0) fail('a bracket too many');
      this.at += 1;
    }
    if (depth > 0) fail('a bracket has no end');
  }

  endOfLine(): void {
    this.match(/[ \t]*(?:#[^\n]*)?\r?/y);
    if (this.next === '\n') this.at += 1;
    else if (this.next !== '') fail('something stands behind a header');
  }
}

/** The tables of a text in their order; throws SyntaxError for what is not TOML, as far as it looks. */
export const tomlTables = (text: string): TomlTable[] => {
  const scanner = new Scanner(text);
  const tables: TomlTable[] = [{ path: [], start: 0, keys: [] }];
  for (;;) {
    scanner.match(blanks);
    if (scanner.next === '') return tables;
    const start = scanner.at;
    if (scanner.next === '[') {
      scanner.at += 1;
      const many = scanner.next === '[';
      if (many) scanner.at += 1;
      const path = scanner.key();
      scanner.take(']');
      if (many) scanner.take(']');
      scanner.endOfLine();
      tables.push({ path, start, keys: [] });
      continue;
    }
    const key = scanner.key();
    scanner.take('=');
    scanner.value();
    tables.at(-1)!.keys.push(key);
  }
};
