import type { Actor } from '@atrium/protocol';
import type { FastifyInstance } from 'fastify';
import type { FrontDoor } from './http/front-door.ts';
import type { PageRoute } from './http/page-route.ts';
import type { UpgradeRouter } from './http/upgrade-router.ts';
import type { JobDefinition } from './jobs/job.ts';
import type { McpContentSource, McpPrompt, McpResources, McpToolSource } from './mcp/mcp-face.ts';
import type { Binding } from './operations/binding.ts';
import type { Caller } from './operations/caller.ts';
import type { CertificateSource } from './tls/certificate-source.ts';

/** A row of core_events before a receiver's filter. */
export interface StoredEvent {
  org_id: string;
  seq: number;
  kind: string;
  id: string;
  actor: Actor;
  at: Date;
  body: Record<string, unknown>;
}

/**
 * Who may see events of one module. The two questions must have the same answer; a property test compares them.
 * A null body or a false entry hides the event.
 */
export interface EventFilter {
  /** `inbox.`: the kinds this filter decides about. Kinds without a filter reach nobody. */
  prefix: string;
  /** For one event and many live receivers of its organisation: the body each may see, or null. One query an event. */
  fanOut(event: StoredEvent, receivers: readonly Caller[]): Promise<(Record<string, unknown> | null)[]>;
  /** For one receiver and many events (replay). One query a batch. */
  replay(caller: Caller, events: readonly StoredEvent[]): Promise<(Record<string, unknown> | null)[]>;
}

/** What a protocol of a module's own gets beside the operations: the HTTP door, before it listens. */
export type HttpMount = (http: { app: FastifyInstance; upgrades: UpgradeRouter }) => void | Promise<void>;

/** What a module hands to the hosts. Only app/ reads it. */
export interface Module {
  name: string;
  bindings: readonly Binding[];
  /** Pages and redirects that no program calls. */
  pages?: readonly PageRoute[];
  jobs?: readonly JobDefinition[];
  eventFilters?: readonly EventFilter[];
  resources?: McpResources;
  prompts?: readonly McpPrompt[];
  /** Tools that no operation stands for; one module has it. */
  tools?: McpToolSource;
  /** Resources and prompts of other servers; one module has it. */
  content?: McpContentSource;
  /** Adds routes that are no operations. */
  http?: HttpMount;
  /** Sees every request and upgrade before the routes of the product; one module has it. */
  front?: FrontDoor;
  /** What the listener shows to clients over TLS; one module has it. */
  certificates?: CertificateSource;
  /** Called for each committed event in order of seq, at least once a process; for wake-ups and caches, never for effects. */
  onEvent?: (event: StoredEvent) => void;
  /** Periodic repair work, run by one replica at a time. */
  sweeps?: readonly { name: string; every_ms: number; run: () => Promise<void> }[];
}
