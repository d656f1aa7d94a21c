import { type IncomingMessage, METHODS } from 'node:http';
import type { ErrorCode } from '@atrium/protocol';
import { StreamRequest } from './stream-exchange.ts';

/** How many header fields a request may have; the parser keeps one more, so that too many can be told. */
export const mostHeaders = 256;

/** Of a head over HTTP/2; the parser of HTTP/1.1 counts by itself. */
const mostBytes = 64 * 1024;
const methods = new Set(METHODS);

/** What the parser of HTTP/1.1 would have refused. */
const streamProblem = ({ rawHeaders, method = '', url = '' }: IncomingMessage): FormProblem | null => {
  const bytes = rawHeaders.reduce((sum, part) => sum + part.length, url.length);
  if (bytes > mostBytes) return { status: 431, detail: 'The headers are too large.' };
  return methods.has(method) ? null : { status: 400, detail: 'This method is none of HTTP.' };
};

export interface FormProblem {
  status: number;
  code?: ErrorCode;
  detail: string;
}

const isHost = (name: string): boolean => name.length === 4 && name.toLowerCase() === 'host';

/** What is wrong with the form of a request although the parser of Node let it through; null when nothing is. */
export const formProblem = (request: IncomingMessage): FormProblem | null => {
  const { rawHeaders, url = '/', httpVersionMajor, httpVersionMinor } = request;
  if (rawHeaders.length > 2 * mostHeaders) return { status: 431, detail: 'The request has too many header fields.' };
  if (request.method === 'TRACE')
    return { status: 405, code: 'method_not_allowed', detail: 'TRACE would show credentials to whoever asks.' };
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (isHost(rawHeaders[at]!)) hosts += 1;
  if (hosts > 1) return { status: 400, detail: 'The request names two hosts.' };
  if (url.charCodeAt(0) !== 47 && !(url === '*' && request.method === 'OPTIONS'))
    return { status: 400, detail: 'The target of a request is a path.' };
  if (httpVersionMajor === 1 && httpVersionMinor === 0 && request.headers['transfer-encoding'] !== undefined)
    return { status: 400, detail: 'HTTP/1.0 has no Transfer-Encoding.' };
  if (httpVersionMajor === 1) return null;
  if (request instanceof StreamRequest) return streamProblem(request as unknown as IncomingMessage);
  return { status: 505, detail: 'This server speaks HTTP/1.0 and HTTP/1.1, and HTTP/2 over TLS.' };
};
