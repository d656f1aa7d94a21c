import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface ProbedAddress {
  scheme: 'http' | 'https';
  host: string;
  port: number;
}

/**
 * Whether something answers HTTP there, whatever it answers. For addresses that a container engine told; nothing of the
 * answer is read or passed on.
 */
export const answersHttp = (
  { scheme, host, port }: ProbedAddress,
  timeout_ms: number,
  signal: AbortSignal,
): Promise<boolean> =>
  new Promise((resolve) => {
    const begin = scheme === 'https' ? requestHttps : requestHttp;
    const options = { host, port, method: 'HEAD', path: '/', agent: false, headers: { 'user-agent': 'Atrium' } };
    const ending = AbortSignal.any([signal, AbortSignal.timeout(timeout_ms)]);
    // Who has the certificate does not matter yet: nothing is sent there but this question.
    const request = begin({ ...options, signal: ending, rejectUnauthorized: false }, (response) => {
      response.destroy();
      resolve(true);
    });
    request.on('error', () => resolve(false));
    request.end();
  });
