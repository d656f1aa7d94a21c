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
    federation: () => Promise<{ peers: number; online: number; published: number; received: number }>;
    proposals: () => Promise<number>;
  },
): HookCounting => {
  const { clock, version } = options;
  const began = clock.now().getTime() / 1000;
  /** Of the whole server: each process would say the same. */
  const gauge = (name: string, help: string, labels: readonly string[], read: Parameters<typeof addGauge>[4]) =>
    addGauge(registry, name, help, labels, read, 'max');
  gauge('atrium_build_info', 'The version that runs, as a label.', ['version'], () => [
    { labels: { version }, value: 1 },
  ]);
  addGauge(registry, 'atrium_start_time_seconds', 'When the server began.', [], () => [{ value: began }], 'min');
  gauge('atrium_uptime_seconds', 'How long the server has run.', [], () => [
    { value: clock.now().getTime() / 1000 - began },
  ]);
  const devices = (name: string, help: string, of: (totals: { total: number; online: number }) => number) =>
    gauge(name, help, [], async () => [{ value: of(await options.devices(null)) }]);
  devices('atrium_devices_total', 'Devices that are not revoked.', ({ total }) => total);
  devices('atrium_devices_online', 'Devices that are online.', ({ online }) => online);
  devices('atrium_devices_offline', 'Devices that are not online.', ({ total, online }) => total - online);
  gauge('atrium_discovery_proposals_pending', 'Found services that wait for a person.', [], async () => [
    { value: await options.proposals() },
  ]);
  gauge('atrium_auth_pairings_open', 'Pairings that wait for their device.', [], async () => [
    { value: (await options.devices(null)).pairings },
  ]);
  gauge('atrium_device_last_seen_age_seconds', 'Since any device was heard of.', [], async () => {
    const { last_seen_at } = await options.devices(null);
    return last_seen_at === null ? [] : [{ value: (clock.now().getTime() - last_seen_at.getTime()) / 1000 }];
  });
  gauge('atrium_federation_peers', 'Servers that are peers, by whether they are linked.', ['state'], async () => {
    const { peers, online } = await options.federation();
    return Object.entries({ online, offline: peers - online }).map(([state, value]) => ({ labels: { state }, value }));
  });
  gauge('atrium_federation_apps', 'Apps shown to peers, and shown by them.', ['direction'], async () => {
    const { published, received } = await options.federation();
    return Object.entries({ published, received }).map(([direction, value]) => ({ labels: { direction }, value }));
  });
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
