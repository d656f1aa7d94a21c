import type { GuardedAnswer, GuardedFetch } from '../../../platform/net/guarded-fetch.ts';

const answerTimeoutMs = 30_000;
const mostBytes = 1_048_576;

/** What an authority refused for now, with the time it asks for. */
export class AuthorityBusy extends Error {
  readonly again_ms: number;
  constructor(message: string, again_ms: number) {
    super(message);
    this.again_ms = again_ms;
  }
}

/** Seconds or a date (RFC 9110, 10.2.3); 0 when it says nothing. */
const retryAfterMs = (value: string | undefined, now: number): number => {
  if (value === undefined) return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
};

const dataOf = ({ headers, body }: GuardedAnswer): unknown => {
  const text = body.toString('utf8');
  if (!/json/.test(headers['content-type'] ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

interface AxiosRequest {
  url?: string;
  method?: string;
  headers?: { toJSON(): Record<string, unknown> };
  data?: string;
}

/**
 * The client of ACME, over the server's own way out: what it fetches passes the guard, and stays with the host of the
 * directory, whose word the operator gave. Loaded with the first order: a server without them keeps the memory.
 */
export const loadAcme = async (fetch: GuardedFetch, directory: string) => {
  const acme = await import('acme-client');
  const { host } = new URL(directory);
  const adapter = async (config: AxiosRequest) => {
    const url = config.url ?? '';
    // Errors without a `config` pass the client's interceptor as they are, words included.
    if (!URL.canParse(url) || new URL(url).host !== host)
      throw new Error(`The authority at ${host} sends its clients elsewhere (${url.slice(0, 100)}).`);
    const headers = Object.fromEntries(
      Object.entries(config.headers?.toJSON() ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]),
    );
    const answer = await fetch(url, {
      method: (config.method ?? 'get').toUpperCase() as 'GET',
      headers,
      ...(config.data === undefined ? {} : { body: config.data }),
      timeout_ms: answerTimeoutMs,
      max_bytes: mostBytes,
    }).catch((error: unknown) => {
      throw new Error(`The authority at ${host} could not be reached: ${(error as Error).message}`);
    });
    const data = dataOf(answer);
    if (answer.status === 429 || answer.status === 503) {
      const detail = (data as { detail?: unknown } | null)?.detail;
      throw new AuthorityBusy(
        typeof detail === 'string' ? detail : `The authority at ${host} answered ${answer.status}.`,
        retryAfterMs(answer.headers['retry-after'], Date.now()),
      );
    }
    return { data, status: answer.status, statusText: '', headers: answer.headers, config, request: null };
  };
  // It would repeat a refused request with the nonce that is spent, and the reason of the refusal would be lost.
  Object.assign(acme.axios.defaults, { adapter, acmeSettings: { retryMaxAttempts: 0 } });
  return acme;
};

export type Acme = Awaited<ReturnType<typeof loadAcme>>;
