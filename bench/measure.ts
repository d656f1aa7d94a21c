import autocannon from 'autocannon';
import { processorMs } from './processor-time.ts';

/** Median of an odd number of runs. */
export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

export const percentile = (values: readonly number[], p: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1)]!;
};

export interface Throughput {
  perSecond: number;
  /** Microseconds of processor time a request: of the server, and of its PostgreSQL. */
  serverUs: number;
  databaseUs: number;
}

export interface Target {
  url: string;
  headers: Record<string, string>;
  /** Processes that answer. */
  server: number;
  postmaster: number;
}

/** One second of requests with 32 connections; throws when any answer was not a success. */
const oneTurn = async ({ url, headers, server, postmaster }: Target) => {
  const before = [processorMs(server), processorMs(postmaster)] as const;
  const { requests, non2xx, errors, duration } = await autocannon({ url, headers, connections: 32, duration: 1 });
  if (non2xx > 0 || errors > 0) throw new Error(`${url}: ${non2xx} refusals, ${errors} errors`);
  return {
    requests: requests.total,
    seconds: duration,
    serverMs: processorMs(server) - before[0],
    databaseMs: processorMs(postmaster) - before[1],
  };
};

type Turn = Awaited<ReturnType<typeof oneTurn>>;

const sumUp = (turns: readonly Turn[]): Throughput => {
  const of = (member: keyof Turn) => turns.reduce((sum, turn) => sum + turn[member], 0);
  const requests = of('requests');
  return {
    perSecond: requests / of('seconds'),
    serverUs: (of('serverMs') * 1000) / requests,
    databaseUs: (of('databaseMs') * 1000) / requests,
  };
};

/** Two servers by turns of a second each, so that whatever else the machine does meets both. */
export const compare = async (ours: Target, peer: Target, turns: number): Promise<[Throughput, Throughput]> => {
  const pairs: [Turn, Turn][] = [];
  for (let turn = 0; turn < turns; turn++) pairs.push([await oneTurn(ours), await oneTurn(peer)]);
  return [sumUp(pairs.map(([a]) => a)), sumUp(pairs.map(([, b]) => b))];
};

export interface Load {
  url: string;
  headers: Record<string, string>;
  method?: 'GET' | 'POST';
  body?: string;
  connections?: number;
}

/** Requests a second over `seconds` and how many there were; throws when any answer was not a success. */
export const drive = async (load: Load, seconds: number): Promise<{ rate: number; count: number }> => {
  const { connections = 32, method = 'GET' } = load;
  const result = await autocannon({ ...load, method, connections, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${load.url}: ${result.non2xx} refusals, ${result.errors} errors`);
  return { rate: result.requests.average, count: result['2xx'] };
};
