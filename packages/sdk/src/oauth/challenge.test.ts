import { expect, it } from 'vitest';
import { parseChallenges, tokenChallenge } from './challenge.ts';

it.each([
  [
    'Bearer resource_metadata="https://a.example/x", error="insufficient_scope", scope="a b"',
    [{ scheme: 'bearer', resource_metadata: 'https://a.example/x', error: 'insufficient_scope', scope: 'a b' }],
  ],
  ['Bearer', [{ scheme: 'bearer' }]],
  [
    'Basic realm="x", Bearer scope=a',
    [
      { scheme: 'basic', realm: 'x' },
      { scheme: 'bearer', scope: 'a' },
    ],
  ],
  [
    'DPoP error="use_dpop_nonce",algs="ES256", Bearer',
    [{ scheme: 'dpop', error: 'use_dpop_nonce', algs: 'ES256' }, { scheme: 'bearer' }],
  ],
  [
    'Bearer error_description="a \\"quoted\\", word", scope="a"',
    [{ scheme: 'bearer', error_description: 'a "quoted", word', scope: 'a' }],
  ],
  ['BEARER SCOPE="a"', [{ scheme: 'bearer', scope: 'a' }]],
  ['Bearer scope="a", "broken', [{ scheme: 'bearer', scope: 'a' }]],
  ['', []],
])('%s', (header, found) => {
  expect(parseChallenges(header)).toEqual(found);
});

it('prefers the challenge that binds the token to a key', () => {
  const response = new Response(null, { headers: { 'www-authenticate': 'Bearer, DPoP algs="ES256"' } });
  expect(tokenChallenge(response)?.scheme).toBe('dpop');
  expect(tokenChallenge(new Response(null, { headers: { 'www-authenticate': 'Basic realm="x"' } }))).toBeNull();
});
