import { configOrExit } from './config-or-exit.ts';
import type { Config } from './platform/config/config.ts';
import { plainRequest } from './platform/net/plain-request.ts';

const patienceMs = 5000;
const everywhere = new Set(['0.0.0.0', '::']);

/** Where the configured server answers probes of its own machine: without TLS too, so that no certificate is to be trusted. */
const ownAddress = ({ host, port }: Config['server']): string => {
  const name = everywhere.has(host) ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}/health`;
};

const healthUrl = (given: string): URL => {
  const url = new URL(given);
  if (url.pathname === '/') url.pathname = '/health';
  return url;
};

/** `npm run health [-- url]`: 0 when the server answers, 1 when it does not. */
const probe = async (): Promise<number> => {
  const [given] = process.argv.slice(2);
  const url = given ?? ownAddress((await configOrExit()).config.server);
  try {
    const { status, body } = await plainRequest(healthUrl(url), { method: 'GET', timeout_ms: patienceMs });
    await body.dump();
    process.stdout.write(`${url} answers ${status}\n`);
    return status === 200 ? 0 : 1;
  } catch (error) {
    process.stdout.write(`${url} does not answer: ${(error as Error).message}\n`);
    return 1;
  }
};

if (import.meta.main) process.exit(await probe());
