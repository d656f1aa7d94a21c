import { severityOf } from '@atrium/protocol';
import type { StoredEvent } from '../../module.ts';

/** One event as brokers get it. */
export interface SinkMessage {
  /** `<org_id>:<seq>`: the same on every attempt, for whoever drops repeats. */
  id: string;
  /** Messages of one key keep their order. */
  key: string;
  seq: number;
  kind: string;
  /** The envelope, as JSON. */
  body: string;
}

/** A broker outside that is given events. */
export interface EventSink {
  /** In order, and resolved only when the broker has taken all of them. What failed is sent again from its beginning. */
  send(messages: readonly SinkMessage[]): Promise<void>;
  close(): Promise<void>;
}

/** Where events go, and how that is called in metrics and logs: the address without its credentials. */
export interface SinkAddress {
  name: string;
  open(): Promise<EventSink>;
}

/** The envelope that leaves the server. Members are the field names of the event stream, and what brokers need. */
export const toMessage = (event: StoredEvent, producer: string): SinkMessage => {
  const id = `${event.org_id}:${event.seq}`;
  const envelope = {
    id,
    kind: event.kind,
    severity: severityOf(event.kind),
    at: event.at.toISOString(),
    org_id: event.org_id,
    seq: event.seq,
    subject_id: event.id,
    actor: event.actor,
    producer,
    idempotency_key: id,
    body: event.body,
  };
  return { id, key: event.org_id, seq: event.seq, kind: event.kind, body: JSON.stringify(envelope) };
};

/** `oauth.*` takes all kinds that begin so, `oauth.token.issued` that one. No pattern to include means all. */
export const kindFilter = (include: readonly string[], exclude: readonly string[]): ((kind: string) => boolean) => {
  const among = (patterns: readonly string[]) => (kind: string) =>
    patterns.some((pattern) => (pattern.endsWith('*') ? kind.startsWith(pattern.slice(0, -1)) : kind === pattern));
  const [wanted, unwanted] = [among(include), among(exclude)];
  return (kind) => (include.length === 0 || wanted(kind)) && !unwanted(kind);
};
