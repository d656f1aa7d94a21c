import { Durations } from '../platform/telemetry/durations.ts';
import { addCounter, addHistogram, Tally } from '../platform/telemetry/families.ts';
import type { CommittedEvent, Metrics } from '../platform/telemetry/metrics.ts';

interface Family {
  name: string;
  help: string;
  label: string;
  /** Of which events, by the beginning of their kinds. */
  of: string;
  /** `rest` is what the kind has after that; null leaves the event out. */
  labelOf: (body: CommittedEvent['body'], rest: string) => string | null;
}

const member =
  (name: string): Family['labelOf'] =>
  (body) =>
    typeof body[name] === 'string' ? body[name] : 'unknown';
const rest: Family['labelOf'] = (_body, after) => after;

const families: readonly Family[] = [
  {
    ...{ name: 'atrium_auth_pairing_total', help: 'Changes of pairings of devices, by what they became.' },
    ...{ label: 'state', of: 'identity.pairing.updated', labelOf: member('state') },
  },
  {
    ...{ name: 'atrium_device_operations_total', help: 'What happened to devices.' },
    ...{ label: 'operation', of: 'identity.device.', labelOf: rest },
  },
  {
    ...{ name: 'atrium_discovery_proposals_total', help: 'Services that were found, by where.' },
    ...{ label: 'source', of: 'gateway.proposal.found', labelOf: member('source') },
  },
  {
    ...{ name: 'atrium_discovery_decisions_total', help: 'Decisions about services that were found.' },
    ...{ label: 'decision', of: 'gateway.proposal.' },
    labelOf: (_body, after) => (after === 'approved' || after === 'dismissed' ? after : null),
  },
  {
    ...{ name: 'atrium_certificate_generate_total', help: 'Certificates made, ordered or uploaded, by issuer.' },
    ...{ label: 'issuer', of: 'gateway.certificate.issued', labelOf: member('issuer') },
  },
  {
    ...{ name: 'atrium_certificate_renew_total', help: 'Certificates that were renewed, by issuer.' },
    ...{ label: 'issuer', of: 'gateway.certificate.issued' },
    labelOf: (body, after) => (body['act'] === 'renewed' ? member('issuer')(body, after) : null),
  },
  {
    ...{ name: 'atrium_certificate_generate_errors_total', help: 'Certificates that could not be had, by issuer.' },
    ...{ label: 'issuer', of: 'gateway.certificate.failed', labelOf: member('issuer') },
  },
  {
    ...{ name: 'atrium_service_health_changes_total', help: 'Targets of routes that became healthy or unhealthy.' },
    ...{ label: 'status', of: 'gateway.health.changed', labelOf: member('status') },
  },
  {
    ...{ name: 'atrium_federation_events_total', help: 'What happened with peers.' },
    ...{ label: 'event', of: 'gateway.peer.', labelOf: rest },
  },
];

/** In seconds: a person scans a picture that is good for minutes. */
const pairingBounds = [1, 2.5, 5, 10, 30, 60, 120, 300] as const;

/** Families that count what the event log tells. Each event is counted by the one process that committed it. */
export const addEventFamilies = ({ registry, onPublished }: Pick<Metrics, 'registry' | 'onPublished'>): void => {
  const counted = families.map((family) => ({ ...family, tally: new Tally() }));
  for (const { name, help, label, tally } of counted) addCounter(registry, name, help, () => tally.as(label));
  const pairings = new Durations(pairingBounds);
  addHistogram(registry, 'atrium_auth_pairing_duration_seconds', 'From the picture to the device that joined.', () => [
    { durations: pairings },
  ]);
  onPublished(({ kind, body }) => {
    if (kind === 'identity.pairing.updated' && typeof body['seconds'] === 'number') pairings.observe(body['seconds']);
    for (const { of, labelOf, tally } of counted) {
      const counts = kind.startsWith(of) ? labelOf(body, kind.slice(of.length)) : null;
      if (counts !== null) tally.add(counts);
    }
  });
};
