import { expect, test } from 'vitest';
import { createAddressMap } from './address-map.ts';
import { CssRewriter } from './css-rewriter.ts';

const map = createAddressMap({
  base: '/apps/x/',
  host: 'atrium.local',
  target: { hostname: '10.0.0.5', port: 3000, base_path: '' },
});

const forms: [sheet: string, expected: string][] = [
  ['a{b:url(/c.png)}', 'a{b:url(/apps/x/c.png)}'],
  ['a{b:url( "/c.png" )}', 'a{b:url( "/apps/x/c.png" )}'],
  ["a{b:URL('/c\\'d.png')}", "a{b:URL('/apps/x/c\\'d.png')}"],
  ['@import "/a.css" screen;', '@import "/apps/x/a.css" screen;'],
  ["@import\n'/a.css';", "@import\n'/apps/x/a.css';"],
  ['@import url(/a.css) layer(b);', '@import url(/apps/x/a.css) layer(b);'],
  [
    '@font-face{src:url(/f.woff2)format("woff2"),url("/g.woff")}',
    '@font-face{src:url(/apps/x/f.woff2)format("woff2"),url("/apps/x/g.woff")}',
  ],
  [
    'a{b:image-set("/a.png" 1x, url(/b.png) 2x, "c.png" 3x)} i{j:"/k"}',
    'a{b:image-set("/apps/x/a.png" 1x, url(/apps/x/b.png) 2x, "c.png" 3x)} i{j:"/k"}',
  ],
  ['a{}\n/*# sourceMappingURL=/a.css.map */', 'a{}\n/*# sourceMappingURL=/apps/x/a.css.map */'],
  ['/*@ sourceMappingURL=/a.css.map*/', '/*@ sourceMappingURL=/apps/x/a.css.map*/'],
  ['a{b:url(/)}', 'a{b:url(/apps/x/)}'],
  ['a{b:url(/c.png', 'a{b:url(/apps/x/c.png'],
];
test.each(forms)('G47: %s gains the base once, wherever it is split', (sheet, expected) => {
  for (const given of [sheet, expected])
    for (let at = 0; at <= given.length; at += 1) {
      const css = new CssRewriter(map);
      expect(css.push(given.slice(0, at)) + css.push(given.slice(at)) + css.end()).toBe(expected);
    }
  const single = new CssRewriter(map);
  expect([...sheet].map((sign) => single.push(sign)).join('') + single.end()).toBe(expected);
});

test.each([
  'a{b:url(c.png) url(../d) url(#e) url(//f/g) url(https://h/i) url(data:image/png;base64,/9j/4AAQ) url(/apps/x/j)}',
  '/* url(/a) @import "/b" */ a::after{content:"url(/c)"} b::after{content:\'\\\'url(/d)\'}',
  'a{b:myurl(/c)} .\\url{c:d} @importance "/e"; --f: "/g"; /* # sourceMappingURL=/h */',
  '@namespace svg url(http://www.w3.org/2000/svg);',
  'a{b:"unclosed\n} c{d:e}/**/ /',
])('%s stays as it is, wherever it is split', (sheet) => {
  for (let at = 0; at <= sheet.length; at += 1) {
    const css = new CssRewriter(map);
    expect(css.push(sheet.slice(0, at)) + css.push(sheet.slice(at)) + css.end()).toBe(sheet);
  }
});
