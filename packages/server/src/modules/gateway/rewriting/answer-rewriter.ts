import { type Duplex, Transform } from 'node:stream';
import type { AnswerRewriter, RewrittenExchange } from '../lanes/answer-rewriter.ts';
import { type AddressMap, createAddressMap } from './address-map.ts';
import { rewriteHead } from './answer-headers.ts';
import { codingOf, limitAcceptEncoding, throughCoding } from './content-codings.ts';
import { rewritePolicy } from './content-policy.ts';
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
    if (raw[index]!.toLowerCase() === name) values.push(raw[index + 1]!);
  return values.length === 0 ? undefined : values.join(', ');
};

const mimeOf = (raw: readonly string[]): string =>
  (header(raw, 'content-type') ?? '').split(';')[0]!.trim().toLowerCase();

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0]!;

/** The request as the app saw it. */
const upstreamUrl = (exchange: RewrittenExchange): string => {
  if (!exchange.route.strip_prefix) return exchange.url;
  const bare = exchange.base.replace(/\/$/, '');
  // The base is kept as people write it and sent as browsers do.
  const prefix = [bare, encodeURI(bare)].find((form) => exchange.url.startsWith(form));
  if (prefix === undefined) return exchange.url;
  const rest = exchange.url.slice(prefix.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
};

/** Two or four bytes a character, or bytes of ASCII that mean something else: tags cannot be told from text. */
const strangeCharset = /charset\s*=\s*["']?(?:utf-?(?:16|32|7)|ucs-|iso-2022|iso-10646|hz-gb|cp037|ibm)/i;
const scriptTypes = /^(?:text|application)\/(?:x-)?(?:java|ecma)script$/;
const noBody = new Set([204, 205, 304]);

const kindOf = (exchange: RewrittenExchange, path: string, status: number, raw: readonly string[]): BodyKind | null => {
  // A part of a file, and what has no content: both would be broken.
  if (status < 200 || status === 204 || status === 205 || status === 206) return null;
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
    if (/^(?:shared|service)?worker$/.test(header(exchange.raw_headers, 'sec-fetch-dest') ?? '')) return 'worker';
    return small ? 'settings' : null;
  }
  // What a form of settings shows is written back by it: there the app must see its own value.
  return mime === 'application/json' && small && !/\/api\/v\d+\/config\//.test(path) ? 'settings' : null;
};

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
const pageKind = (exchange: RewrittenExchange, type: string): 'unknown' | 'fragment' => {
  const asked = (name: string): string | undefined => header(exchange.raw_headers, name);
  const wanted = asked('sec-fetch-dest');
  // An XML parser takes neither an attribute without value nor a script that is not closed.
  if (/^\s*application\/xhtml/i.test(type)) return 'fragment';
  if (wanted !== undefined) return /^(?:document|i?frame|embed|object)$/.test(wanted) ? 'unknown' : 'fragment';
  return asked('x-requested-with') === undefined && asked('hx-request') === undefined ? 'unknown' : 'fragment';
};

export const createAnswerRewriter = (): AnswerRewriter => {
  const rewrites = (exchange: RewrittenExchange): boolean => {
    if (!exchange.route.rewrite || exchange.mode !== 'path') return false;
    const own = pathOf(exchange.url);
    const seen = pathOf(upstreamUrl(exchange));
    return !exchange.route.exclude_paths.some((glob) => matchesGlob(glob, seen) || matchesGlob(glob, own));
  };

  const bodyFor = (
    kind: BodyKind,
    exchange: RewrittenExchange,
    map: AddressMap,
    policy: { nonce: string | null; hashed: boolean; pins_text: boolean },
    page: 'unknown' | 'fragment',
  ): Transform => {
    switch (kind) {
      case 'html': {
        const insertions = insertionsFor(map);
        return inParts(
          new HtmlRewriter({
            map,
            kind: page,
            tags: tagsFor(
              map,
              `${exchange.route.strip_prefix ? map.prefix : ''}${upstreamUrl(exchange)}`,
              exchange.target,
              policy,
            ),
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
        return afterPrelude(workerPrelude(map, exchange.target));
      default:
        return kind satisfies never;
    }
  };

  return {
    rewrites,
    accept: (value) => (value === undefined ? undefined : limitAcceptEncoding(value)),
    answer: (exchange, status, raw) => {
      const { route, mode } = exchange;
      const map = createAddressMap(exchange);
      const path = pathOf(upstreamUrl(exchange));
      const may = rewrites(exchange);
      const kind = may ? kindOf(exchange, path, status, raw) : null;
      // A 304 renews the headers of a page that was rewritten when it was kept.
      const page = pageKind(exchange, header(raw, 'content-type') ?? '');
      const shows = page !== 'fragment' && (kind === 'html' || (may && status === 304));
      const head = rewriteHead(raw, {
        map,
        mode,
        path,
        rewrite_cookie_paths: route.rewrite_cookie_paths,
        strip_response_cookies: route.strip_response_cookies,
        persist_cookies: route.persist_cookies,
        has_jar: exchange.has_jar,
        now: exchange.now,
        insertions: shows ? insertionsFor(map) : null,
        changes_body: kind !== null,
      });
      // The same address is answered differently to a page, to a script and to a worker that asks.
      if (may && (kind === 'html' || scriptTypes.test(mimeOf(raw))))
        head.headers.push('vary', kind === 'html' ? 'sec-fetch-dest, x-requested-with, hx-request' : 'sec-fetch-dest');
      let body: Duplex | null = null;
      if (kind !== null && exchange.method !== 'HEAD' && !noBody.has(status)) {
        const coding = codingOf(header(raw, 'content-encoding')) ?? '';
        body = throughCoding(coding, bodyFor(kind, exchange, map, head.policy, page));
      }
      return { headers: head.headers, body, jar: head.jar };
    },
    ownFile: ({ base, mode, method, url, route }) => {
      if (mode !== 'path' || !route.rewrite || (method !== 'GET' && method !== 'HEAD')) return null;
      if (pathOf(url) !== scriptPath(base.replace(/\/$/, ''))) return null;
      const headers = [
        'content-type',
        'text/javascript; charset=utf-8',
        'content-length',
        String(pageScript.source.length),
        'cache-control',
        'private, max-age=31536000, immutable',
        'x-content-type-options',
        'nosniff',
      ];
      return { status: 200, headers, body: method === 'HEAD' ? Buffer.alloc(0) : pageScript.source };
    },
  };
};
