/**
 * Budgets: a `client_credentials` token of Atrium at no less than 0.8 of the protocol engine alone, and a call with that
 * token at no less than 0.7 of the bare route. Servers take turns on one core, so that whatever else the machine does
 * meets all of them.
 */
import type { BenchLine, BenchServer } from './bench-server.ts';
import { cpuMicros, pinBesideServers, pinServer } from './cores.ts';
import { drive, type Load, median } from './measure.ts';
import { type Peer, startPeer } from './peer.ts';
import { benchClient, benchResource, type ClientAccess, fetchToken, formHeaders, tokenForm } from './token-parts.ts';

const runs = 5;
const seconds = 4;
/** Enough for transactions of tokens to overlap; peers without a database gain nothing from more. */
const connections = 64;

interface Lane extends Load {
  name: string;
  pid: number;
}

interface Figures {
  name: string;
  rate: number;
  /** Processor time of the server for one request. */
  micros: number;
  /** Of the first lane's rate to this one's, run by run. */
  ratios: number[];
}

const takeTurns = async (lanes: readonly Lane[]): Promise<Figures[]> => {
  for (const lane of lanes) await drive(lane, 2);
  const rates: number[][] = lanes.map(() => []);
  const micros: number[][] = lanes.map(() => []);
  for (let run = 0; run < runs; run++) {
    for (const [n, lane] of lanes.entries()) {
      const before = cpuMicros(lane.pid);
      const { rate, count } = await drive(lane, seconds);
      rates[n]!.push(rate);
      micros[n]!.push((cpuMicros(lane.pid) - before) / count);
    }
  }
  return lanes.map(({ name }, n) => ({
    name,
    rate: median(rates[n]!),
    micros: median(micros[n]!),
    ratios: rates[n]!.map((rate, run) => rates[0]![run]! / rate),
  }));
};

const said = ({ rate, micros }: Figures): string => `${Math.round(rate)} requests/s, ${Math.round(micros)} µs CPU`;

const lineOf = (what: string, figures: readonly Figures[], floor: number | null): BenchLine => {
  const [ours, first] = figures;
  const peers = figures.slice(1);
  const ratio = median(first!.ratios);
  return {
    what,
    ours: said(ours!),
    peer: peers.map((peer) => `${peer.name}: ${said(peer)}`).join('; '),
    result: peers
      .map(
        (peer) =>
          `${median(peer.ratios).toFixed(2)} of ${peer.name} (runs: ${peer.ratios.map((value) => value.toFixed(2)).join(', ')})`,
      )
      .join('; '),
    budget: floor === null ? 'reported' : `at least ${floor.toFixed(2)} of ${first!.name}`,
    met: floor === null || ratio >= floor,
  };
};

interface Parties {
  server: BenchServer;
  client: ClientAccess;
  engine: Peer;
  signer: Peer;
}

const tokenLane = (name: string, pid: number, url: string, client: ClientAccess, resource: string): Lane => ({
  ...{ name, pid, url, method: 'POST', connections },
  headers: formHeaders(client),
  body: tokenForm(resource),
});

const introspectionLane = (name: string, pid: number, url: string, client: ClientAccess, token: string): Lane => ({
  ...{ name, pid, url, method: 'POST', connections },
  headers: formHeaders(client),
  body: new URLSearchParams({ token }).toString(),
});

const benchTokens = async ({ server, client, engine, signer }: Parties): Promise<BenchLine> => {
  const figures = await takeTurns([
    tokenLane('Atrium', server.pid, `${server.url}/oauth/token`, client, server.resource),
    tokenLane('the engine alone in memory', engine.pid, `${engine.url}/token`, benchClient, benchResource),
    tokenLane('bare Fastify signing', signer.pid, `${signer.url}/token`, benchClient, benchResource),
  ]);
  return lineOf('client_credentials token, JWT signed ES256', figures, 0.8);
};

const benchIntrospection = async ({ server, client, engine, signer }: Parties): Promise<BenchLine> => {
  const token = await fetchToken(`${server.url}/oauth/token`, client, server.resource);
  const opaque = await fetchToken(`${engine.url}/token`, benchClient, `${benchResource}/opaque`);
  const signed = await fetchToken(`${signer.url}/token`, benchClient, benchResource);
  const figures = await takeTurns([
    introspectionLane('Atrium', server.pid, `${server.url}/oauth/introspect`, client, token),
    introspectionLane(
      'the engine alone with an opaque token',
      engine.pid,
      `${engine.url}/token/introspection`,
      benchClient,
      opaque,
    ),
    introspectionLane('bare Fastify verifying', signer.pid, `${signer.url}/token/introspection`, benchClient, signed),
  ]);
  return lineOf('introspection of that JWT', figures, null);
};

const benchBearer = async ({ server, client }: Parties): Promise<BenchLine> => {
  const token = await fetchToken(`${server.url}/oauth/token`, client, server.resource);
  const item = await server.createItem('A question about the weather');
  const bare = await startPeer('bare-route.ts', [server.databaseUrl]);
  try {
    const figures = await takeTurns([
      {
        ...{ name: 'Atrium', pid: server.pid, url: `${server.url}/api/v1/inbox/items/${item}`, connections },
        headers: { authorization: `Bearer ${token}` },
      },
      {
        ...{ name: 'the bare Fastify route', pid: bare.pid, url: `${bare.url}/items/${item}`, connections },
        headers: {},
      },
    ]);
    return lineOf('GET of one inbox item with a JWT that is verified', figures, 0.7);
  } finally {
    bare.stop();
  }
};

export const benchOauth = async (server: BenchServer): Promise<BenchLine[]> => {
  pinBesideServers(process.pid);
  pinServer(server.pid);
  pinBesideServers(server.postmaster);
  const { client } = server;
  const engine = await startPeer('token-engine.ts');
  const signer = await startPeer('token-signer.ts');
  try {
    const parties = { server, client, engine, signer };
    return [await benchTokens(parties), await benchIntrospection(parties), await benchBearer(parties)];
  } finally {
    engine.stop();
    signer.stop();
  }
};
