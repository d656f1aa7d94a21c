import { createHash } from 'node:crypto';
import { type ErrorCode, errorCodes } from '@atrium/protocol';
import { AppError } from '../../../platform/errors/app-error.ts';
import { html } from '../../../platform/http/html.ts';
import type { PassedRequest, PassedResponse } from '../../../platform/http/passing.ts';
import { problemOf, problemType } from '../../../platform/http/problem.ts';

export interface OwnAnswer {
  status: number;
  code: ErrorCode;
  detail: string;
  extensions?: Record<string, unknown>;
  headers?: readonly (readonly [string, string])[];
}

const style =
  'body{margin:0;min-height:100vh;display:grid;place-content:center;padding:2rem;font:16px/1.5 system-ui,sans-serif;color:#33302a;background:#f8f6f2}main{max-width:32rem}h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:0 0 .5rem;color:#5d5850}code{font-size:.85em}@media(prefers-color-scheme:dark){body{color:#efece6;background:#171512}p{color:#bdb8ae}}';
const pagePolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

/** Stands by itself: below the host name of an app nothing of ours can be fetched. */
const page = (title: string, detail: string, requestId: string): string =>
  html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>`
    .text +
  style +
  html`</style></head><body><main><h1>${title}</h1><p>${detail}</p><p><code>${requestId}</code></p></main></body></html>`
    .text;

export const wantsPage = (request: PassedRequest): boolean => {
  const { accept } = request.headers;
  return accept?.includes('text/html') === true;
};

/** A body that is announced and was not read: the next request on the connection could not be told from it. */
export const bodyIsUnread = (request: PassedRequest): boolean => {
  if (request.complete) return false;
  const { headers } = request;
  if (headers['transfer-encoding'] !== undefined) return true;
  // The rest of a small one is read and thrown away, which spares the client a new connection.
  return Number(headers['content-length'] ?? 0) > 256 * 1024 || headers.expect !== undefined;
};

const guarded: readonly (readonly [string, string])[] = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
];

export const sendBytes = (
  request: PassedRequest,
  response: PassedResponse,
  status: number,
  headers: string[],
  body: Buffer,
): void => {
  headers.push('content-length', String(body.length));
  if (bodyIsUnread(request)) headers.push('connection', 'close');
  response.writeHead(status, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
};

/** An answer that is ours and not the app's: marked, so that a client can tell. */
export const sendOwnAnswer = (
  request: PassedRequest,
  response: PassedResponse,
  answer: OwnAnswer,
  at: { public_url: string; request_id: string },
): void => {
  const { status, code, detail } = answer;
  const asPage = wantsPage(request);
  const title = errorCodes[code].title;
  const error = new AppError(code, detail, answer.extensions === undefined ? {} : { extensions: answer.extensions });
  const instance = (request.url ?? '/').split('?', 1)[0]!.slice(0, 500);
  const body = asPage
    ? page(title, detail, at.request_id)
    : JSON.stringify(problemOf(error, { ...at, instance, status }));
  const headers = [
    ...['content-type', asPage ? 'text/html; charset=utf-8' : problemType],
    ...['atrium-error', code],
    ...['x-request-id', at.request_id],
    ...(asPage ? ['content-security-policy', pagePolicy] : []),
    ...guarded.flat(),
    ...(answer.headers ?? []).flat(),
  ];
  sendBytes(request, response, status, headers, Buffer.from(body));
};

/** A page of the gate's making. */
export const sendOwnPage = (
  request: PassedRequest,
  response: PassedResponse,
  status: number,
  text: string,
  headers: readonly (readonly [string, string])[],
): void => {
  const raw = ['content-type', 'text/html; charset=utf-8', ...guarded.flat(), ...headers.flat()];
  sendBytes(request, response, status, raw, Buffer.from(text));
};

export const sendRedirect = (
  request: PassedRequest,
  response: PassedResponse,
  status: number,
  location: string,
  headers: readonly (readonly [string, string])[],
): void => {
  sendBytes(request, response, status, ['location', location, ...guarded.flat(), ...headers.flat()], Buffer.alloc(0));
};
