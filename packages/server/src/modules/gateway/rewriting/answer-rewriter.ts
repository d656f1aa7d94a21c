import { Transform } from 'node:stream';
import type { AnswerRewriter, RawHeaders, RewriteFacts } from '../lanes/answer-rewriter.ts';
import { type AddressMap, createAddressMap } from './address-map.ts';
import { leavesHead, rewriteHead } from './answer-headers.ts';
import { codingOf, limitAcceptEncoding, throughCoding } from './content-codings.ts';
import { rewritePolicy } from './content-policy.ts';
import { type CookieJars, mergeCookies } from './cookie-jar.ts';
import { CssRewriter } from './css-rewriter.ts';
import { HtmlRewriter } from './html-rewriter.ts';
import { rewriteBaseSettings, rewriteManifest, smallText } from './json-rewriter.ts';
import { insertionsFor, pageScript, scriptPath, tagsFor, workerPrelude } from './page-insertions.ts';
import { matchesGlob } from './path-globs.ts';

type BodyKind = 'html' | 'css' | 'settings' | 'manifest' | 'worker';

/** Values of one header; null when there is none. */
const header = (raw: readonly string[], name: string): string | undefined => {
  const values: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    if (raw[index]!.length === name.length && raw[index]!.toLowerCase() === name) values.push(raw[index + 1]!);
  return values.length === 0 ? undefined : values.join(', ');
};

const mimeOf = (raw: readonly string[]): string =>
  (header(raw, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase();

const below = (facts: RewriteFacts): string => (facts.path.startsWith('/') ? facts.path : `/${facts.path}`);
const mountOf = (facts: RewriteFacts): string => facts.base.replace(/\/$/, '');
/** Path that the app was asked for, without that of its target. */
const askedPath = (facts: RewriteFacts): string => (facts.prefix === '' ? mountOf(facts) : '') + below(facts);

/** For what a browser asks, as it says itself. */
interface Asks {
  dest: string | undefined;
  by_script: boolean;
}

/** Two or four bytes a character, or bytes of ASCII that mean something else: tags cannot be told from text. */
const strangeCharset = /charset\s*=\s*["']?(?:utf-?(?:16|32|7)|ucs-|iso-2022|iso-10646|hz-gb|cp037|ibm)/i;
const scriptTypes = /^(?:text|application)\/(?:x-)?(?:java|ecma)script$/;
const unchanging = new Set([204, 205, 206, 304]);

const kindOf = (asks: Asks, path: string, status: number, raw: readonly string[]): BodyKind | null => {
  // A part of a file, and what has no content: both would be broken.
  if (status < 200 || unchanging.has(status)) return null;
  const type = header(raw, 'content-type') ?? '';
  if (header(raw, 'content-length') === '0') return null;
  if (strangeCharset.test(type) || header(raw, 'content-range') !== undefined) return null;
  if (/(?:^|[\s,])no-transform(?:$|[\s,])/i.test(header(raw, 'cache-control') ?? '')) return null;
  if (codingOf(header(raw, 'content-encoding')) === null) return null;
  const mime = mimeOf(raw);
  // What is offered as a file to keep stays as it is.
  if (/^\s*attachment/i.test(header(raw, 'content-disposition') ?? '')) return null;
  if (mime === 'text/html' || mime === 'application/xhtml+xml') return 'html';
  if (mime === 'text/css') return 'css';
  if (mime === 'application/manifest+json' || (mime.endsWith('json') && /(?:manifest\.json|\.webmanifest)$/.test(path)))
    return 'manifest';
  const length = header(raw, 'content-length');
  const small = length !== undefined && /^\d+$/.test(length) && Number(length) <= smallText;
  if (scriptTypes.test(mime)) {
    if (/^(?:shared|service)?worker$/.test(asks.dest ?? '')) return 'worker';
    return small ? 'settings' : null;
  }
  // What a form of settings shows is written back by it: there the app must see its own value.
  return mime === 'application/json' && small && !/\/api\/v\d+\/config\//.test(path) ? 'settings' : null;
};

/** Answers of these types may be changed, or told apart by who asks; see `kindOf`. */
const changing = (mime: string): boolean =>
  mime.endsWith('json') ||
  mime === 'text/html' ||
  mime === 'application/xhtml+xml' ||
  mime === 'text/css' ||
  scriptTypes.test(mime);

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

const inParts = (rewriter: { push(text: string): string; end(): string }): Transform => {
  let started = false;
  let asItIs = false;
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      // UTF-16 says so in its first two bytes.
      if (!started && part.length > 0) {
        started = true;
        const mark = part.subarray(0, 2).toString('hex');
        asItIs = mark === 'fffe' || mark === 'feff';
      }
      if (asItIs) return done(null, part);
      const text = rewriter.push(part.toString('latin1'));
      if (text === '') done();
      else done(null, bytes(text));
    },
    flush(done) {
      const text = asItIs ? '' : rewriter.end();
      if (text !== '') this.push(bytes(text));
      done();
    },
  });
};

/** Of a small text as a whole; one that turns out to be large goes on as it came. */
const asWhole = (change: (text: string) => string): Transform => {
  let kept: Buffer[] | null = [];
  let size = 0;
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      if (kept === null) return done(null, part);
      kept.push(part);
      size += part.length;
      // Its length was told as compressed.
      if (size > smallText * 8) {
        const all = Buffer.concat(kept);
        kept = null;
        return done(null, all);
      }
      done();
    },
    flush(done) {
      if (kept !== null && size > 0) this.push(bytes(change(Buffer.concat(kept).toString('latin1'))));
      done();
    },
  });
};

const afterPrelude = (prelude: string): Transform => {
  let begun = false;
  return new Transform({
    transform(part: Buffer, _encoding, done) {
      if (!begun) this.push(bytes(prelude));
      begun = true;
      done(null, part);
    },
  });
};

/** What a script asked for becomes a part of a page that has our insertions already. */
const pageKind = ({ dest, by_script }: Asks, mime: string): 'unknown' | 'fragment' => {
  // An XML parser takes neither an attribute without value nor a script that is not closed.
  if (mime === 'application/xhtml+xml') return 'fragment';
  if (dest !== undefined) return /^(?:document|i?frame|embed|object)$/.test(dest) ? 'unknown' : 'fragment';
  return by_script ? 'fragment' : 'unknown';
};

const rewrites = (facts: RewriteFacts): boolean => {
  const { route } = facts;
  if (!route.rewrite || !facts.shared_origin) return false;
  const whole = mountOf(facts) + below(facts);
  return !route.exclude_paths.some((glob) => matchesGlob(glob, below(facts)) || matchesGlob(glob, whole));
};

const maps = new WeakMap<RewriteFacts['target'], AddressMap & { asked: string }>();

/** The one made last for a target serves as long as visitors ask in the same way. */
const mapOf = ({ base, authority, target }: RewriteFacts): AddressMap => {
  const asked = `${authority} ${base}`;
  const known = maps.get(target);
  if (known?.asked === asked) return known;
  const made = { ...createAddressMap({ base, host: authority, target }), asked };
  maps.set(target, made);
  return made;
};

/** The same list where nothing changes. */
const replaced = (raw: RawHeaders, name: string, change: (value: string) => string): RawHeaders => {
  const changed = raw.map((value, index) =>
    index % 2 === 1 && raw[index - 1]!.toLowerCase() === name ? change(value) : value,
  );
  return changed.some((value, index) => value !== raw[index]) ? changed : raw;
};

const withCookies = (raw: RawHeaders, cookies: string | undefined): RawHeaders => {
  const others = raw.filter((_, index) => raw[index - (index % 2)]!.toLowerCase() !== 'cookie');
  return cookies === undefined ? others : [...others, 'cookie', cookies];
};

const bodyFor = (
  kind: BodyKind,
  facts: RewriteFacts,
  page: 'unknown' | 'fragment',
  policy: { nonce: string | null; hashed: boolean; pins_text: boolean },
): Transform => {
  const map = mapOf(facts);
  switch (kind) {
    case 'html': {
      const insertions = insertionsFor(map);
      return inParts(
        new HtmlRewriter({
          map,
          kind: page,
          tags: tagsFor(map, `${map.prefix}${below(facts)}${facts.query}`, facts.target, policy),
          pins_text: policy.pins_text,
          policy: (value) => rewritePolicy(value, map, insertions).value,
        }),
      );
    }
    case 'css':
      return inParts(new CssRewriter(map));
    case 'manifest':
      return asWhole((text) => rewriteManifest(text, map));
    case 'settings':
      return asWhole((text) => rewriteBaseSettings(text, map));
    case 'worker':
      return afterPrelude(workerPrelude(map, facts.target));
    default:
      return kind satisfies never;
  }
};

/** `jars` is where cookies are kept for people; null keeps none. */
export const createAnswerRewriter = (jars: CookieJars | null, now: () => Date): AnswerRewriter => {
  /** What was learnt of an exchange in an earlier step. */
  const asked = new WeakMap<RewriteFacts, Asks>();
  const bodies = new WeakMap<RewriteFacts, () => Transform>();
  const jarOf = ({ principal_id }: RewriteFacts): { jars: CookieJars; principal: string } | null =>
    jars === null || principal_id === null ? null : { jars, principal: principal_id };

  return {
    own: (facts) => {
      const { route, method } = facts;
      if (!facts.shared_origin || !route.rewrite || (method !== 'GET' && method !== 'HEAD')) return null;
      if (below(facts) !== scriptPath('')) return null;
      const headers = [
        ...['content-type', 'text/javascript; charset=utf-8'],
        ...['cache-control', 'private, max-age=31536000, immutable'],
        ...['x-content-type-options', 'nosniff'],
      ];
      return { status: 200, headers, body: pageScript.source };
    },

    request: (raw, facts) => {
      const may = rewrites(facts);
      if (may)
        asked.set(facts, {
          dest: header(raw, 'sec-fetch-dest')?.trim().toLowerCase(),
          by_script: header(raw, 'x-requested-with') !== undefined || header(raw, 'hx-request') !== undefined,
        });
      const headers = may ? replaced(raw, 'accept-encoding', limitAcceptEncoding) : raw;
      const kept = jarOf(facts);
      const jar = kept === null ? [] : kept.jars.read(kept.principal, facts.route.id);
      if (jar.length === 0) return headers;
      return withCookies(headers, mergeCookies(header(headers, 'cookie'), jar, askedPath(facts), now()));
    },

    head: (status, raw, facts) => {
      const { route } = facts;
      const may = rewrites(facts);
      const asks = asked.get(facts) ?? { dest: undefined, by_script: false };
      const mime = mimeOf(raw);
      const page = pageKind(asks, mime);
      const kind = may ? kindOf(asks, below(facts), status, raw) : null;
      const map = mapOf(facts);
      const kept = jarOf(facts);
      const { headers, jar, policy } = rewriteHead(raw, {
        map,
        mode: facts.shared_origin ? 'path' : 'host',
        path: askedPath(facts),
        rewrite_cookie_paths: route.rewrite_cookie_paths,
        strip_response_cookies: route.strip_response_cookies,
        persist_cookies: route.persist_cookies,
        has_jar: kept !== null,
        now: now(),
        // A 304 renews the headers of a page that was rewritten when it was kept.
        insertions: may && page !== 'fragment' && (kind === 'html' || status === 304) ? insertionsFor(map) : null,
        changes_body: kind !== null,
      });
      if (kept !== null && jar.length > 0) kept.jars.apply(kept.principal, route.id, jar);
      // The same address is answered differently to a page, to a script and to a worker that asks.
      if (kind === 'html') headers.push('vary', 'sec-fetch-dest, x-requested-with, hx-request');
      else if (may && scriptTypes.test(mime)) headers.push('vary', 'sec-fetch-dest');
      if (kind !== null && facts.method !== 'HEAD') {
        const coding = codingOf(header(raw, 'content-encoding')) ?? '';
        bodies.set(facts, () => throughCoding(coding, bodyFor(kind, facts, page, policy)));
      }
      return headers;
    },

    leaves: (raw, { shared_origin, rewrite }) =>
      leavesHead(raw, shared_origin ? 'path' : 'host') && !(rewrite && shared_origin && changing(mimeOf(raw))),

    body: (_status, _headers, facts) => bodies.get(facts)?.() ?? null,
  };
};
