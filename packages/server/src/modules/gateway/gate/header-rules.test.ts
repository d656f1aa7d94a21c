import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { makeRoute, makeTarget } from '../lanes/lane.testkit.ts';
import { requestHeaders } from '../lanes/request-headers.ts';
import { responseHeaders } from '../lanes/response-headers.ts';
import { isOwnToken, withoutOwnCookies } from './header-rules.ts';

const origin = 'https://atrium.example.org';
const jwt = (claims: object): string =>
  `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

const target = makeTarget('http://127.0.0.1:8080');
const ours = new Set(['host', 'forwarded', 'x-real-ip', 'via', 'x-request-id']);
/** What of a stranger's headers a public app gets, where the route hands its Authorization on. */
const heard = (...sent: [string, string][]): [string, string][] => {
  const headers = requestHeaders({
    request: { rawHeaders: sent.flat(), headers: {}, socket: {} } as unknown as IncomingMessage,
    arrival: { host: '', authority: 'atrium.example.org', scheme: 'https', address: '203.0.113.9', proxy: null },
    route: makeRoute({ slug: 'app', upstream_auth: { kind: 'pass' } }),
    ...{ target, prefix: '', request_id: 'r', via: '1.1 atrium (x)', upgrade: false, origin },
    visitor: { caller: null, share_id: null, identity_headers: [], watch: () => () => {} },
  });
  const pairs = headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1]!] as [string, string]] : []));
  return pairs.filter(([name]) => !ours.has(name) && !name.startsWith('x-forwarded-'));
};

describe('what a client sends', () => {
  it('G24: reaches the app without any copy of an identity header, in either spelling', () => {
    const sent: [string, string][] = [
      ['X-Atrium-User', 'ada'],
      ['X_Atrium_User', 'ada'],
      ['x-atrium_Assertion', 'e30.e30.e30'],
      ['X-Atrium-CSRF', 'value'],
      ['Remote-User', 'ada'],
      ['REMOTE_USER', 'ada'],
      ['X-Atriums', 'the app’s own'],
      ['Accept', '*/*'],
    ];
    expect(heard(...sent)).toEqual([
      ['X-Atriums', 'the app’s own'],
      ['Accept', '*/*'],
    ]);
  });

  it('keeps cookies of the app and loses those of Atrium', () => {
    expect(withoutOwnCookies('a=1; atrium_session=x; __Host-atrium_app=y; b=2;atrium_app=z')).toBe('a=1; b=2');
    expect(withoutOwnCookies('atrium_session=x')).toBeNull();
    expect(withoutOwnCookies('theme=atrium; a="x=y"')).toBe('theme=atrium; a="x=y"');
    expect(heard(['Cookie', 'atrium_session=x'])).toEqual([]);
  });

  it('loses tokens of Atrium even where the app gets the header, and keeps those of others', () => {
    const own = [`ats_${'a'.repeat(43)}`, `atk_${'a'.repeat(43)}`, 'b'.repeat(43), jwt({ iss: origin })];
    for (const token of own) {
      expect(isOwnToken(token, origin), token).toBe(true);
      expect(heard(['authorization', `Bearer ${token}`])).toEqual([]);
    }
    for (const token of ['short', jwt({ iss: 'https://app.example.org' }), 'a.b.c'])
      expect(heard(['authorization', `Bearer ${token}`])).toHaveLength(1);
    expect(heard(['authorization', 'Basic YTpi'])).toHaveLength(1);
    expect(heard(['X-Api-Key', `atk_${'a'.repeat(43)}`])).toEqual([]);
    expect(heard(['X-Api-Key', 'of-the-app'])).toHaveLength(1);
  });
});

describe('what an app answers', () => {
  const answered = [
    ...['Service-Worker-Allowed', '/', 'Clear-Site-Data', '"*"', 'Strict-Transport-Security', 'max-age=1'],
    ...['Alt-Svc', 'h3=":443"', 'X-Atrium-CSRF', 'forged', 'Set-Cookie', 'atrium_session=stolen; Path=/'],
    ...['Set-Cookie', '__Host-atrium_app=stolen; Path=/; Secure', 'set-cookie', ' ATRIUM_app=stolen'],
    ...['Set-Cookie', 'mine=1; Path=/', 'Content-Type', 'text/html'],
  ];

  it('G18, G32: below /apps/ it changes nothing of the whole origin and sets no cookie of Atrium', () => {
    const left = ['Set-Cookie', 'mine=1; Path=/', 'Content-Type', 'text/html'];
    expect(responseHeaders(answered, { sharedOrigin: true, origin })).toEqual(left);
  });

  it('G32: on a host of its own it keeps what is about that host, but reaches no cookie of the dashboard', () => {
    const at = { sharedOrigin: false, origin };
    expect(responseHeaders(answered, at).filter((_, n) => n % 2 === 0)).toEqual([
      ...[
        'Service-Worker-Allowed',
        'Clear-Site-Data',
        'Strict-Transport-Security',
        'Alt-Svc',
        'Set-Cookie',
        'Content-Type',
      ],
    ]);
    for (const domain of ['atrium.example.org', '.example.org', 'EXAMPLE.org'])
      expect(responseHeaders(['Set-Cookie', `a=1; Domain=${domain}`], at), domain).toEqual([]);
    expect(responseHeaders(['Set-Cookie', 'a=1; Domain=notes.example.org'], at)).toHaveLength(2);
  });
});
