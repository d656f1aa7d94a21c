import { Html, html } from '../../../platform/http/html.ts';
import { plainPageHeaders, securityHeaders } from '../../../platform/http/security-headers.ts';
import { serverPage } from '../../../platform/http/server-page.ts';

export const page = (title: string, body: Html): string => serverPage({ title, body: body.text });

const shield =
  'M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z';
const icon = (rest: string): Html =>
  new Html(`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${shield}"/><path d="${rest}"/></svg>`);
/** The two that the dashboard shows beside what is verified and what is not. */
export const shieldCheck = icon('m9 12 2 2 4-4');
export const shieldAlert = icon('M12 8v4M12 16h.01');

/** An origin or scheme as CSP takes it; null when it cannot be named. */
export const formTarget = (uri: string | undefined): string | null => {
  if (uri === undefined || !URL.canParse(uri)) return null;
  const { protocol, origin } = new URL(uri);
  if (protocol === 'http:' || protocol === 'https:') return origin;
  return /^[a-z][a-z0-9+.-]*:$/.test(protocol) ? protocol : null;
};

export const pageHeadersFor = (
  publicUrl: string,
  targets: readonly (string | null)[] = [],
  frames: readonly string[] = [],
): Record<string, string> => ({
  ...securityHeaders(publicUrl),
  ...plainPageHeaders(
    publicUrl,
    targets.filter((target) => target !== null),
    frames,
  ),
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
});

/** The part of the engine's context that a page is written to. */
export interface PageContext {
  status: number;
  body: unknown;
  set(name: string, value: string): void;
}

/** Writes a page as the engine's answer. */
export const sendPage = (
  ctx: PageContext,
  publicUrl: string,
  title: string,
  body: Html,
  targets: readonly (string | null)[] = [],
  frames: readonly string[] = [],
): void => {
  ctx.body = page(title, body);
  for (const [name, value] of Object.entries(pageHeadersFor(publicUrl, targets, frames))) ctx.set(name, value);
};

export { Html, html };
