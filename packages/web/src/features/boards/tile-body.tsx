import type { AppContainer, AppView, appsFigures, BoardItem, OutputOf } from '@atrium/protocol';
import { EyeOff, Link2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from '../../ui/class-names.ts';
import { memory, percent, stateWords } from '../containers/container-words.ts';
import { AppIcon } from '../gateway/app-icon.tsx';
import { placeOf, shortAddress } from '../gateway/gateway-words.ts';
import { HealthMark } from '../gateway/health-mark.tsx';
import { itemName } from './arranging.ts';

export type Figures = OutputOf<typeof appsFigures>['items'][number];

/** What tiles show beside what the board itself says. */
export interface TileFacts {
  containers: ReadonlyMap<string, AppContainer>;
  figures: ReadonlyMap<string, Figures>;
  /** Days of the figures; empty where one may not see them. */
  days: readonly string[];
}

export const tileGrid =
  'grid auto-rows-[calc(76px*var(--font-scale))] grid-flow-row-dense grid-cols-[repeat(auto-fill,minmax(min(100%,164px),1fr))] gap-3 md:grid-cols-[repeat(auto-fill,minmax(216px,1fr))]';
export const tileSpan = (item: BoardItem): string => (item.size === 'wide' ? 'col-span-2 row-span-2' : '');
export const tileShape =
  'flex h-full w-full flex-col rounded-card border border-line bg-surface text-left transition-colors';

/** A tile in little: what it is and how it is. A wide one is an instrument: figures, days and what it runs in. */
export const TileBody = ({ item, facts }: { item: BoardItem; facts: TileFacts }) => {
  const wide = item.size === 'wide';
  const app = item.kind === 'app' ? item.app : null;
  const container = app ? facts.containers.get(app.slug) : undefined;
  const shows = (widget: string): boolean =>
    item.kind === 'app' && wide && item.widgets.includes(widget as (typeof item.widgets)[number]);
  return (
    <>
      <span className={cx('flex min-w-0 items-center gap-3', wide ? 'px-4 pt-4' : 'h-full px-3.5')}>
        <ItemIcon item={item} size={wide ? 40 : 36} />
        <span className="flex min-w-0 flex-1 flex-col">
          <span
            dir="auto"
            className={cx(
              'truncate text-left text-14 font-medium',
              item.kind === 'app' && !app ? 'text-text-3' : 'text-text',
            )}
          >
            {itemName(item)}
          </span>
          <span className="flex min-w-0 items-center gap-2 text-12 text-text-3">
            {item.kind === 'link' ? (
              <span dir="auto" className="truncate">
                {item.description || shortAddress(item.url)}
              </span>
            ) : app ? (
              <AppLine app={app} container={container} wide={wide} />
            ) : (
              <span className="truncate">You may not open it now</span>
            )}
          </span>
        </span>
      </span>
      {wide && app && (
        <span className="mt-auto flex min-w-0 flex-col gap-2 px-4 pb-3.5">
          {shows('requests') && facts.days.length > 0 && (
            <Requests figures={facts.figures.get(app.slug)} days={facts.days} />
          )}
          {(shows('health') || shows('container')) && (
            <span className="flex min-w-0 items-center gap-3 text-12 text-text-2">
              {shows('health') && <HealthMark status={app.status} latency={app.latency_ms} />}
              {shows('container') && <ContainerUse container={container} />}
            </span>
          )}
          {item.kind === 'app' && item.widgets.length === 0 && app.description && (
            <span dir="auto" className="line-clamp-2 text-left text-13 text-text-2">
              {app.description}
            </span>
          )}
        </span>
      )}
      {wide && item.kind === 'link' && item.description && (
        <span className="mt-auto truncate px-4 pb-3.5 text-13 text-text-3">{shortAddress(item.url)}</span>
      )}
    </>
  );
};

const drawn = (size: number) => ({ strokeWidth: 1.75, style: { width: size * 0.5, height: size * 0.5 } });

const ItemIcon = ({ item, size = 36 }: { item: BoardItem; size?: number }) =>
  (item.kind === 'link' ? item.icon === '' : item.app === null) ? (
    <span
      aria-hidden
      className="inline-flex shrink-0 items-center justify-center rounded-[24%] bg-sunken text-text-3 shadow-[inset_0_0_0_1px_var(--line)]"
      style={{ width: size, height: size }}
    >
      {item.kind === 'link' ? <Link2 {...drawn(size)} /> : <EyeOff {...drawn(size)} />}
    </span>
  ) : (
    <AppIcon icon={item.kind === 'link' ? item.icon : (item.app?.icon ?? '')} name={itemName(item)} size={size} />
  );

const AppLine = ({ app, container, wide }: { app: AppView; container: AppContainer | undefined; wide: boolean }) => {
  if (!wide)
    return (
      <>
        <HealthMark status={app.status} latency={app.latency_ms} />
        {container && container.container.state !== 'running' && (
          <span className="truncate">{stateWords[container.container.state].label}</span>
        )}
      </>
    );
  return (
    <span dir="auto" className="truncate">
      {placeOf(app)}
    </span>
  );
};

/** Requests of today in a number, those of the days before as bars beside it. */
const Requests = ({ figures, days }: { figures: Figures | undefined; days: readonly string[] }) => {
  const requests = figures?.requests ?? days.map(() => 0);
  const today = requests.at(-1) ?? 0;
  const failed = figures?.errors.at(-1) ?? 0;
  const mean = figures?.mean_ms.at(-1) ?? null;
  return (
    <span className="flex min-w-0 items-end justify-between gap-4">
      <span className="flex min-w-0 flex-col">
        <span className="tabular text-20 leading-none font-semibold text-text">{today.toLocaleString('en')}</span>
        <span className="tabular mt-1 truncate text-12 text-text-3">
          {today === 1 ? 'request today' : 'requests today'}
          {failed > 0 && <span className="text-danger-text"> · {failed.toLocaleString('en')} failed</span>}
          {failed === 0 && mean !== null && ` · ${Math.round(mean).toLocaleString('en')} ms`}
        </span>
      </span>
      <Bars values={requests} />
    </span>
  );
};

const barHeight = 32;
const Bars = ({ values }: { values: readonly number[] }) => {
  const most = Math.max(1, ...values);
  return (
    <svg aria-hidden width={values.length * 9 - 3} height={barHeight} className="shrink-0 overflow-visible">
      {values.map((value, index) => {
        const height = value === 0 ? 1 : Math.max(3, (value / most) * barHeight);
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place.
            key={index}
            x={index * 9}
            y={barHeight - height}
            width={6}
            height={height}
            rx={1.5}
            className={index === values.length - 1 ? 'fill-accent' : 'fill-control opacity-55'}
          />
        );
      })}
    </svg>
  );
};

const ContainerUse = ({ container }: { container: AppContainer | undefined }): ReactNode => {
  if (!container) return null;
  const { stats } = container;
  if (container.container.state !== 'running')
    return <span className="text-text-3">{stateWords[container.container.state].label}</span>;
  return (
    <span className="tabular ml-auto flex items-center gap-3 text-text-3">
      {stats?.cpu_percent != null && (
        <span>
          CPU <span className="text-text-2">{percent(stats.cpu_percent)}</span>
        </span>
      )}
      {stats?.memory_bytes != null && (
        <span>
          RAM <span className="text-text-2">{memory(stats.memory_bytes)}</span>
        </span>
      )}
    </span>
  );
};
