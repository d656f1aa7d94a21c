import type { Clock } from '../../../platform/clock/clock.ts';
import { AppError, notFound } from '../../../platform/errors/app-error.ts';
import { ServiceRefusal } from '../../../platform/net/service-client.ts';
import { kubeconfigPath } from '../discovery/kubeconfig.ts';
import type { DockerEndpoint } from '../runtime/docker-api.ts';
import { DockerRuntime } from '../runtime/docker-runtime.ts';
import { KubernetesRuntime } from '../runtime/kubernetes-runtime.ts';
import { ActionFailed, NoContainer, NoRight, type Runtime } from '../runtime/runtime.ts';

export interface EngineSettings {
  runtime: 'auto' | 'docker' | 'kubernetes' | 'off';
  docker: DockerEndpoint;
  kubernetes: { kubeconfig: string | null; context: string | null; namespaces: readonly string[] };
}

const pingMs = 3000;
/** With `auto` a decision that rests on an engine that did not answer is thought over soon. */
const doubtMs = 10_000;

const turnOn = 'Turn it on: ATRIUM_CONTAINERS_RUNTIME=auto';
const nameFile = 'Name a kubeconfig: ATRIUM_DISCOVERY_KUBERNETES_KUBECONFIG=~/.kube/config';

const unavailable = (detail: string, hint: string | null, missing: readonly string[] = []): AppError =>
  new AppError('container_runtime_unavailable', hint === null ? detail : `${detail} ${hint}`, {
    extensions: { missing, hint },
  });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What to do about an engine that cannot be reached; what follows the first colon and space is the line to add. */
export const hintFor = (error: unknown): string | null => {
  switch ((error as { code?: string }).code) {
    case 'ENOENT':
      return 'In a container, mount the socket of the engine: -v /var/run/docker.sock:/var/run/docker.sock';
    case 'EACCES':
      return 'Let this user use the socket, which its group may: usermod -aG docker <user>';
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
      return 'Name the address of the engine: ATRIUM_DISCOVERY_DOCKER_ENDPOINT=tcp://socket-proxy:2375';
    default:
      return null;
  }
};

/** What a runtime threw, as callers are told it. */
export const engineError = (error: unknown, signal: AbortSignal): unknown => {
  if (error instanceof AppError || signal.aborted) return error;
  if (error instanceof NoContainer) return notFound('The container');
  if (error instanceof ActionFailed) return new AppError('container_action_failed', `${upper(error.message)}.`);
  if (error instanceof NoRight) {
    return unavailable(`The engine does not let this through: ${error.missing.join(', ')}.`, error.hint, error.missing);
  }
  const { code = '', name } = error as { code?: string; name?: string };
  const foreign = error instanceof ServiceRefusal || /^(?:E[A-Z]+|UND_ERR_|ERR_TLS|CERT_|DEPTH_ZERO)/.test(code);
  if (foreign || name === 'TimeoutError') {
    return unavailable(`The container engine does not answer as it should: ${messageOf(error)}.`, hintFor(error));
  }
  return error;
};

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');

/** The engine that the settings name, connected when it is first needed. */
export class Engine {
  readonly #clock: Clock;
  #settings: EngineSettings;
  #docker: DockerRuntime | null = null;
  #kubernetes: KubernetesRuntime | null = null;
  #chosen: { runtime: Runtime; until: number } | null = null;

  constructor(settings: EngineSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  get off(): boolean {
    return this.#settings.runtime === 'off';
  }

  async reconfigure(settings: EngineSettings): Promise<void> {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return;
    this.#settings = settings;
    await this.close();
  }

  /** Throws `container_runtime_unavailable` when there is none. */
  async runtime(): Promise<Runtime> {
    const { runtime } = this.#settings;
    if (runtime === 'off') throw unavailable('Containers are switched off on this server.', turnOn);
    if (runtime === 'docker') return this.#asDocker();
    if (runtime === 'kubernetes') {
      const cluster = this.#asKubernetes();
      if (cluster === null) throw unavailable('There is no kubeconfig that this server could read.', nameFile);
      return cluster;
    }
    if (this.#chosen !== null && this.#chosen.until > performance.now()) return this.#chosen.runtime;
    this.#chosen = await this.#choose();
    return this.#chosen.runtime;
  }

  async close(): Promise<void> {
    const open = [this.#docker, this.#kubernetes];
    this.#docker = null;
    this.#kubernetes = null;
    this.#chosen = null;
    await Promise.all(open.map((one) => one?.close()));
  }

  async #choose(): Promise<{ runtime: Runtime; until: number }> {
    const docker = this.#asDocker();
    try {
      await docker.ping(AbortSignal.timeout(pingMs));
      return { runtime: docker, until: Number.POSITIVE_INFINITY };
    } catch {
      return { runtime: this.#asKubernetes() ?? docker, until: performance.now() + doubtMs };
    }
  }

  #asDocker(): DockerRuntime {
    this.#docker ??= new DockerRuntime(this.#settings.docker, this.#clock);
    return this.#docker;
  }

  #asKubernetes(): KubernetesRuntime | null {
    const { kubeconfig, ...settings } = this.#settings.kubernetes;
    const access = kubeconfigPath(kubeconfig);
    if (access === null) return null;
    this.#kubernetes ??= new KubernetesRuntime({ access, ...settings }, this.#clock);
    return this.#kubernetes;
  }
}
