import { describe, expect, it } from 'vitest';
import { cleanRequestHeaders, cleanResponseHeaders, isOwnToken, withoutOwnCookies } from './header-rules.ts';

const origin = 'https://atrium.example.org';
const jwt = (claims: object): string =>
  `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

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
    expect(cleanRequestHeaders(sent, origin)).toEqual([
      ['X-Atriums', 'the app’s own'],
      ['Accept', '*/*'],
    ]);
  });

  it('keeps cookies of the app and loses those of Atrium', () => {
    expect(withoutOwnCookies('a=1; atrium_session=x; __Host-atrium_app=y; b=2;atrium_app=z')).toBe('a=1; b=2');
    expect(withoutOwnCookies('atrium_session=x')).toBeNull();
    expect(withoutOwnCookies('theme=atrium; a="x=y"')).toBe('theme=atrium; a="x=y"');
    expect(cleanRequestHeaders([['Cookie', 'atrium_session=x']], origin)).toEqual([]);
  });

  it('loses tokens of Atrium even where the app gets the header, and keeps those of others', () => {
    const own = [`ats_${'a'.repeat(43)}`, `atk_${'a'.repeat(43)}`, 'b'.repeat(43), jwt({ iss: origin })];
    for (const token of own) {
      expect(isOwnToken(token, origin), token).toBe(true);
      expect(cleanRequestHeaders([['authorization', `Bearer ${token}`]], origin)).toEqual([]);
    }
    for (const token of ['short', jwt({ iss: 'https://app.example.org' }), 'a.b.c'])
      expect(cleanRequestHeaders([['authorization', `Bearer ${token}`]], origin)).toHaveLength(1);
    expect(cleanRequestHeaders([['authorization', 'Basic YTpi']], origin)).toHaveLength(1);
    expect(cleanRequestHeaders([['X-Api-Key', `atk_${'a'.repeat(43)}`]], origin)).toEqual([]);
    expect(cleanRequestHeaders([['X-Api-Key', 'of-the-app']], origin)).toHaveLength(1);
  });
});

describe('what an app answers', () => {
  const answered: [string, string][] = [
    ['Service-Worker-Allowed', '/'],
    ['Clear-Site-Data', '"*"'],
    ['Strict-Transport-Security', 'max-age=1'],
    ['Alt-Svc', 'h3=":443"'],
    ['X-Atrium-CSRF', 'forged'],
    ['Set-Cookie', 'atrium_session=stolen; Path=/'],
    ['Set-Cookie', '__Host-atrium_app=stolen; Path=/; Secure'],
    ['set-cookie', ' ATRIUM_app=stolen'],
    ['Set-Cookie', 'mine=1; Path=/'],
    ['Content-Type', 'text/html'],
  ];

  it('G18, G32: below /apps/ it changes nothing of the whole origin and sets no cookie of Atrium', () => {
    expect(cleanResponseHeaders(answered, { shares_origin: true, dashboard_host: 'atrium.example.org' })).toEqual([
      ['Set-Cookie', 'mine=1; Path=/'],
      ['Content-Type', 'text/html'],
    ]);
  });

  it('G32: on a host of its own it keeps what is about that host, but reaches no cookie of the dashboard', () => {
    const at = { shares_origin: false, dashboard_host: 'atrium.example.org' };
    expect(cleanResponseHeaders(answered, at).map(([name]) => name)).toEqual([
      'Service-Worker-Allowed',
      'Clear-Site-Data',
      'Strict-Transport-Security',
      'Alt-Svc',
      'Set-Cookie',
      'Content-Type',
    ]);
    for (const domain of ['atrium.example.org', '.example.org', 'EXAMPLE.org'])
      expect(cleanResponseHeaders([['Set-Cookie', `a=1; Domain=${domain}`]], at), domain).toEqual([]);
    expect(cleanResponseHeaders([['Set-Cookie', 'a=1; Domain=notes.example.org']], at)).toHaveLength(1);
  });
});
