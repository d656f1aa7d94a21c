import type { AddressMap } from './address-map.ts';

/** Largest JSON, manifest or script that is looked into. */
export const smallText = 50 * 1024;

const baseSetting =
  /(["']?)\b(urlBase|url_base|UrlBase|baseUrl|base_url)\1(\s*[:=]\s*)(["'])((?:\\\/|(?!\4)[^\\\r\n]){0,500})\4/g;

/**
 * Apps of the Sonarr family tell their own script by a setting in a small file where they are. Empty stands for the
 * root there; of the names that other programs use for any address, an empty value says nothing.
 */
export const rewriteBaseSettings = (text: string, map: AddressMap): string =>
  text.replace(baseSetting, (all, open: string, key: string, between: string, quote: string, value: string) => {
    const address = value.replaceAll('\\/', '/');
    const root = address === '' && /^url_?base$/i.test(key);
    const changed = root ? map.prefix : map.path(address);
    return changed === address ? all : `${open}${key}${open}${between}${quote}${changed}${quote}`;
  });

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
const isObject = (value: Json | undefined): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const addressKeys = new Set(['start_url', 'scope', 'id', 'src', 'url', 'action']);
const lists = new Set([
  'icons',
  'screenshots',
  'shortcuts',
  'share_target',
  'file_handlers',
  'protocol_handlers',
  'serviceworker',
]);

const manifestValue = (value: Json, map: AddressMap): Json => {
  if (Array.isArray(value)) return value.map((entry) => manifestValue(entry, map));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (typeof entry === 'string' && addressKeys.has(key)) return [key, map.path(entry)];
      return [key, lists.has(key) ? manifestValue(entry, map) : entry];
    }),
  );
};

const reread = (text: string, change: (value: Json) => Json): string => {
  const mark = text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0;
  let value: Json;
  try {
    value = JSON.parse(text.slice(mark)) as Json;
  } catch {
    return text;
  }
  const before = JSON.stringify(value);
  const after = JSON.stringify(change(value));
  return after === before ? text : text.slice(0, mark) + after;
};

/** A web app manifest: where the installed app starts, what it covers, its pictures and shortcuts. */
export const rewriteManifest = (text: string, map: AddressMap): string =>
  reread(text, (value) => manifestValue(value, map));

/** What sends `import '/x.js'` below the base, which no script could catch. Longer keys win, so nothing is moved twice. */
export const importEntries = (map: AddressMap): Record<string, string> => ({
  [`${map.prefix}/`]: `${map.prefix}/`,
  '/': `${map.prefix}/`,
});

/** The page's own import map, moved and joined with ours. */
export const rewriteImportMap = (text: string, map: AddressMap): string => {
  const moved = (entries: Json | undefined): { [key: string]: Json } => {
    const out: { [key: string]: Json } = {};
    for (const [key, address] of Object.entries(isObject(entries) ? entries : {})) {
      const to = typeof address === 'string' ? map.path(address) : address;
      out[key] = to;
      // A module below the base that imports './x.js' asks for it by its moved address.
      const movedKey = map.path(key);
      if (movedKey !== key) out[movedKey] ??= to;
    }
    return out;
  };
  return reread(text, (value) => {
    if (!isObject(value)) return value;
    const out: { [key: string]: Json } = { ...value, imports: { ...importEntries(map), ...moved(value['imports']) } };
    if (isObject(value['scopes']))
      out['scopes'] = Object.fromEntries(
        Object.entries(value['scopes']).map(([scope, entries]) => [map.path(scope), moved(entries)]),
      );
    if (isObject(value['integrity'])) delete out['integrity'];
    return out;
  }).replaceAll('<', '\\u003c');
};
