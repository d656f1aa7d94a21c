import type { Identity } from '../modules/identity/index.ts';
import type { Clock } from '../platform/clock/clock.ts';
import { Durations } from '../platform/telemetry/durations.ts';
import { addCounter, addGauge, addHistogram, Tally } from '../platform/telemetry/families.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';

export interface HookCounting {
  /** A message from outside was taken or not, in so many seconds. */
  received: (result: 'taken' | 'duplicate' | 'unproven' | 'refused', seconds: number) => void;
}

/** Families about the whole server. No label names anybody or anything of theirs. */
export const createOverviewMetrics = (
  { registry }: Pick<Metrics, 'registry'>,
  options: {
    clock: Clock;
    version: string;
    devices: Identity['deviceTotals'];
    proposals: () => Promise<number>;
  },
): HookCounting => {
  const { clock, version } = options;
  const began = clock.now().getTime() / 1000;
  addGauge(registry, 'atrium_build_info', 'The version that runs, as a label.', ['version'], () => [
    { labels: { version }, value: 1 },
  ]);
  addGauge(registry, 'atrium_start_time_seconds', 'When this process began.', [], () => [{ value: began }]);
  addGauge(registry, 'atrium_uptime_seconds', 'How long this process has run.', [], () => [
    { value: clock.now().getTime() / 1000 - began },
  ]);
  const devices = (name: string, help: string, of: (totals: { total: number; online: number }) => number) =>
    addGauge(registry, name, help, [], async () => [{ value: of(await options.devices(null)) }]);
  devices('atrium_devices_total', 'Devices that are not revoked.', ({ total }) => total);
  devices('atrium_devices_online', 'Devices that are online.', ({ online }) => online);
  devices('atrium_devices_offline', 'Devices that are not online.', ({ total, online }) => total - online);
  addGauge(registry, 'atrium_discovery_proposals_pending', 'Found services that wait for a person.', [], async () => [
    { value: await options.proposals() },
  ]);
  const [results, times] = [new Tally(), new Durations()];
  addCounter(registry, 'atrium_webhook_requests_total', 'Messages to endpoints of hooks, by result.', () =>
    results.as('result'),
  );
  addHistogram(registry, 'atrium_webhook_request_duration_seconds', 'Time to take a message in.', () => [
    { durations: times },
  ]);
  return {
    received: (result, seconds) => {
      results.add(result);
      times.observe(seconds);
    },
  };
};
