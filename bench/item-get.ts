/** Budget: an authenticated GET of one inbox item reaches at least 0.7 of the bare route's throughput. */
import { startBarePeer } from './bare-peer.ts';
import type { BenchLine, BenchServer } from './bench-server.ts';
import { compare, median, type Throughput } from './measure.ts';

const runs = 5;
const turns = 4;
/** Until both are compiled. */
const warmUpTurns = 8;

const said = (runsOfOne: readonly Throughput[]): string => {
  const of = (member: keyof Throughput) => Math.round(median(runsOfOne.map((run) => run[member])));
  return `${of('perSecond')} requests/s (CPU a request: server ${of('serverUs')} µs, PostgreSQL ${of('databaseUs')} µs)`;
};

export const benchItemGet = async (server: BenchServer): Promise<BenchLine> => {
  const bare = await startBarePeer('bare-route.ts', server.databaseUrl);
  const { postmaster } = server;
  const item = await server.createItem('A question about the weather');
  const ours = {
    url: `${server.url}/api/v1/inbox/items/${item}`,
    headers: { authorization: `Bearer ${server.token}` },
    ...{ server: server.pid, postmaster },
  };
  const peer = { url: `${bare.url}/items/${item}`, headers: {}, server: bare.pid, postmaster };
  try {
    await compare(ours, peer, warmUpTurns);
    const pairs: [Throughput, Throughput][] = [];
    for (let run = 0; run < runs; run++) pairs.push(await compare(ours, peer, turns));
    const ratios = pairs.map(([a, b]) => a.perSecond / b.perSecond);
    const ratio = median(ratios);
    return {
      what: 'authenticated GET of one inbox item',
      ours: said(pairs.map(([a]) => a)),
      peer: `bare Fastify route, one indexed SELECT: ${said(pairs.map(([, b]) => b))}`,
      result: `ratio ${ratio.toFixed(2)} (runs: ${ratios.map((one) => one.toFixed(2)).join(', ')})`,
      budget: 'ratio at least 0.70',
      met: ratio >= 0.7,
    };
  } finally {
    bare.stop();
  }
};
