import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAddressMap } from './address-map.ts';
import { rewritePolicy } from './content-policy.ts';
import { type HtmlOptions, HtmlRewriter } from './html-rewriter.ts';
import { insertionsFor } from './page-insertions.ts';

const map = createAddressMap({
  base: '/apps/x/',
  host: 'atrium.local:4400',
  target: { hostname: '10.0.0.5', port: 3000, base_path: '' },
});
const tags = { script: '<S>', import_map: '<M>', base: '<B>' };
const options = (more: Partial<HtmlOptions> = {}): HtmlOptions => ({
  map,
  kind: 'fragment',
  tags,
  pins_text: false,
  policy: (value) => rewritePolicy(value, map, insertionsFor(map)).value,
  ...more,
});
const rewrite = (page: string, more: Partial<HtmlOptions> = {}): string => {
  const rewriter = new HtmlRewriter(options(more));
  return rewriter.push(page) + rewriter.end();
};

const forms: [title: string, page: string, expected: string][] = [
  ['src', '<img src="/a.png">', '<img src="/apps/x/a.png">'],
  ['href', "<a href='/a?b=1&amp;c#d'>", "<a href='/apps/x/a?b=1&amp;c#d'>"],
  ['action', '<form action=/send method=post>', '<form action=/apps/x/send method=post>'],
  ['formaction', '<button formaction="/b">', '<button formaction="/apps/x/b">'],
  ['poster', '<video poster = "/p.jpg">', '<video poster = "/apps/x/p.jpg">'],
  ['data of an object', '<object data="/o.svg">', '<object data="/apps/x/o.svg">'],
  ['xlink:href', '<svg><use xlink:href="/i.svg#a"/></svg>', '<svg><use xlink:href="/apps/x/i.svg#a"/></svg>'],
  ['base', '<base href="/docs/">', '<base href="/apps/x/docs/">'],
  ['base at our own host', '<base href="http://atrium.local:4400/docs/">', '<base href="/apps/x/docs/">'],
  ['base at our host without a path', '<base target=a href=//atrium.local:4400>', '<base target=a href=/apps/x/>'],
  ['base at the target', "<base href='http://10.0.0.5:3000/docs/a'>", "<base href='/apps/x/docs/a'>"],
  ['base at our host and the port of the target', '<base href="http://atrium.local:3000/">', '<base href="/apps/x/">'],
  ['href in svg', '<svg><image href="/i.png"/></svg>', '<svg><image href="/apps/x/i.png"/></svg>'],
  ['upper case', '<IMG SRC="/A.PNG">', '<IMG SRC="/apps/x/A.PNG">'],
  ['the root itself', '<a href="/">', '<a href="/apps/x/">'],
  ['a slash as an entity', '<a href="&#x2F;a&#x2F;b">', '<a href="/apps/x/a/b">'],
  ['space around', '<a href=" /a ">', '<a href=" /apps/x/a ">'],
  ['climbing above the root', '<a href="/../../a">', '<a href="/apps/x/a">'],
  [
    'srcset',
    '<img srcset="/a.png 1x, /b.png 2x,data:image/png;base64,AA== 3x, c.png, /d.png">',
    '<img srcset="/apps/x/a.png 1x, /apps/x/b.png 2x,data:image/png;base64,AA== 3x, c.png, /apps/x/d.png">',
  ],
  [
    'imagesrcset',
    '<link rel=preload as=image imagesrcset="/a.png 400w, /b.png 800w">',
    '<link rel=preload as=image imagesrcset="/apps/x/a.png 400w, /apps/x/b.png 800w">',
  ],
  [
    'url() in a style attribute',
    `<p style="background:url(/a.png),url('/b.png'),url(&quot;/c.png&quot;);mask:url(#m)">`,
    `<p style="background:url(/apps/x/a.png),url('/apps/x/b.png'),url(&quot;/apps/x/c.png&quot;);mask:url(#m)">`,
  ],
  [
    'a style element',
    '<style>@import "/a.css"; b{background:url( "/c.png" )} i{content:"url(/no)"}</style>',
    '<style>@import "/apps/x/a.css"; b{background:url( "/apps/x/c.png" )} i{content:"url(/no)"}</style>',
  ],
  [
    'meta refresh',
    `<meta content="5; URL='/next'" http-equiv="Refresh">`,
    `<meta content="5; URL='/apps/x/next'" http-equiv="Refresh">`,
  ],
  [
    'meta refresh without url=',
    '<meta http-equiv=refresh content="0;/next">',
    '<meta http-equiv=refresh content="0;/apps/x/next">',
  ],
  [
    'addresses in a meta policy',
    '<meta http-equiv="Content-Security-Policy" content="img-src http://atrium.local:4400/pics/">',
    '<meta http-equiv="Content-Security-Policy" content="img-src http://atrium.local:4400/apps/x/pics/">',
  ],
  ['a base of the page', '<base href="/">', '<base href="/apps/x/">'],
  ['the old manifest', '<html manifest="/a.appcache">', '<html manifest="/apps/x/a.appcache">'],
  ['a web manifest', '<link rel=manifest href=/m.json>', '<link rel=manifest href=/apps/x/m.json>'],
  ['ping', '<a ping="/a /b">', '<a ping="/apps/x/a /apps/x/b">'],
  [
    'urlBase in a script',
    "<script>window.Sonarr = { urlBase: '' };</script>",
    "<script>window.Sonarr = { urlBase: '/apps/x' };</script>",
  ],
  [
    'the import map of the page',
    '<script type="importmap">{"imports":{"a":"/a.js","/lib/":"/v1/"}}</script>',
    '<script type="importmap">{"imports":{"/apps/x/":"/apps/x/","/":"/apps/x/","a":"/apps/x/a.js","/lib/":"/apps/x/v1/","/apps/x/lib/":"/apps/x/v1/"}}</script>',
  ],
  [
    'integrity of what may be changed',
    '<link rel=stylesheet href="/a.css" integrity="sha256-AAA=" crossorigin>',
    '<link rel=stylesheet href="/apps/x/a.css"  crossorigin>',
  ],
  [
    'a page in srcdoc',
    '<iframe srcdoc="<p><img src=&quot;/a.png&quot;></p>"></iframe>',
    '<iframe srcdoc="&#60;p&#62;&#60;img src=&#34;/apps/x/a.png&#34;&#62;&#60;/p&#62;"></iframe>',
  ],
  [
    'meta refresh with entities',
    '<meta http-equiv=refresh content="0 ; url = &quot;/next&quot;">',
    '<meta http-equiv=refresh content="0 ; url = &quot;/apps/x/next&quot;">',
  ],
  ['paths that a server of ours has too', '<a href="/api/v1/series">', '<a href="/apps/x/api/v1/series">'],
  ['/healthz', '<a href="/healthz">', '<a href="/apps/x/healthz">'],
  ['a longer name that begins like the base', '<a href="/apps/xy">', '<a href="/apps/x/apps/xy">'],
];
test.each(forms)('G47: %s gains the base', (_title, page, expected) => {
  expect(rewrite(page)).toBe(expected);
});
test.each(forms)('G47: %s gains it once, also when the page passes twice', (_title, page) => {
  const once = rewrite(page);
  expect(rewrite(once)).toBe(once);
});
test.each(forms)('%s comes out alike wherever its bytes are split', (_title, page, expected) => {
  for (let at = 0; at <= page.length; at += 1) {
    const rewriter = new HtmlRewriter(options());
    expect(rewriter.push(page.slice(0, at)) + rewriter.push(page.slice(at)) + rewriter.end()).toBe(expected);
  }
  const single = new HtmlRewriter(options());
  expect([...page].map((sign) => single.push(sign)).join('') + single.end()).toBe(expected);
});

const untouched = [
  '<a href="https://example.org/a">',
  '<a href="http://atrium.local:4400/a">',
  '<script src="//cdn.example.org/a.js" integrity="sha256-AAA="></script>',
  '<img src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\'/>">',
  '<a href="a/b"><a href="./a"><a href="../a"><a href="?a=/b"><a href="#/a"><a href="">',
  '<a href="/apps/x/a"><a href="/apps/x"><a href="/apps/x?y"><a href="/apps/x#z">',
  '<a href="javascript:location=\'/a\'">',
  '<a data-href="/a" data="/b" title="/c" content="/d">',
  '<!-- <a href="/a"> --><!doctype html><?xml href="/a"?>',
  '<script>var a = "<a href=\'/a\'>";</script>',
  '<textarea><a href="/a"></textarea><title><a href="/a"></title>',
  '<a href=/apps/x/a><br/>text < b & c > d &amp; <3 </p  >',
  '<style>/* url(/a) */ a{content:"\\"url(/b)"; b:url(c.png) url(data:x/y,/z)}</style>',
  '<meta name=refresh content="0;/a"><meta http-equiv=refresh content="30">',
  '\u00ef\u00bb\u00bf<p>gr\u00c3\u00bc\u00c3\u009f \u0083\u005c \u00a0</p>',
];
test.each(untouched)('G47: %s stays as it is', (page) => {
  expect(rewrite(page)).toBe(page);
});

describe('what is put into a page', () => {
  const put: [title: string, page: string, expected: string][] = [
    [
      'script first in the head, base and import map at its end',
      '<!doctype html><html><head lang=a><title>t</title></head><body>',
      '<!doctype html><html><head lang=a><S><title>t</title><B><M></head><body>',
    ],
    [
      'no base when the page has one',
      '<html><head><base href="/"><title>t</title></head>',
      '<html><head><S><base href="/apps/x/"><title>t</title><M></head>',
    ],
    [
      'the import map before the first module',
      '<html><head><link rel="modulepreload" href="/a.js"><script type=module src=/a.js></script></head>',
      '<html><head><S><M><link rel="modulepreload" href="/apps/x/a.js"><script type=module src=/apps/x/a.js></script><B></head>',
    ],
    ['a page without head', '<!doctype html><p>a</p>', '<!doctype html><S><B><M><p>a</p>'],
    ['a page that begins with text', '<!doctype html>\n hello', '<!doctype html>\n <S><B><M>hello'],
    ['a page with a body alone', '<body class=a><p>', '<S><B><M><body class=a><p>'],
    ['a frameset', '<html><frameset><frame src="/a">', '<html><S><B><M><frameset><frame src="/apps/x/a">'],
    ['a part of a page', '<div><a href="/a">', '<div><a href="/apps/x/a">'],
    [
      'what a head holds that is not its end',
      '<html><head><noscript><img></noscript><template><p></template><title>a<p></title></head>',
      '<html><head><S><noscript><img></noscript><template><p></template><title>a<p></title><B><M></head>',
    ],
  ];
  test.each(put)('%s', (_title, page, expected) => {
    expect(rewrite(page, { kind: 'unknown' })).toBe(expected);
    for (let at = 0; at <= page.length; at += 1) {
      const rewriter = new HtmlRewriter(options({ kind: 'unknown' }));
      expect(rewriter.push(page.slice(0, at)) + rewriter.push(page.slice(at)) + rewriter.end()).toBe(expected);
    }
  });
  test('nothing goes into what a script asked for', () => {
    expect(rewrite('<html><head></head><body>', { kind: 'fragment' })).toBe('<html><head></head><body>');
  });
});

test('everything leaves at once but a tag that is not whole', () => {
  const rewriter = new HtmlRewriter(options({ kind: 'unknown' }));
  expect(rewriter.push('<!doctype html><html><head><title>wait')).toBe('<!doctype html><html><head><S><title>wait');
  expect(rewriter.push(' a</title><p>text<a href="/')).toBe(' a</title><B><M><p>text');
  expect(rewriter.push('b">')).toBe('<a href="/apps/x/b">');
});

test('a tag longer than the lookahead, an endless comment, text and script go by without being kept', () => {
  const filling = 'x'.repeat(30_000);
  for (const begin of [
    '<img src="data:',
    '<!--',
    '<p>',
    '<script>',
    '<style>a{b:url(data:',
    '<style>/*',
    '</',
    '<title>',
  ]) {
    const rewriter = new HtmlRewriter(options());
    let out = rewriter.push(begin);
    for (let count = 0; count < 100; count += 1) {
      out += rewriter.push(filling);
      expect(begin.length + (count + 1) * filling.length - out.length, begin).toBeLessThan(130_000);
    }
    out += rewriter.end();
    expect(out).toBe(begin + filling.repeat(100));
  }
});

/** Markup in pieces that hold no address with a leading slash. */
const piece = fc.oneof(
  fc.constantFrom(
    '<',
    '>',
    '"',
    "'",
    '=',
    ' ',
    '\n',
    '<!--',
    '-->',
    '</',
    '/>',
    '<!',
    '<?',
    '&amp;',
    ']]>',
    '<![CDATA[',
  ),
  fc.constantFrom(
    '<p',
    '<a href="b',
    '<img srcset="a 1x, b 2x"',
    '<style>',
    '</style>',
    '<script>',
    '</script>',
    '<svg>',
  ),
  fc.constantFrom('<meta http-equiv=refresh content="1"', '<title>', '</title>', 'url(a)', '<head>', '@import "a"'),
  fc.string({ maxLength: 8 }).map((text) => text.replaceAll('/', '')),
  fc.constantFrom('\u0000', '\u00e4', '\u00ff', '\u0085', '\r\n'),
);
test('a page without addresses that begin with a slash keeps every byte, however it is split', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, fc.boolean()), { maxLength: 60 }), (pieces) => {
      const rewriter = new HtmlRewriter(options());
      let out = '';
      let waiting = '';
      for (const [text, cut] of pieces) {
        waiting += text;
        if (!cut) continue;
        out += rewriter.push(waiting);
        waiting = '';
      }
      out += rewriter.push(waiting) + rewriter.end();
      const whole = pieces.map(([text]) => text).join('');
      // Pieces may come together to an address such as href = "/>".
      fc.pre(!/[=\s"'(]\//.test(whole));
      expect(out).toBe(whole);
    }),
    { numRuns: 2000 },
  );
});
