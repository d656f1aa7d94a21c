import type { AddressMap } from './address-map.ts';

/** What our own insertions need of a policy. */
export interface Insertions {
  /** Path of the script, and the hash of its text as `sha256-…`. */
  script: string;
  script_hash: string;
  /** Of the text of the import map. */
  inline_hash: string;
}

export interface PolicyChange {
  value: string;
  /** One that the app itself allows for this answer; our tags carry it. */
  nonce: string | null;
  /** The script must carry its hash, because this policy trusts nothing else. */
  hashed: boolean;
  /** Scripts or styles inside the page are told apart by their hash, so their text must stay as it is. */
  pins_text: boolean;
}

const withoutSources = new Set([
  'sandbox',
  'report-to',
  'trusted-types',
  'require-trusted-types-for',
  'require-sri-for',
  'plugin-types',
  'upgrade-insecure-requests',
  'block-all-mixed-content',
  'referrer',
]);
const hash = /^'sha(?:256|384|512)-/i;
const nonceSource = /^'nonce-([A-Za-z0-9+/_=-]+)'$/i;

const rewriteSource = (source: string, map: AddressMap): string => {
  const found = /^((?:https?|wss?):\/\/)?(\[[\da-f:]+\](?::\d+)?|[^/'":*\s]+(?::\d+)?)(\/\S*)?$/i.exec(source);
  if (found === null) return source;
  const owner = map.owner(found[2]!);
  if (owner === null) return source;
  return `${found[1] ?? ''}${owner === 'visitor' ? found[2] : map.host}${found[3] === undefined ? '' : map.path(found[3])}`;
};

interface Directive {
  name: string;
  values: string[];
}

/** Makes room for our script and import map in one policy, and for nothing else. */
const admit = (directives: Directive[], map: AddressMap, wanted: Insertions, change: PolicyChange): boolean => {
  const find = (name: string): Directive | undefined => directives.find((directive) => directive.name === name);
  let ruling = find('script-src-elem') ?? find('script-src') ?? find('default-src');
  if (ruling === undefined) return false;
  const has = (keyword: string): boolean => ruling!.values.some((value) => value.toLowerCase() === keyword);
  const nonce = ruling.values.map((value) => nonceSource.exec(value)?.[1]).find((value) => value !== undefined);
  if (nonce !== undefined && (change.nonce === null || change.nonce === nonce)) {
    change.nonce = nonce;
    return false;
  }
  const strict = has("'strict-dynamic'");
  const hashes = ruling.values.some((value) => hash.test(value));
  const missing: string[] = [];
  if (strict) {
    missing.push(`'${wanted.script_hash}'`);
    change.hashed = true;
  } else if (
    !has("'self'") &&
    !has('*') &&
    !ruling.values.some((value) => value.toLowerCase() === map.host.toLowerCase())
  )
    missing.push(`${map.host}${wanted.script}`);
  // A hash beside 'unsafe-inline' would switch that off for the app's own scripts.
  if (!has("'unsafe-inline'") || strict || hashes || nonce !== undefined) missing.push(`'${wanted.inline_hash}'`);
  if (missing.length === 0) return false;
  if (ruling.name === 'default-src') {
    ruling = { name: 'script-src', values: [...ruling.values] };
    directives.push(ruling);
  }
  ruling.values = [...ruling.values.filter((value) => value.toLowerCase() !== "'none'"), ...missing];
  return true;
};

/**
 * One header or one `<meta>`: addresses of the app are translated, and with `wanted` our own insertions are let in. A
 * policy that needs neither comes back as it was.
 */
export const rewritePolicy = (
  value: string,
  map: AddressMap,
  wanted: Insertions | null,
  earlier: PolicyChange | null = null,
): PolicyChange => {
  const change: PolicyChange = {
    value,
    nonce: earlier?.nonce ?? null,
    hashed: earlier?.hashed ?? false,
    pins_text: earlier?.pins_text ?? false,
  };
  change.value = value
    .split(',')
    .map((policy) => {
      let touched = false;
      const directives = policy
        .split(';')
        .map((text) => text.trim().split(/\s+/))
        .filter((words) => words[0] !== '')
        .map((words): Directive => {
          const name = words[0]!.toLowerCase();
          const values = words.slice(1).map((word) => {
            if (withoutSources.has(name)) return word;
            const changed = name === 'report-uri' ? map.header(word) : rewriteSource(word, map);
            touched ||= changed !== word;
            return changed;
          });
          if (/^(?:script|style|default)-src/.test(name) && values.some((word) => hash.test(word)))
            change.pins_text = true;
          return { name, values };
        });
      if (wanted !== null && admit(directives, map, wanted, change)) touched = true;
      return touched ? directives.map(({ name, values }) => [name, ...values].join(' ')).join('; ') : policy;
    })
    .join(',');
  return change;
};
