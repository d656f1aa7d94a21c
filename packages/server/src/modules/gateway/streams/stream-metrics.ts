import type { Registry } from 'prom-client';
import { Durations } from '../../../platform/telemetry/durations.ts';
import { addCounter, addGauge, addHistogram, Tally } from '../../../platform/telemetry/families.ts';

export type StreamProtocol = 'tcp' | 'udp';

/** What streams count. No label names a route, a port or anybody. */
export class StreamMetrics {
  readonly #active = { tcp: 0, udp: 0 };
  readonly #opened = { tcp: 0, udp: 0 };
  readonly #bytes = { in: 0, out: 0 };
  readonly #outcomes = new Tally(40);
  readonly #times = new Durations();

  constructor(registry: Registry | null, ports: () => Record<StreamProtocol, number>) {
    if (registry !== null) this.#register(registry, ports);
  }

  opened(protocol: StreamProtocol): void {
    this.#active[protocol] += 1;
    this.#opened[protocol] += 1;
  }

  closed(protocol: StreamProtocol, outcome: string, seconds: number, bytesIn: number, bytesOut: number): void {
    this.#active[protocol] -= 1;
    this.#bytes.in += bytesIn;
    this.#bytes.out += bytesOut;
    this.#times.observe(seconds);
    this.#outcomes.add(outcome);
  }

  refused(outcome: string): void {
    this.#outcomes.add(outcome);
  }

  #register(registry: Registry, ports: () => Record<StreamProtocol, number>): void {
    const each = (counts: Record<StreamProtocol, number>) =>
      Object.entries(counts).map(([protocol, value]) => ({ labels: { protocol }, value }));
    addGauge(registry, 'atrium_stream_ports', 'Ports that are open for streams.', ['protocol'], () => each(ports()));
    addGauge(registry, 'atrium_stream_connections_active', 'Streams that are open.', ['protocol'], () =>
      each(this.#active),
    );
    addCounter(registry, 'atrium_stream_connections_total', 'Streams that were opened.', () => each(this.#opened));
    addCounter(registry, 'atrium_stream_bytes_total', 'Bytes through streams that ended.', () =>
      Object.entries(this.#bytes).map(([direction, value]) => ({ labels: { direction }, value })),
    );
    addCounter(registry, 'atrium_stream_ends_total', 'How streams ended, or why there was none.', () =>
      this.#outcomes.as('outcome'),
    );
    addHistogram(registry, 'atrium_stream_duration_seconds', 'How long streams were open.', () => [
      { durations: this.#times },
    ]);
  }
}
