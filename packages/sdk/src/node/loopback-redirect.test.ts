import { describe, expect, it } from 'vitest';
import { loopbackRedirect } from './loopback-redirect.ts';

const listener = (preferred?: string, timeoutMs = 10_000) => loopbackRedirect({ open: () => {}, timeoutMs })(preferred);
const page = new URL('https://issuer.example/authorize');

describe('the redirect to this machine', () => {
  it('is heard on 127.0.0.1, and the page tells how it ended', async () => {
    const one = await listener();
    expect(one.uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const answer = one.ask(page, 'state-1');
    const shown = fetch(`${one.uri}?code=c&state=state-1`);
    expect((await answer).searchParams.get('code')).toBe('c');
    await one.close('done');
    const response = await shown;
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await response.text()).toContain('Signed in.');
    await expect(fetch(one.uri)).rejects.toThrow();
  });

  it('is not ended by pages that do not know the state, and shows nothing that they send', async () => {
    const one = await listener();
    const answer = one.ask(page, 'state-1');
    for (const wrong of ['?code=x&state=other', '?code=x', '?error=<script>alert(1)</script>', '/../x?state=state-1']) {
      const response = await fetch(one.uri + wrong);
      expect(response.status).toBe(404);
      expect(await response.text()).not.toContain('<script>');
    }
    expect((await fetch(`${one.uri}?code=x&state=state-1`, { method: 'POST' })).status).toBe(404);
    const shown = fetch(`${one.uri}?error=access_denied&state=state-1`);
    expect((await answer).searchParams.get('error')).toBe('access_denied');
    await one.close('failed');
    expect((await shown).status).toBe(400);
  });

  it('keeps the port of the last time while it is free', async () => {
    const first = await listener();
    const other = await listener(first.uri);
    expect(other.uri).not.toBe(first.uri);
    await first.close('failed');
    await other.close('failed');
    const again = await listener(first.uri);
    expect(again.uri).toBe(first.uri);
    await again.close('failed');
  });

  it('ends when nobody comes, and when the caller gives up', async () => {
    const late = await listener(undefined, 1);
    await expect(late.ask(page, 's')).rejects.toMatchObject({ code: 'timeout' });
    await late.close('failed');
    const stop = new AbortController();
    const stopped = await listener();
    const answer = stopped.ask(page, 's', stop.signal);
    stop.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
    await stopped.close('failed');
  });
});
