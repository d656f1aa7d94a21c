import type { Container, ContainerAction, ContainerStats } from '@atrium/protocol';
import type { Tone } from '../../ui/badge.tsx';

export type State = Container['state'];

export const stateWords: Record<State, { label: string; tone: Tone }> = {
  running: { label: 'Running', tone: 'success' },
  starting: { label: 'Starting', tone: 'info' },
  paused: { label: 'Paused', tone: 'warning' },
  stopped: { label: 'Stopped', tone: 'neutral' },
  failed: { label: 'Failed', tone: 'danger' },
};

export const stateOrder = ['running', 'starting', 'paused', 'stopped', 'failed'] as const satisfies readonly State[];

export const kindWords: Record<Container['kind'], string> = {
  container: 'Container',
  deployment: 'Deployment',
  stateful_set: 'Stateful set',
  pod: 'Pod',
};

export const actionWords: Record<ContainerAction, { verb: string; done: string; doing: string }> = {
  start: { verb: 'Start', done: 'Started', doing: 'Starting' },
  stop: { verb: 'Stop', done: 'Stopped', doing: 'Stopping' },
  restart: { verb: 'Restart', done: 'Restarted', doing: 'Restarting' },
};

/** A running one is judged by its own health check, where it has one. */
export const toneOf = ({ state, health }: Pick<Container, 'state' | 'health'>): Tone =>
  state === 'running' && health === 'unhealthy'
    ? 'danger'
    : state === 'running' && health === 'starting'
      ? 'info'
      : stateWords[state].tone;
export const wordOf = ({ state, health }: Pick<Container, 'state' | 'health'>): string =>
  state === 'running' && health === 'unhealthy' ? 'Unhealthy' : stateWords[state].label;

export const idles = ({ state }: Pick<Container, 'state'>): boolean => state === 'stopped' || state === 'failed';
export const mayAct = (container: Container, action: ContainerAction): boolean =>
  container.controllable && (action === 'start' ? idles(container) : !idles(container) && !container.own);

/** "8080 → 80": where it is reached, and what it listens on. */
export const portWords = ({ ports }: Pick<Container, 'ports'>): string => {
  const published = ports.filter((port) => port.public !== null);
  const shown = published.length > 0 ? published : ports;
  return shown
    .map((port) =>
      port.public === null || port.public === port.private ? `${port.private}` : `${port.public} → ${port.private}`,
    )
    .join(', ');
};

/** "grafana:11" of "registry.example/tools/grafana:11@sha256:…". */
export const shortImage = (image: string): string => image.replace(/@sha256:.*$/, '').replace(/^.*\//, '');

/** In steps of 1,024, as memory is given. */
export const memory = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toLocaleString('en', { maximumFractionDigits: value < 10 && unit > 1 ? 1 : 0 })} ${units[unit]}`;
};

export const percent = (value: number): string =>
  `${value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 })} %`;

export const memoryShare = ({ memory_bytes, memory_limit_bytes }: ContainerStats): number | null =>
  memory_bytes === null || memory_limit_bytes === null || memory_limit_bytes === 0
    ? null
    : Math.min(1, memory_bytes / memory_limit_bytes);

export const containerReads = [
  'containers.list',
  'containers.get',
  'containers.list_stats',
  'containers.stats',
  'apps.list_containers',
  'apps.container',
];
