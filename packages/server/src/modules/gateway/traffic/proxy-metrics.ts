import type { Registry } from 'prom-client';
import { Durations } from '../../../platform/telemetry/durations.ts';
import { addCounter, addGauge, addHistogram, Tally } from '../../../platform/telemetry/families.ts';

/** Apps that have series of their own; the rest is counted together. */
const mostApps = 500;

interface AppCounts {
  classes: number[];
  durations: Durations;
  bytes_in: number;
  bytes_out: number;
}

const newCounts = (): AppCounts => ({
  classes: [0, 0, 0, 0, 0, 0],
  durations: new Durations(),
  bytes_in: 0,
  bytes_out: 0,
});

/**
 * What proxying counts. Labels are slugs of apps and words of ours: never a path, a host of a client, a title or a
 * name, and of apps no more than a fixed number.
 */
export class ProxyMetrics {
  readonly #apps = new Map<string, AppCounts>();
  readonly #outcomes = new Tally(40);
  readonly #verdicts = new Tally(20);
  readonly #phases = { queue: new Durations(), head: new Durations(), body: new Durations() };
  readonly #tunnelTimes = new Durations();
  readonly #tunnels = { active: 0, total: 0, bytes_in: 0, bytes_out: 0, revoked: 0 };
  readonly #mirrors = new Tally(3);
  readonly #cache = new Tally(8);
  retries = 0;

  constructor(registry: Registry | null, running: () => number) {
    if (registry !== null) this.#register(registry, running);
  }

  request(app: string, status: number, outcome: string, seconds: number, bytesIn: number, bytesOut: number): void {
    const counts = this.#of(app);
    counts.classes[Math.min(5, Math.floor(status / 100))]! += 1;
    counts.durations.observe(seconds);
    counts.bytes_in += bytesIn;
    counts.bytes_out += bytesOut;
    if (outcome !== 'ok' && outcome !== 'refused') this.#outcomes.add(outcome);
  }

  phase(name: 'queue' | 'head' | 'body', seconds: number): void {
    this.#phases[name].observe(seconds);
  }

  mirror(result: string): void {
    this.#mirrors.add(result);
  }

  cached(result: string): void {
    this.#cache.add(result);
  }

  verdict(name: string): void {
    this.#verdicts.add(name);
  }

  tunnelOpened(): void {
    this.#tunnels.active += 1;
    this.#tunnels.total += 1;
  }

  tunnelClosed(seconds: number, bytesIn: number, bytesOut: number, revoked: boolean): void {
    this.#tunnels.active -= 1;
    this.#tunnels.bytes_in += bytesIn;
    this.#tunnels.bytes_out += bytesOut;
    if (revoked) this.#tunnels.revoked += 1;
    this.#tunnelTimes.observe(seconds);
  }

  #of(app: string): AppCounts {
    const name = this.#apps.has(app) || this.#apps.size < mostApps ? app : 'other';
    const known = this.#apps.get(name);
    if (known !== undefined) return known;
    const fresh = newCounts();
    this.#apps.set(name, fresh);
    return fresh;
  }

  #register(registry: Registry, running: () => number): void {
    addCounter(
      registry,
      'atrium_proxy_requests_total',
      'Requests through the gateway, by app and class of status.',
      () =>
        [...this.#apps].flatMap(([app, { classes }]) =>
          classes.flatMap((value, index) => (value === 0 ? [] : [{ labels: { app, class: `${index}xx` }, value }])),
        ),
    );
    addHistogram(
      registry,
      'atrium_proxy_request_duration_seconds',
      'Time of requests through the gateway, by app.',
      () => [...this.#apps].map(([app, { durations }]) => ({ labels: { app }, durations })),
    );
    addCounter(registry, 'atrium_proxy_bytes_transferred_total', 'Bytes of bodies, by app and direction.', () =>
      [...this.#apps].flatMap(([app, { bytes_in, bytes_out }]) => [
        { labels: { app, direction: 'in' }, value: bytes_in },
        { labels: { app, direction: 'out' }, value: bytes_out },
      ]),
    );
    addCounter(registry, 'atrium_proxy_upstream_errors_total', 'Requests that did not end well, by label.', () =>
      this.#outcomes.as('outcome'),
    );
    addCounter(registry, 'atrium_proxy_retries_total', 'Requests that were sent to an app again.', () => [
      { value: this.retries },
    ]);
    addCounter(registry, 'atrium_proxy_cache_total', 'Requests to routes with a cache, by what it did.', () =>
      this.#cache.as('result'),
    );
    addCounter(registry, 'atrium_proxy_mirrored_total', 'Copies of requests, by how they fared.', () =>
      this.#mirrors.as('result'),
    );
    addCounter(registry, 'atrium_gate_verdicts_total', 'Decisions of the gate.', () => this.#verdicts.as('verdict'));
    addGauge(registry, 'atrium_proxy_active_sessions', 'Requests and tunnels that run through the gateway.', [], () => [
      { value: running() },
    ]);
    addHistogram(registry, 'atrium_proxy_phase_seconds', 'Where the time of a proxied request goes.', () =>
      Object.entries(this.#phases).map(([phase, durations]) => ({ labels: { phase }, durations })),
    );
    addGauge(registry, 'atrium_websocket_connections_active', 'Tunnels that are open.', [], () => [
      { value: this.#tunnels.active },
    ]);
    addCounter(registry, 'atrium_websocket_connections_total', 'Tunnels that were opened.', () => [
      { value: this.#tunnels.total },
    ]);
    addHistogram(registry, 'atrium_websocket_connection_duration_seconds', 'How long tunnels were open.', () => [
      { durations: this.#tunnelTimes },
    ]);
    addCounter(registry, 'atrium_websocket_bytes_transferred_total', 'Bytes through tunnels that ended.', () => [
      { labels: { direction: 'in' }, value: this.#tunnels.bytes_in },
      { labels: { direction: 'out' }, value: this.#tunnels.bytes_out },
    ]);
    addCounter(registry, 'atrium_tunnel_revocations_total', 'Tunnels ended because the right to them ended.', () => [
      { value: this.#tunnels.revoked },
    ]);
  }
}
