import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressMap } from './address-map.ts';
import type { Insertions } from './content-policy.ts';
import type { PageTags } from './html-rewriter.ts';
import { importEntries } from './json-rewriter.ts';

/** Runs in pages and workers of apps; one file for all of them. */
const source = readFileSync(new URL('./page-script.js', import.meta.url));
const sha256 = (text: string | Buffer): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

export const pageScript = {
  source,
  hash: sha256(source),
  /** Part of its address, so that browsers may keep it for ever. */
  version: createHash('sha256').update(source).digest('hex').slice(0, 12),
};

/** Below the base of the route. No app that is known has a folder of this name. */
const ownFolder = '.atrium/';
export const scriptPath = (prefix: string): string => `${prefix}/${ownFolder}rewrite.js`;

const importMapText = (map: AddressMap): string =>
  JSON.stringify({ imports: importEntries(map) }).replaceAll('<', '\\u003c');

export const insertionsFor = (map: AddressMap): Insertions => ({
  script: scriptPath(map.prefix),
  script_hash: pageScript.hash,
  inline_hash: sha256(importMapText(map)),
});

/** In the address of a page as browsers know it; quotes and ampersands would end or change the attribute. */
const inAttribute = (text: string): string =>
  text.replace(/[&"'<>]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/[^\x21-\x7e]/g, encodeURIComponent);

/**
 * The base is the address of the page itself and so changes no other address; the script tells who reads the element
 * that it is the base of the app, which is where routers of single-page apps learn where they are.
 */
export const tagsFor = (
  map: AddressMap,
  page: string,
  target: { base_path: string },
  policy: { nonce: string | null; hashed: boolean },
): PageTags => {
  const nonce = policy.nonce === null ? '' : ` nonce="${policy.nonce}"`;
  const integrity = policy.hashed ? ` integrity="${pageScript.hash}"` : '';
  const from = target.base_path === '' ? '' : ` data-from="${inAttribute(target.base_path)}"`;
  return {
    script: `<script src="${inAttribute(scriptPath(map.prefix))}?v=${pageScript.version}"${nonce}${integrity}${from} data-atrium></script>`,
    import_map: `<script type="importmap"${nonce}>${importMapText(map)}</script>`,
    base: `<base href="${inAttribute(page)}" data-atrium>`,
  };
};

/** In front of the source of a worker, where no page script can reach. */
export const workerPrelude = (map: AddressMap, target: { base_path: string }): string =>
  `self.__atriumBase=${JSON.stringify([map.prefix, target.base_path])};${source.toString('latin1')}\n`;
