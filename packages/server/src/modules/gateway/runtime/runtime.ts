import type { ContainerAction, containerHealth, containerStates, LogLine } from '@atrium/protocol';

export type ContainerState = (typeof containerStates)[number];
export type ContainerHealth = (typeof containerHealth)[number];

/** A container as every engine can tell it in a list. With Kubernetes: what keeps pods running, or a pod without one. */
export interface Listed {
  id: string;
  name: string;
  image: string;
  state: ContainerState;
  health: ContainerHealth | null;
  status: string;
  kind: 'container' | 'deployment' | 'stateful_set' | 'pod';
  group: string | null;
  replicas: { wanted: number; ready: number } | null;
  ports: { private: number; public: number | null; address: string | null; protocol: string }[];
  created_at: string | null;
  started_at: string | null;
  /** Pods that nothing keeps running would not come back. */
  controllable: boolean;
}

export interface Mount {
  kind: 'volume' | 'bind' | 'tmpfs' | 'other';
  source: string;
  target: string;
  read_only: boolean;
}

/** What a container is made of: for people who look at it, and for the compose file that makes it anew. */
export interface Inspected extends Listed {
  command: string[];
  entrypoint: string[];
  user: string;
  working_dir: string;
  hostname: string;
  exit_code: number | null;
  restarts: number;
  restart_policy: string | null;
  /** With their secrets: who shows them masks them. */
  environment: { name: string; value: string }[];
  labels: Record<string, string>;
  mounts: Mount[];
  networks: { name: string; address: string | null; aliases: string[] }[];
  network_mode: string | null;
  limits: { memory_bytes: number | null; cpus: number | null };
  privileged: boolean;
  capabilities: { add: string[]; drop: string[] };
  devices: string[];
  extra_hosts: string[];
  health_check: { test: string[]; interval_ms: number; timeout_ms: number; retries: number; start_ms: number } | null;
}

/** Counters since the start, and what is used at this moment. */
export interface Usage {
  id: string;
  at: Date;
  cpu_percent: number | null;
  memory_bytes: number | null;
  memory_limit_bytes: number | null;
  received_bytes: number | null;
  sent_bytes: number | null;
  read_bytes: number | null;
  written_bytes: number | null;
  processes: number | null;
}

export interface LogWishes {
  tail: number | 'all';
  follow: boolean;
  /** Only lines of that moment and later, in the form of `at`. */
  since: string | null;
}

/** A line as the engine tells it: always with its time, which says where to go on. */
export interface RuntimeLine extends Omit<LogLine, 'at'> {
  /** RFC 3339 in UTC with nine digits, so that texts sort as times do; null when a line has none. */
  at: string | null;
}

export interface RuntimeEvent {
  id: string;
  kind: 'started' | 'stopped' | 'changed' | 'removed';
}

export interface Rights {
  read: boolean;
  control: boolean;
  stats: boolean;
  logs: boolean;
  events: boolean;
  /** In the words of whoever has to give them. */
  missing: string[];
  hint: string | null;
}

/** A container engine: what Atrium asks of it, in words that Docker and Kubernetes share. */
export interface Runtime {
  readonly kind: 'docker' | 'kubernetes';
  readonly endpoint: string;
  /** Throws when the engine does not answer. */
  ping(signal: AbortSignal): Promise<void>;
  rights(signal: AbortSignal): Promise<Rights>;
  list(signal: AbortSignal): Promise<Listed[]>;
  /** Throws NoContainer, as all that name one do. */
  inspect(id: string, signal: AbortSignal): Promise<Inspected>;
  /** Resolves when the engine says that it is done; what is done already is no failure. */
  act(id: string, action: ContainerAction, timeout_s: number, signal: AbortSignal): Promise<void>;
  usage(id: string, signal: AbortSignal): Promise<Usage>;
  /** Ends with the log, or when the container stops; an engine may break off before. */
  logs(id: string, wishes: LogWishes, signal: AbortSignal): AsyncGenerator<RuntimeLine>;
  events(signal: AbortSignal): Promise<AsyncGenerator<RuntimeEvent>>;
  close(): Promise<void>;
}

export class NoContainer extends Error {
  constructor(id: string) {
    super(`there is no container ${id}`);
    this.name = 'NoContainer';
  }
}

/** The engine, or a proxy before it, does not let this through. */
export class NoRight extends Error {
  readonly missing: readonly string[];
  readonly hint: string | null;
  constructor(missing: readonly string[], hint: string | null) {
    super(`the engine does not let this through: ${missing.join(', ')}`);
    this.name = 'NoRight';
    this.missing = missing;
    this.hint = hint;
  }
}

/** The engine tried and could not, or will not. */
export class ActionFailed extends Error {
  override readonly name = 'ActionFailed';
}

export const longestLine = 16 * 1024;
