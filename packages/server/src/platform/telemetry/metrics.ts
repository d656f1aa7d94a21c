import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, type MetricObject, Registry } from 'prom-client';
import type { StoredEvent } from '../module.ts';
import { alone, type Siblings } from '../processes/siblings.ts';
import { Durations, sizeBuckets } from './durations.ts';
import { addCounter, addGauge, addHistogram, Tally } from './families.ts';
import { RequestCounts } from './request-counts.ts';

/** What the metrics read of the requests under way. */
export interface InFlightSource {
  readonly size: number;
  readonly load: number;
  readonly waiting: number;
  readonly turnedAway: number;
  readonly limits: { all: number; each: number; waiting: number };
  bulkheads(): { name: string; now: number; rejected: number }[];
}

export interface CircuitSource {
  readonly states: { closed: number; open: number; half_open: number };
  readonly trips: number;
}

/** How a request to another server ended: with an answer, without one, or not let out at all. */
export type OutboundOutcome = 'answered' | 'failed' | 'refused';

/** What the HTTP and socket hosts count. Labels hold route templates and words of ours, never a path, name, title or address. */
export interface HttpMetrics {
  registry: Registry;
  /** All families in the text form of Prometheus, added up over the processes of this server. */
  text(): Promise<string>;
  request(method: string, route: string, status: number, seconds: number): void;
  /** Bodies of a request and its answer, in bytes; null where the length was not said beforehand. */
  sizes(request: number | null, response: number | null): void;
  denied(operation: string, code: string): void;
  /** A problem was answered, by its code. */
  error(kind: string): void;
  sockets: Gauge;
  eventsDelivered: Counter;
  socketMessage(direction: 'in' | 'out'): void;
  socketClosed(code: number): void;
  inFlight(source: InFlightSource): void;
}

/** How far a broker outside is behind. */
export interface SinkFigures {
  name: string;
  lag: number | null;
  delivered: number;
  failures: number;
  up: boolean;
}

/** What the other parts of the platform count. */
export type CommittedEvent = Pick<StoredEvent, 'kind' | 'body'>;

export interface Metrics extends HttpMetrics {
  circuits(source: CircuitSource): void;
  query(seconds: number): void;
  /** Events that this process has committed. */
  published(events: readonly CommittedEvent[]): void;
  /** Hears of each of them, to count what its body says. */
  onPublished(listener: (event: CommittedEvent) => void): void;
  /** An event reached this process's receivers so long after its commit. */
  dispatched(seconds: number): void;
  /** A limit refused somebody; `key` is what it counts by. */
  limited(limit: string, key: string): void;
  /** The least that anybody has left of each limit. */
  remaining(read: () => Iterable<[limit: string, least: number]>): void;
  sinks(read: () => readonly SinkFigures[]): void;
  outbound(peer: string): (outcome: OutboundOutcome, seconds: number) => void;
  redis(ok: boolean, seconds: number): void;
  /** Something an operator should look at. */
  alert(name: string): void;
  /** Other processes whose counts belong to this server as well. */
  gatherFrom(siblings: Siblings): void;
  /** What an operators' page shows. */
  readings: MetricReadings;
}

export interface MetricReadings {
  requests: RequestCounts;
  queries: Durations;
  dispatch: Durations;
  limited: Tally;
  errors: Tally;
  events: Tally;
  alerts: Tally;
  in_flight: () => InFlightSource | null;
}

const mostPrefixes = 300;

/** Coarse on purpose: it shows where a flood comes from, names nobody, and there are not many. */
const prefixOf = (key: string): string => {
  const address = /^ip:(.+)$/.exec(key)?.[1];
  if (address === undefined) return '';
  if (address.includes(':')) return `${address.split(':', 1)[0]}::/16`;
  return address.includes('.') ? `${address.split('.', 1)[0]}.0.0.0/8` : '';
};

const addRequests = (registry: Registry, requests: RequestCounts): void => {
  const labelled = () =>
    [...requests.all()].map(({ method, route, status, durations }) => ({
      labels: { method, route, status: String(status) },
      durations,
      value: durations.count,
    }));
  addHistogram(
    registry,
    'atrium_http_request_duration_seconds',
    'Time from the first byte of a request to the last of its answer.',
    labelled,
  );
  addCounter(registry, 'atrium_http_requests_total', 'Requests answered.', () => [
    { value: requests.total().durations.count },
  ]);
  addCounter(registry, 'atrium_http_requests_by_route_total', 'Requests answered, by route and status.', labelled);
  addCounter(registry, 'atrium_http_requests_by_class_total', 'Requests answered, by class of status.', () =>
    [...requests.byClass()].map(([name, value]) => ({ labels: { class: name }, value })),
  );
};

const addSizes = (registry: Registry): HttpMetrics['sizes'] => {
  const [asked, answered] = [new Durations(sizeBuckets), new Durations(sizeBuckets)];
  addHistogram(registry, 'atrium_http_request_size_bytes', 'Bodies of requests whose length is said.', () => [
    { durations: asked },
  ]);
  addHistogram(registry, 'atrium_http_response_size_bytes', 'Bodies of answers whose length is said.', () => [
    { durations: answered },
  ]);
  return (request, response) => {
    if (request !== null) asked.observe(request);
    if (response !== null) answered.observe(response);
  };
};

const addInFlight = (registry: Registry, source: InFlightSource): void => {
  addGauge(registry, 'atrium_http_requests_in_flight', 'Requests that have no answer yet, waits included.', [], () => [
    { value: source.size },
  ]);
  addGauge(registry, 'atrium_concurrent_in_flight', 'Requests that are worked on.', ['bulkhead'], () =>
    source.bulkheads().map(({ name, now }) => ({ labels: { bulkhead: name }, value: now })),
  );
  addGauge(registry, 'atrium_waiting_requests', 'Event streams and calls that wait for an answer.', [], () => [
    { value: source.waiting },
  ]);
  addCounter(registry, 'atrium_back_pressure_rejected_total', 'Requests refused because the server is full.', () => [
    { value: source.turnedAway },
  ]);
  addCounter(registry, 'atrium_bulkhead_rejected_total', 'Requests refused because their part is full.', () =>
    source.bulkheads().map(({ name, rejected }) => ({ labels: { bulkhead: name }, value: rejected })),
  );
};

const addCircuits = (registry: Registry, source: CircuitSource): void => {
  addGauge(registry, 'atrium_circuit_breaker_state', 'Outbound dependencies, by state of circuit.', ['state'], () =>
    Object.entries(source.states).map(([state, value]) => ({ labels: { state }, value })),
  );
  addGauge(
    registry,
    'atrium_circuit_breakers_open',
    'Outbound dependencies that are left alone because they failed several times in a row.',
    [],
    () => [{ value: source.states.open + source.states.half_open }],
  );
  addCounter(registry, 'atrium_circuit_breaker_trips_total', 'How often an outbound dependency was cut off.', () => [
    { value: source.trips },
  ]);
};

/** Requests to other servers by who asks: the other side's name comes from users, and there is no end of them. */
const addOutbound = (registry: Registry): Metrics['outbound'] => {
  const peers = new Map<string, { durations: Durations; outcomes: Record<OutboundOutcome, number> }>();
  addCounter(registry, 'atrium_http_client_requests_total', 'Requests to other servers, by what they are for.', () =>
    [...peers].flatMap(([peer, { outcomes }]) =>
      Object.entries(outcomes).map(([outcome, value]) => ({ labels: { peer, outcome }, value })),
    ),
  );
  addHistogram(registry, 'atrium_http_client_request_duration_seconds', 'Time of requests to other servers.', () =>
    [...peers].map(([peer, { durations }]) => ({ labels: { peer }, durations })),
  );
  return (peer) => {
    const counts = peers.get(peer) ?? { durations: new Durations(), outcomes: { answered: 0, failed: 0, refused: 0 } };
    peers.set(peer, counts);
    return (outcome, seconds) => {
      counts.outcomes[outcome] += 1;
      if (outcome !== 'refused') counts.durations.observe(seconds);
    };
  };
};

const addRedis = (registry: Registry): Metrics['redis'] => {
  const durations = new Durations();
  const outcomes = { ok: 0, failed: 0 };
  addCounter(registry, 'atrium_redis_client_operations_total', 'Operations in Redis, by outcome.', () =>
    Object.entries(outcomes).map(([outcome, value]) => ({ labels: { outcome }, value })),
  );
  addHistogram(registry, 'atrium_redis_client_operation_duration_seconds', 'Time of operations in Redis.', () => [
    { durations },
  ]);
  return (ok, seconds) => {
    outcomes[ok ? 'ok' : 'failed'] += 1;
    durations.observe(seconds);
  };
};

const addLimits = (registry: Registry, limited: Tally): Metrics['limited'] => {
  const prefixes = new Tally(mostPrefixes);
  addCounter(
    registry,
    'atrium_rate_limit_rejected_total',
    'Refusals by a rate limit; `ip_prefix` is coarse, and empty where a limit does not go by address.',
    () =>
      prefixes.entries().map(([word, value]) => {
        const [limit = word, ip_prefix = ''] = word.split(' ');
        return { labels: { limit, ip_prefix }, value };
      }),
  );
  return (limit, key) => {
    limited.add(limit);
    prefixes.add(`${limit} ${prefixOf(key)}`);
  };
};

const addErrors = (registry: Registry, errors: Tally): void =>
  addCounter(registry, 'atrium_errors_total', 'Problems answered, by their code.', () => errors.as('kind'));

const addEvents = (registry: Registry, events: Tally, dispatch: Durations): void => {
  addCounter(registry, 'atrium_events_published_total', 'Events committed by this process, by kind.', () =>
    events.as('kind'),
  );
  addHistogram(
    registry,
    'atrium_events_publish_duration_seconds',
    "Time from an event's commit until this process hands it to its receivers.",
    () => [{ durations: dispatch }],
  );
};

const addQueries = (registry: Registry, queries: Durations): void => {
  addCounter(registry, 'atrium_db_queries_total', 'Statements sent to PostgreSQL.', () => [{ value: queries.count }]);
  addHistogram(registry, 'atrium_db_query_duration_seconds', 'Time of statements in PostgreSQL.', () => [
    { durations: queries },
  ]);
};

/** Only of sinks that this process sends to; the others are counted by the process that does. */
const addSinks = (registry: Registry, read: () => readonly SinkFigures[]): void => {
  const of = (figure: (sink: SinkFigures) => number | null) => () =>
    read().flatMap((sink) => {
      const value = sink.lag === null ? null : figure(sink);
      return value === null ? [] : [{ labels: { sink: sink.name }, value }];
    });
  addGauge(
    registry,
    'atrium_events_sink_lag',
    'Events that a sink has not had yet.',
    ['sink'],
    of(({ lag }) => lag),
  );
  addGauge(
    registry,
    'atrium_events_sink_up',
    'Whether a sink took what it was last given.',
    ['sink'],
    of((s) => Number(s.up)),
  );
  addCounter(
    registry,
    'atrium_events_sink_delivered_total',
    'Events that a sink has taken from this process.',
    of((s) => s.delivered),
  );
  addCounter(
    registry,
    'atrium_events_sink_failures_total',
    'Attempts that a sink did not answer.',
    of((s) => s.failures),
  );
};

const textOf = async (registry: Registry, siblings: Siblings): Promise<string> => {
  const others = (await siblings.ask('metrics', null)) as MetricObject[][];
  if (others.length === 0) return await registry.metrics();
  const own = await registry.getMetricsAsJSON();
  return await AggregatorRegistry.aggregate([own, ...others]).metrics();
};

/** Pass `processMetrics` once a process: it installs observers of the garbage collector and the event loop. */
export const createMetrics = (options: { processMetrics: boolean; version?: string }): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const requests = new RequestCounts();
  const [queries, dispatch] = [new Durations(), new Durations()];
  const [limited, errors, events, alerts] = [new Tally(), new Tally(), new Tally(), new Tally()];
  const messages = new Tally();
  const listeners: ((event: CommittedEvent) => void)[] = [];
  let inFlight: InFlightSource | null = null;
  let siblings: Siblings = alone;
  addRequests(registry, requests);
  addQueries(registry, queries);
  addErrors(registry, errors);
  addEvents(registry, events, dispatch);
  addCounter(registry, 'atrium_alerts_total', 'Alerts raised for operators.', () => alerts.as('alert'));
  addCounter(registry, 'atrium_websocket_messages_total', 'Messages of sockets of the product, by direction.', () =>
    messages.as('direction'),
  );
  addGauge(
    registry,
    'atrium_app_info',
    'The running program.',
    ['version', 'node'],
    () => [{ labels: { version: options.version ?? 'unknown', node: process.versions.node }, value: 1 }],
    'first',
  );
  const denied = new Counter({
    name: 'atrium_operations_denied_total',
    help: 'Refusals by scope, permission or kind of principal.',
    labelNames: ['operation', 'code'] as const,
    registers,
  });
  const closed = new Counter({
    name: 'atrium_sockets_closed_total',
    help: 'WebSockets closed, by code.',
    labelNames: ['code'] as const,
    registers,
  });
  return {
    registry,
    text: () => textOf(registry, siblings),
    gatherFrom: (others) => {
      siblings = others;
      siblings.answer('metrics', () => registry.getMetricsAsJSON());
    },
    request: (method, route, status, seconds) => requests.observe(method, route, status, seconds),
    sizes: addSizes(registry),
    denied: (operation, code) => denied.inc({ operation, code }),
    error: (kind) => errors.add(kind),
    sockets: new Gauge({ name: 'atrium_sockets', help: 'Open WebSockets.', registers }),
    eventsDelivered: new Counter({
      name: 'atrium_events_delivered_total',
      help: 'Events handed to live receivers.',
      registers,
    }),
    socketMessage: (direction) => messages.add(direction),
    socketClosed: (code) => closed.inc({ code: String(code) }),
    inFlight: (source) => {
      inFlight = source;
      addInFlight(registry, source);
    },
    circuits: (source) => addCircuits(registry, source),
    query: (seconds) => queries.observe(seconds),
    published: (committed) => {
      for (const event of committed) {
        events.add(event.kind);
        for (const listener of listeners) listener(event);
      }
    },
    onPublished: (listener) => void listeners.push(listener),
    dispatched: (seconds) => dispatch.observe(Math.max(0, seconds)),
    limited: addLimits(registry, limited),
    remaining: (read) =>
      addGauge(
        registry,
        'atrium_rate_limit_remaining',
        'The least that anybody has left of a limit.',
        ['limit'],
        () => [...read()].map(([limit, value]) => ({ labels: { limit }, value })),
        'min',
      ),
    sinks: (read) => addSinks(registry, read),
    outbound: addOutbound(registry),
    redis: addRedis(registry),
    alert: (name) => alerts.add(name),
    readings: { requests, queries, dispatch, limited, errors, events, alerts, in_flight: () => inFlight },
  };
};
