import type { AddressMap } from './address-map.ts';

/* Values of attributes as they stand in the source of a page: entities are still entities. */

const quoteEntity = '&(?:quot|apos|#0*3[49]|#x0*2[27]);';

/** Candidates of `srcset`: an address, then descriptors up to a comma outside of parentheses. */
export const rewriteSrcset = (value: string, map: AddressMap): string => {
  let out = '';
  let at = 0;
  while (at < value.length) {
    const gap = /^[\s,]*/.exec(value.slice(at))![0].length;
    out += value.slice(at, at + gap);
    at += gap;
    const address = /^\S*/.exec(value.slice(at))![0];
    const bare = address.replace(/,+$/, '');
    out += map.path(bare) + address.slice(bare.length);
    at += address.length;
    if (bare.length < address.length) continue;
    let depth = 0;
    const from = at;
    for (; at < value.length && (depth > 0 || value[at] !== ','); at += 1) {
      if (value[at] === '(') depth += 1;
      else if (value[at] === ')') depth -= 1;
    }
    out += value.slice(from, at);
  }
  return out;
};

const inlineUrl = new RegExp(
  `((?<![\\w-])url\\(\\s*(?:["']|${quoteEntity})?)((?:/|&(?:#x0*2f|#0*47|sol);)[^)"'\\s]*)`,
  'gi',
);
export const rewriteStyle = (value: string, map: AddressMap): string =>
  /url\(/i.test(value)
    ? value.replace(inlineUrl, (_all, before: string, address: string) => before + map.path(address))
    : value;

const openingQuote = new RegExp(`^(?:["']|${quoteEntity})`, 'i');
const skip = (text: string, from: number, signs: RegExp): number => {
  let at = from;
  while (at < text.length && signs.test(text[at]!)) at += 1;
  return at;
};
/** The value of `Refresh`, in a header or in a page: a time, a separator, then an address with or without `url=`. */
export const rewriteRefresh = (value: string, translate: (address: string) => string): string => {
  const time = skip(value, skip(value, 0, /\s/), /[\d.]/);
  let at = skip(value, time, /[\s;,]/);
  if (at === time) return value;
  if (/^url/i.test(value.slice(at, at + 3))) {
    const sign = skip(value, at + 3, /\s/);
    if (value[sign] === '=') at = skip(value, sign + 1, /\s/);
  }
  at += openingQuote.exec(value.slice(at, at + 12))?.[0].length ?? 0;
  return value.slice(0, at) + translate(value.slice(at));
};

const entities: Record<string, string> = { quot: '"', apos: "'", amp: '&', lt: '<', gt: '>' };
export const decodeEntities = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(quot|apos|amp|lt|gt));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return entities[String(name).toLowerCase()]!;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    // Only what is one byte in every encoding with ASCII in it.
    return code > 0 && code < 128 ? String.fromCharCode(code) : all;
  });
export const encodeEntities = (text: string): string => text.replace(/[&"'<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
