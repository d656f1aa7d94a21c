import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../errors/app-error.ts';
import { timingSafeEqualText } from '../secrets/tokens.ts';

/**
 * Apps below /apps/ run at the origin of the dashboard, so the cookie and `Origin` of their scripts are those of the
 * dashboard. What they do not have is a value that only the dashboard's own document carries.
 */
export const pageProofHeader = 'x-atrium-csrf';
/** For what sends no headers: links to files, images, event streams. */
export const pageProofParameter = 'atrium_csrf';

export class PageProofs {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Of one session: a value of somebody else's is no good beside this cookie. */
  of(sessionToken: string): string {
    return createHmac('sha256', this.#key).update(`page:${sessionToken}`).digest('base64url');
  }

  fits(sessionToken: string, given: unknown): boolean {
    return typeof given === 'string' && given.length < 100 && timingSafeEqualText(given, this.of(sessionToken));
  }
}

/**
 * Whether a page made the request, by what every browser adds of itself. A program that sends the cookie without any of
 * these is no page, and needs no proof. `Sec-Fetch-Mode` alone says nothing: programs send it, too.
 */
export const isFromPage = (headers: IncomingHttpHeaders): boolean =>
  headers['sec-fetch-site'] !== undefined ||
  headers['sec-fetch-dest'] !== undefined ||
  headers.origin !== undefined ||
  headers.referer !== undefined;

/** Whether the page that asks is one of an app. */
export const isFromApp = (headers: IncomingHttpHeaders): boolean => {
  const { referer } = headers;
  return referer !== undefined && URL.canParse(referer) && new URL(referer).pathname.startsWith('/apps/');
};

/**
 * Documents that carry the proof, or take a password or a consent, go to windows alone: a script that fetches one, or a
 * page that frames one, gets none of it. A service worker passes a navigation on without its destination.
 */
export const requireWindow = (headers: IncomingHttpHeaders): void => {
  const [mode, dest] = [headers['sec-fetch-mode'], headers['sec-fetch-dest']];
  if (dest === undefined || dest === 'document' || (dest === 'empty' && mode === 'navigate')) return;
  throw new AppError('csrf_rejected', 'This page opens in a window of its own only.');
};
