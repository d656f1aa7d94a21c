import { createRequire } from 'node:module';
import type * as htmlparser from 'htmlparser2';
import type { AddressMap } from './address-map.ts';
import { decodeEntities, encodeEntities, rewriteRefresh, rewriteSrcset, rewriteStyle } from './attribute-values.ts';
import { CssRewriter } from './css-rewriter.ts';
import { rewriteBaseSettings, rewriteImportMap, smallText } from './json-rewriter.ts';

let loaded: typeof htmlparser | null = null;
/** With the first page: the parser takes 9 MB of memory, which a server without apps below paths need not spend. */
const parser = (): typeof htmlparser => (loaded ??= createRequire(import.meta.url)('htmlparser2') as typeof htmlparser);

/** The longest tag that is kept back until it is whole; a longer one goes by as it came. */
const lookahead = 64 * 1024;

/** Pages in attributes of pages; each has to be written again for the one around it. */
const deepest = 3;

/** What is put into a page, as source. */
export interface PageTags {
  script: string;
  import_map: string;
  /** '' for a page that inherits its base. */
  base: string;
}

export interface HtmlOptions {
  map: AddressMap;
  /**
   * `document`: a browser shows it as a page. `unknown`: it is one when it says so by a doctype, html, head or body.
   * `fragment`: a script asked for it and puts it into a page that has everything already.
   */
  kind: 'document' | 'unknown' | 'fragment';
  tags: PageTags;
  /** Scripts and styles inside the page are allowed by the hash of their text. */
  pins_text: boolean;
  /** A policy that the page itself carries. */
  policy: (value: string) => string;
  /** How many pages it stands in by `srcdoc`. */
  depth?: number;
}

interface Attribute {
  name: string;
  start: number;
  end: number;
  value_start: number;
  value_end: number;
  quote: htmlparser.QuoteType;
}

const addresses = new Set([
  'src',
  'href',
  'action',
  'formaction',
  'poster',
  'xlink:href',
  'background',
  'longdesc',
  'lowsrc',
]);
const headElements = new Set([
  'html',
  'head',
  'title',
  'meta',
  'link',
  'script',
  'style',
  'base',
  'noscript',
  'template',
  'basefont',
  'bgsound',
]);
const textElements = new Set(['title', 'textarea', 'script', 'style', 'xmp', 'iframe', 'noembed', 'noframes']);
const scriptTypes = /^(?:|module|(?:text|application)\/(?:x-)?(?:java|ecma)script)$/;
const foreignRoots = new Set(['svg', 'math']);
const islands = new Set(['foreignobject', 'desc', 'annotation-xml', 'mi', 'mo', 'mn', 'ms', 'mtext']);

const isDoctype = /^<!doctype/i;

const isForeign = (address: string): boolean => /^\s*(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(address);

/**
 * A page as it comes by. Takes and gives one character a byte: every character that matters here is ASCII, and so are
 * our insertions, so the encoding of the page stays whatever it is and what does not change keeps its bytes.
 */
export class HtmlRewriter {
  readonly #options: HtmlOptions;
  readonly #map: AddressMap;
  readonly #tokenizer: htmlparser.Tokenizer;
  /** What came and has not left yet; offsets count from the first byte of the page. */
  #text = '';
  #textStart = 0;
  /** Everything before it has left. */
  #left = 0;
  /** Everything before it was told by the tokenizer. */
  #told = 0;
  #out = '';

  #tagStart = -1;
  #tagName = '';
  #attributes: Attribute[] = [];
  #attribute: Attribute | null = null;
  #oversized = false;

  #inside: { kind: 'css'; css: CssRewriter } | { kind: 'script' | 'import_map'; from: number } | null = null;
  /** The element whose text is no markup. */
  #textElement = '';
  #foreign: string[] = [];
  /** Depth of elements whose content is not part of the page. */
  #inert = 0;

  #whole: boolean;
  #script: 'due' | 'there';
  #head: 'open' | 'passed' = 'open';
  #importMap: 'due' | 'there';
  #base: 'due' | 'there';

  constructor(options: HtmlOptions) {
    this.#options = options;
    this.#map = options.map;
    this.#whole = options.kind === 'document';
    const due = options.kind === 'fragment' ? 'there' : 'due';
    this.#script = due;
    this.#importMap = due;
    this.#base = due === 'due' && options.tags.base !== '' ? 'due' : 'there';
    const passed = (_start: number, end: number): void => this.#tell(end);
    this.#tokenizer = new (parser().Tokenizer)(
      { decodeEntities: false },
      {
        onopentagname: (start, end) => {
          this.#tagStart = start - 1;
          this.#tagName = this.#slice(start, end).toLowerCase();
          this.#attributes = [];
          this.#oversized = false;
          this.#tell(end);
        },
        onattribname: (start, end) => {
          this.#attribute = {
            name: this.#slice(start, end).toLowerCase(),
            start,
            end,
            value_start: -1,
            value_end: -1,
            quote: parser().QuoteType.NoValue,
          };
          this.#tell(end);
        },
        onattribdata: (start, end) => {
          const attribute = this.#attribute!;
          if (attribute.value_start === -1) attribute.value_start = start;
          attribute.value_end = end;
          this.#tell(end);
        },
        onattribend: (quote, end) => {
          const attribute = this.#attribute!;
          attribute.quote = quote;
          attribute.end = end;
          this.#attributes.push(attribute);
          this.#attribute = null;
          this.#tell(end);
        },
        onopentagend: (end) => this.#opened(end + 1, false),
        onselfclosingtag: (end) => this.#opened(end + 1, true),
        onclosetag: (start, end) => {
          this.#closed(this.#slice(start, end).toLowerCase(), start - 2);
          this.#tell(end);
        },
        ontext: (start, end) => {
          this.#passText(start, end);
          this.#tell(end);
        },
        ondeclaration: (start, end) => {
          if (start > this.#left && isDoctype.test(this.#slice(start - 2, start + 8))) this.#whole = true;
          this.#tell(end);
        },
        oncomment: passed,
        oncdata: passed,
        onprocessinginstruction: passed,
        onattribentity: () => undefined,
        ontextentity: () => undefined,
        onend: () => undefined,
        isInForeignContext: () => this.#foreign.length > 0 && !islands.has(this.#foreign.at(-1)!),
      },
    );
  }

  push(text: string): string {
    this.#text += text;
    this.#tokenizer.write(text);
    this.#letGo();
    return this.#take();
  }

  end(): string {
    this.#tokenizer.end();
    if (this.#inside?.kind === 'css') this.#out += this.#inside.css.end();
    this.#copy(this.#textStart + this.#text.length);
    return this.#take();
  }

  #slice(start: number, end: number): string {
    return this.#text.slice(start - this.#textStart, end - this.#textStart);
  }

  #tell(end: number): void {
    if (end > this.#told) this.#told = end;
  }

  #copy(to: number): void {
    if (to <= this.#left) return;
    this.#out += this.#slice(this.#left, to);
    this.#left = to;
  }

  #insert(at: number, text: string): void {
    this.#copy(at);
    this.#out += text;
  }

  #replace(start: number, end: number, text: string): void {
    this.#copy(start);
    this.#out += text;
    this.#left = end;
  }

  #take(): string {
    this.#text = this.#text.slice(this.#left - this.#textStart);
    this.#textStart = this.#left;
    const out = this.#out;
    this.#out = '';
    return out;
  }

  /** Lets everything go that no later byte can change. */
  #letGo(): void {
    const end = this.#textStart + this.#text.length;
    if (this.#tagStart !== -1) {
      if (!this.#oversized && end - this.#tagStart > lookahead) {
        this.#makeRoom();
        this.#oversized = true;
      }
      this.#copy(this.#oversized ? end : this.#tagStart);
      return;
    }
    if (this.#inside !== null) {
      if (this.#inside.kind === 'css') this.#copy(this.#told);
      else if (end - this.#inside.from > smallText) {
        this.#inside = null;
        this.#copy(end);
      }
      return;
    }
    // Text is told as it comes, so a bracket that is not told yet begins something, and what that is may be cut.
    const told = Math.max(this.#told, this.#left);
    const at = this.#textElement === '' ? this.#text.indexOf('<', told - this.#textStart) : -1;
    const rest = at === -1 ? '' : this.#text.slice(at, at + 10);
    if (isDoctype.test(rest)) this.#whole = true;
    const endless = rest.startsWith('<?') || (rest.startsWith('<!') && rest.length === 10);
    const held = at !== -1 && !endless && this.#text.length - at <= lookahead;
    this.#copy(held ? this.#textStart + at : end);
  }

  /* ---------- what is put in ---------- */

  #passText(start: number, end: number): void {
    if (this.#inside?.kind === 'css') {
      this.#replace(start, end, this.#inside.css.push(this.#slice(start, end)));
      return;
    }
    if (this.#head === 'passed' || !this.#whole || this.#textElement !== '' || this.#inert > 0) return;
    const text = this.#slice(start, end);
    const blank = /^[\s\0]*/.exec(start === 0 && text.startsWith('\u00ef\u00bb\u00bf') ? `   ${text.slice(3)}` : text)!;
    if (blank[0].length < text.length) this.#passHead(start + blank[0].length);
  }

  #putScript(at: number): void {
    if (this.#script === 'there') return;
    this.#script = 'there';
    this.#insert(at, this.#options.tags.script);
  }

  #putImportMap(at: number): void {
    if (this.#importMap === 'there') return;
    this.#importMap = 'there';
    this.#insert(at, this.#options.tags.import_map);
  }

  #passHead(at: number): void {
    if (this.#head === 'passed') return;
    this.#head = 'passed';
    this.#putScript(at);
    if (this.#base === 'due') this.#insert(at, this.#options.tags.base);
    this.#base = 'there';
    this.#putImportMap(at);
  }

  /** Before a tag leaves: what must stand in front of it. */
  #makeRoom(): void {
    const name = this.#tagName;
    if (name === 'html' || name === 'head' || name === 'body' || name === 'frameset') this.#whole = true;
    if (name === 'base' && this.#inert === 0 && this.#find('href') !== undefined) this.#base = 'there';
    if (name === 'html' || name === 'head' || !this.#whole || this.#inert > 0) return;
    if (this.#head === 'open') {
      if (headElements.has(name)) this.#putScript(this.#tagStart);
      else this.#passHead(this.#tagStart);
    }
    if (name === 'script' && this.#value('type') === 'module') this.#putImportMap(this.#tagStart);
    if (name === 'link' && /(?:^|\s)modulepreload(?:\s|$)/.test(this.#value('rel'))) this.#putImportMap(this.#tagStart);
  }

  /* ---------- tags ---------- */

  #find(name: string): Attribute | undefined {
    return this.#attributes.find((attribute) => attribute.name === name);
  }

  #raw(attribute: Attribute): string {
    return attribute.value_start === -1 ? '' : this.#slice(attribute.value_start, attribute.value_end);
  }

  #value(name: string): string {
    const attribute = this.#find(name);
    return attribute === undefined ? '' : decodeEntities(this.#raw(attribute)).trim().toLowerCase();
  }

  #opened(end: number, selfClosed: boolean): void {
    const name = this.#tagName;
    if (!this.#oversized) {
      this.#makeRoom();
      for (const attribute of this.#attributes) this.#edit(name, attribute);
    }
    this.#tagStart = -1;
    this.#tell(end);
    const foreign = this.#foreign.length > 0 && !islands.has(this.#foreign.at(-1)!);
    if (!(selfClosed && (foreign || foreignRoots.has(name)))) {
      if (foreignRoots.has(name) || (this.#foreign.length > 0 && islands.has(name))) this.#foreign.push(name);
      if (name === 'template' || name === 'noscript') this.#inert += 1;
      if (!foreign && textElements.has(name)) this.#textElement = name;
    }
    if (name === 'head' && this.#head === 'open') this.#putScript(end);
    if (this.#oversized || foreign) return;
    if (name === 'style' && !this.#options.pins_text) this.#inside = { kind: 'css', css: new CssRewriter(this.#map) };
    if (name !== 'script' || this.#find('src') !== undefined || this.#options.pins_text) return;
    const type = this.#value('type');
    if (type === 'importmap') {
      this.#importMap = 'there';
      this.#inside = { kind: 'import_map', from: end };
    } else if (scriptTypes.test(type)) this.#inside = { kind: 'script', from: end };
  }

  #closed(name: string, at: number): void {
    const inside = this.#inside;
    if (inside !== null) {
      if (inside.kind === 'css') this.#insert(at, inside.css.end());
      else {
        const text = this.#slice(inside.from, at);
        const change = inside.kind === 'script' ? rewriteBaseSettings : rewriteImportMap;
        const changed = change(text, this.#map);
        if (changed !== text) this.#replace(inside.from, at, changed);
      }
      this.#inside = null;
    }
    if (name === this.#textElement) this.#textElement = '';
    if (name === this.#foreign.at(-1)) this.#foreign.pop();
    if ((name === 'template' || name === 'noscript') && this.#inert > 0) this.#inert -= 1;
    if (name === 'head' && this.#inert === 0 && this.#whole) this.#passHead(at);
  }

  #edit(tag: string, attribute: Attribute): void {
    const { name } = attribute;
    if (name === 'integrity') {
      // What the address leads to may be changed as well, and would then be refused by the browser.
      const address = this.#find('src') ?? this.#find('href');
      if ((tag === 'script' || tag === 'link') && address !== undefined && !isForeign(this.#raw(address)))
        this.#replace(attribute.start, attribute.end, '');
      return;
    }
    if (attribute.value_start === -1) return;
    const value = this.#raw(attribute);
    const changed = this.#translate(tag, name, value);
    if (changed !== value) this.#replace(attribute.value_start, attribute.value_end, changed);
  }

  #translate(tag: string, name: string, value: string): string {
    // The one address whose host decides about all others of the page.
    if (name === 'href' && tag === 'base') return this.#map.header(value);
    if (addresses.has(name) || (name === 'data' && tag === 'object') || (name === 'manifest' && tag === 'html'))
      return this.#map.path(value);
    if (name === 'srcset' || name === 'imagesrcset') return rewriteSrcset(value, this.#map);
    if (name === 'style') return rewriteStyle(value, this.#map);
    if (name === 'ping') return value.replace(/\S+/g, (address) => this.#map.path(address));
    if (name === 'srcdoc' && tag === 'iframe') return this.#nested(value);
    if (name !== 'content' || tag !== 'meta') return value;
    const kind = this.#value('http-equiv');
    if (kind === 'refresh') return rewriteRefresh(value, this.#map.path);
    if (kind !== 'content-security-policy') return value;
    const policy = decodeEntities(value);
    const changed = this.#options.policy(policy);
    return changed === policy ? value : encodeEntities(changed);
  }

  /** A page inside an attribute. */
  #nested(value: string): string {
    const depth = (this.#options.depth ?? 0) + 1;
    if (depth > deepest) return value;
    const page = new HtmlRewriter({
      ...this.#options,
      depth,
      kind: this.#options.kind === 'fragment' ? 'fragment' : 'document',
      tags: { ...this.#options.tags, base: '' },
    });
    const source = decodeEntities(value);
    const changed = page.push(source) + page.end();
    return changed === source ? value : encodeEntities(changed);
  }
}
