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

const refresh = new RegExp(
  `^(\\s*[\\d.]*\\s*[;,\\s]\\s*(?:url\\s*=\\s*)?(?:["']|${quoteEntity})?\\s*)([\\s\\S]*)$`,
  'i',
);
/** The value of `Refresh`, in a header or in a page. */
export const rewriteRefresh = (value: string, translate: (address: string) => string): string => {
  const found = refresh.exec(value);
  return found === null ? value : found[1]! + translate(found[2]!);
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
