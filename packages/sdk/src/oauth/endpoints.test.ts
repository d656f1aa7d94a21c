import { describe, expect, it } from 'vitest';
import { boundedFetch, checkEndpoint } from './endpoints.ts';

describe('an endpoint', () => {
  it.each([
    ['https://issuer.example/token', 'https://api.example/mcp'],
    ['http://localhost:9000/token', 'http://127.0.0.1:4400/mcp'],
    ['http://nas.lan:4400/token', 'http://nas.lan:4400/mcp'],
    ['https://issuer.example/token', 'http://nas.lan:4400/mcp'],
  ])('%s is used for %s', (endpoint, resource) => {
    expect(checkEndpoint(endpoint, 'token_endpoint', new URL(resource)).href).toBe(endpoint);
  });

  it.each([
    ['http://issuer.example/token', 'https://api.example/mcp', 'insecure_url'],
    ['http://127.0.0.1:9000/token', 'https://api.example/mcp', 'insecure_url'],
    ['http://127.0.0.1.evil.example/token', 'http://localhost:4400/mcp', 'insecure_url'],
    ['http://nas.lan:9000/token', 'http://nas.lan:4400/mcp', 'insecure_url'],
    ['file:///etc/passwd', 'http://localhost:4400/mcp', 'insecure_url'],
    ['javascript:alert(1)', 'http://localhost:4400/mcp', 'insecure_url'],
    ['/token', 'https://api.example/mcp', 'discovery_failed'],
    [7, 'https://api.example/mcp', 'discovery_failed'],
  ])('%s is refused for %s', (endpoint, resource, code) => {
    expect(() => checkEndpoint(endpoint, 'token_endpoint', new URL(resource))).toThrow(
      expect.objectContaining({ code }),
    );
  });
});

describe('an answer', () => {
  const answering = (body: string | ReadableStream) => boundedFetch(async () => new Response(body));

  it('is read up to a limit', async () => {
    expect(await (await answering('{"a":1}')('https://a.example/', {})).json()).toEqual({ a: 1 });
    let sent = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        sent++;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    await expect(answering(endless)('https://a.example/', {})).rejects.toMatchObject({ code: 'invalid_answer' });
    expect(sent).toBeLessThan(20);
  });

  it('that does not come is told apart from a caller who gave up', async () => {
    const broken = boundedFetch(async () => {
      throw new TypeError('fetch failed');
    });
    await expect(broken('https://a.example/', {})).rejects.toMatchObject({ code: 'unreachable' });
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const stopped = boundedFetch(async (_url, init) => {
      init?.signal?.throwIfAborted();
      return new Response();
    }, stop.signal);
    await expect(stopped('https://a.example/', {})).rejects.toThrow('enough');
  });

  it('is not followed to another place', async () => {
    let redirect: string | undefined;
    await boundedFetch(async (_url, init) => {
      redirect = init?.redirect;
      return new Response();
    })('https://a.example/', { redirect: 'follow' });
    expect(redirect).toBe('manual');
  });
});
