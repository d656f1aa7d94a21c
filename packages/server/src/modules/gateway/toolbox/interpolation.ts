/* Variables in texts of Compose files, in every form that Compose knows. */

type Operator = '-' | ':-' | '?' | ':?' | '+' | ':+';

type Part =
  | { kind: 'text'; text: string }
  | { kind: 'variable'; name: string; operator: Operator | null; word: readonly Part[] };

/** The text is no valid template; `message` says why. */
export class InterpolationProblem extends Error {}

const nameForm = /[A-Za-z_][A-Za-z0-9_]*/y;
const operatorForm = /:?[-?+]/y;
const deepest = 20;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #match(form: RegExp): string | null {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  /** Up to the end, or to the brace that ends the word that is being read. */
  parts(depth: number): Part[] {
    if (depth > deepest) throw new InterpolationProblem('variables are nested too deeply');
    const parts: Part[] = [];
    let text = '';
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at]!;
      if (depth > 0 && character === '}') break;
      if (character !== '$') {
        text += character;
        this.#at += 1;
        continue;
      }
      this.#at += 1;
      if (this.#text[this.#at] === '$') {
        text += '$';
        this.#at += 1;
        continue;
      }
      if (text !== '') parts.push({ kind: 'text', text });
      text = '';
      parts.push(this.#variable(depth));
    }
    if (text !== '') parts.push({ kind: 'text', text });
    return parts;
  }

  #variable(depth: number): Part {
    const start = this.#at - 1;
    if (this.#text[this.#at] !== '{') {
      const name = this.#match(nameForm);
      if (name === null)
        throw new InterpolationProblem(
          `"${this.#text.slice(start, start + 12)}" is no variable; a dollar sign is written $$`,
        );
      return { kind: 'variable', name, operator: null, word: [] };
    }
    this.#at += 1;
    const name = this.#match(nameForm);
    if (name === null) throw new InterpolationProblem(`"${this.#text.slice(start, start + 12)}" names no variable`);
    const operator = this.#match(operatorForm) as Operator | null;
    const word = operator === null ? [] : this.parts(depth + 1);
    if (this.#text[this.#at] !== '}')
      throw new InterpolationProblem(
        `the braces of \${${name}…} are not closed, or hold a form that Compose does not know`,
      );
    this.#at += 1;
    return { kind: 'variable', name, operator, word };
  }
}

const parse = (text: string): Part[] => new Reader(text).parts(0);

export type Values = Readonly<Record<string, string>>;

/** A variable without a value: which, and what the file says of it. */
export interface MissingVariable {
  name: string;
  message: string | null;
}

const lookUp = (values: Values, name: string): string | undefined =>
  Object.hasOwn(values, name) ? values[name] : undefined;

const renderParts = (parts: readonly Part[], values: Values, missing: MissingVariable[]): string =>
  parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const { name, operator, word } = part;
      const value = lookUp(values, name);
      const there = operator?.startsWith(':') === true ? value !== undefined && value !== '' : value !== undefined;
      switch (operator) {
        case null:
          if (value === undefined) missing.push({ name, message: null });
          return value ?? '';
        case '-':
        case ':-':
          return there ? value! : renderParts(word, values, missing);
        case '+':
        case ':+':
          return there ? renderParts(word, values, missing) : '';
        case '?':
        case ':?':
          if (!there) missing.push({ name, message: renderParts(word, values, []).trim() || null });
          return value ?? '';
        default:
          return operator satisfies never;
      }
    })
    .join('');

/** The text with values in place of variables; what has none goes into `missing`. */
export const render = (text: string, values: Values, missing: MissingVariable[]): string =>
  renderParts(parse(text), values, missing);

/** What a text says of a variable at one of its places. */
export interface VariableUse {
  name: string;
  /** Without a value the file cannot be used. */
  required: boolean;
  default: string | null;
  message: string | null;
}

const usesOf = (parts: readonly Part[], nested: boolean): VariableUse[] =>
  parts.flatMap((part): VariableUse[] => {
    if (part.kind === 'text') return [];
    const { name, operator, word } = part;
    const inner = usesOf(word, true);
    const isDefault = operator === '-' || operator === ':-';
    const isMessage = operator === '?' || operator === ':?';
    const use: VariableUse = {
      name,
      required: isMessage || (operator === null && !nested),
      default: isDefault ? renderParts(word, {}, []) : null,
      message: isMessage ? renderParts(word, {}, []).trim() || null : null,
    };
    // What a message mentions is no setting.
    return isMessage ? [use] : [use, ...inner];
  });

/** Every variable that a text uses, in its order. */
export const variablesIn = (text: string): VariableUse[] => usesOf(parse(text), false);
