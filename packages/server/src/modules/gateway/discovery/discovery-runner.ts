import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../../platform/clock/clock.ts';
import type { Database } from '../../../platform/db/database.ts';
import type { GuardedFetch } from '../../../platform/net/guarded-fetch.ts';
import { answersHttp } from '../../../platform/net/http-probe.ts';
import { createDockerProvider, type DockerSettings } from './docker-provider.ts';
import { createHttpProvider, type HttpSettings } from './http-provider.ts';
import { Intake } from './intake.ts';
import type { IntakeService } from './intake-service.ts';
import { kubeconfigPath } from './kubeconfig.ts';
import { createKubernetesProvider } from './kubernetes-provider.ts';
import { createMdnsProvider, type MdnsSettings } from './mdns-provider.ts';
import { ownContainerIds } from './own-container.ts';
import type { OnScan, Provider, ProviderState } from './provider.ts';
import { providersStore } from './providers-store.ts';
import type { SightingSink } from './sighting.ts';

/** Settings of discovery, as operators write them. */
export interface DiscoverySettings {
  enabled: 'auto' | 'true' | 'false';
  docker: DockerSettings & { enabled: boolean };
  mdns: MdnsSettings & { enabled: boolean };
  kubernetes: {
    enabled: 'auto' | 'true' | 'false';
    kubeconfig: string | null;
    context: string | null;
    namespaces: readonly string[];
    resync_ms: number;
  };
  http: readonly HttpSettings[];
}

export interface RunnerParts {
  database: Database;
  clock: Clock;
  intake: IntakeService;
  fetch: GuardedFetch;
  onScan?: OnScan | undefined;
  onError: (error: unknown, what: string) => void;
}

interface Running {
  provider: Provider;
  settings: unknown;
}

const writeMs = 300;

const standard = [
  { name: 'docker', hint: 'Turn it on: ATRIUM_DISCOVERY_DOCKER_ENABLED=true' },
  { name: 'kubernetes', hint: 'Name a kubeconfig: ATRIUM_DISCOVERY_KUBERNETES_KUBECONFIG=~/.kube/config' },
  { name: 'mdns', hint: 'Turn it on: ATRIUM_DISCOVERY_MDNS_ENABLED=true' },
] as const;

/** Runs the providers that the settings want, in the process whose turn it is. */
export class DiscoveryRunner {
  readonly #parts: RunnerParts;
  readonly #providers = new Map<string, Running>();
  readonly #states = new Map<string, ProviderState>();
  readonly #unwritten = new Set<string>();
  #settings: DiscoverySettings;
  #intake: Intake | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** One change of what runs after another. */
  #changing: Promise<void> = Promise.resolve();

  constructor(settings: DiscoverySettings, parts: RunnerParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  get enabled(): boolean {
    return this.#settings.enabled !== 'false';
  }

  /** Sources that are looked at by this process. */
  get size(): number {
    return this.#providers.size;
  }

  begin(): void {
    this.#change(async () => {
      this.#intake = new Intake(this.#parts.intake, this.#parts.onError);
      await this.#apply();
    });
  }

  async end(): Promise<void> {
    this.#change(async () => {
      await this.#stopAll();
      await this.#intake?.stop();
      this.#intake = null;
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
      this.#states.clear();
    });
    await this.#changing;
  }

  /** Applies other settings: what did not change goes on. */
  reconfigure(settings: DiscoverySettings): Promise<void> {
    this.#settings = settings;
    this.#change(async () => {
      if (this.#intake !== null) await this.#apply();
    });
    return this.#changing;
  }

  rescan(): void {
    for (const { provider } of this.#providers.values()) provider.rescan();
  }

  #change(act: () => Promise<void>): void {
    this.#changing = this.#changing
      .then(act)
      .catch((error: unknown) => this.#parts.onError(error, 'discovery could not be changed'));
  }

  async #stopAll(): Promise<void> {
    const running = [...this.#providers.values()];
    this.#providers.clear();
    await Promise.all(running.map(({ provider }) => provider.stop()));
  }

  async #apply(): Promise<void> {
    const wanted = this.#wanted();
    for (const [name, { provider, settings }] of this.#providers) {
      if (isDeepStrictEqual(wanted.get(name)?.settings, settings)) continue;
      this.#providers.delete(name);
      await provider.stop();
      this.#states.delete(name);
    }
    for (const [name, { settings, make }] of wanted) {
      if (this.#providers.has(name)) continue;
      const provider = make();
      this.#providers.set(name, { provider, settings });
      provider.start();
    }
    await this.#writeOff([...wanted.keys()]).catch((error: unknown) =>
      this.#parts.onError(error, 'the state of discovery could not be written'),
    );
  }

  /** What does not run is shown with what would make it run. */
  async #writeOff(running: readonly string[]): Promise<void> {
    const { read } = this.#parts.database;
    const off = this.enabled ? standard.filter(({ name }) => !running.includes(name)) : [];
    await providersStore.keepOnly(read, [...running, ...off.map(({ name }) => name)]);
    for (const { name, hint } of off)
      await providersStore.write(read, {
        ...{ name, kind: name, state: 'off', endpoint: null, last_event_at: null, last_error: null, failures: 0 },
        ...{ next_attempt_at: null, missing_rights: [], hint, updated_at: this.#parts.clock.now() },
      });
  }

  #wanted(): Map<string, { settings: unknown; make: () => Provider }> {
    const wanted = new Map<string, { settings: unknown; make: () => Provider }>();
    const { docker, mdns, kubernetes, http } = this.#settings;
    const sink: SightingSink = this.#intake!;
    const common = {
      sink,
      clock: this.#parts.clock,
      onState: (state: ProviderState) => this.#told(state),
      onScan: this.#parts.onScan,
    };
    if (!this.enabled) return wanted;
    if (docker.enabled) {
      const make = () =>
        createDockerProvider({ ...common, settings: docker, own_ids: ownContainerIds(), answers: answersHttp });
      wanted.set('docker', { settings: docker, make });
    }
    if (mdns.enabled && mdns.services.length > 0)
      wanted.set('mdns', { settings: mdns, make: () => createMdnsProvider({ ...common, settings: mdns }) });
    const access = kubernetes.enabled === 'false' ? null : kubeconfigPath(kubernetes.kubeconfig);
    if (access !== null) {
      const { context, namespaces, resync_ms } = kubernetes;
      const settings = { access, context, namespaces, resync_ms };
      wanted.set('kubernetes', { settings, make: () => createKubernetesProvider({ ...common, settings }) });
    }
    for (const settings of http)
      wanted.set(`http ${settings.url}`, {
        settings,
        make: () => createHttpProvider({ ...common, settings, fetch: this.#parts.fetch }),
      });
    return wanted;
  }

  /** Written a little later, since a state often changes more than once in a moment. */
  #told(state: ProviderState): void {
    this.#states.set(state.name, state);
    this.#unwritten.add(state.name);
    if (this.#intake === null) return;
    this.#timer ??= setTimeout(() => void this.#write(), writeMs).unref();
  }

  async #write(): Promise<void> {
    this.#timer = null;
    const names = [...this.#unwritten];
    this.#unwritten.clear();
    try {
      for (const name of names) {
        const state = this.#states.get(name);
        if (state === undefined || !this.#providers.has(name)) continue;
        const row = { ...state, missing_rights: [...state.missing_rights], updated_at: this.#parts.clock.now() };
        await providersStore.write(this.#parts.database.read, row);
      }
    } catch (error) {
      this.#parts.onError(error, 'the state of discovery could not be written');
    }
  }
}
