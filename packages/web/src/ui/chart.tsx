import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useActiveTheme } from './theme.ts';

export interface Series {
  label: string;
  /** Same length as `times`; null = nothing measured. */
  values: readonly (number | null)[];
  tone?: 'accent' | 'info' | 'success' | 'warning' | 'danger' | 'quiet';
}

interface ChartProps {
  /** What the chart shows, for people who cannot see it. */
  label: string;
  /** Unix seconds, ascending. */
  times: readonly number[];
  series: readonly Series[];
  kind?: 'line' | 'bars';
  height?: number;
  unit?: string;
  /** Charts with the same key share the crosshair. */
  sync?: string;
}

const toneVariables = {
  accent: '--accent',
  info: '--info',
  success: '--success',
  warning: '--warning',
  danger: '--danger',
  quiet: '--control',
};
const defaultTones = ['accent', 'info', 'success', 'danger', 'quiet'] as const;
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

const themeColour = (variable: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(variable).trim();

// Midnight carries the date, so that one line of labels says both.
const timeLabel = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return date.getHours() === 0 && date.getMinutes() === 0
    ? date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    : date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
};

/** color-mix() values are no canvas colours: let the browser compute them on an element first. */
const computedColour = (variable: string): string => {
  const probe = document.createElement('span');
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
};

const day = 86_400;
/** One point a day has nothing to say about hours. */
const isDaily = (times: readonly number[]): boolean => times.length > 1 && times[1]! - times[0]! >= day - 3600;

/** Half a bar more at both ends, so that the first and the last one are as wide as the others. */
const wholeBars = (times: readonly number[], first: number, last: number): [number, number] => {
  const half = times.length > 1 ? (times[1]! - times[0]!) / 2 : 1800;
  return [first - half, last + half];
};

const options = (element: HTMLElement, props: ChartProps): uPlot.Options => {
  const { series, kind = 'line', height = 180, unit, sync } = props;
  const grid = computedColour('--line');
  const text = computedColour('--text-3');
  const font = `11px ${themeColour('--sans')}`;
  const format = (value: number | null) => (value === null ? '–' : `${compact.format(value)}${unit ? ` ${unit}` : ''}`);
  const colours = series.map((entry, index) =>
    computedColour(toneVariables[entry.tone ?? defaultTones[index % defaultTones.length]!]),
  );
  return {
    width: element.clientWidth,
    height,
    padding: [10, kind === 'line' ? 84 : 22, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, ...(sync ? { sync: { key: sync } } : {}) },
    // Bars measure from zero; lines include it as well, so that two panels compare.
    scales: {
      ...(kind === 'bars' ? { x: { range: (_plot, first, last) => wholeBars(props.times, first, last) } } : {}),
      y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] },
    },
    axes: [
      {
        stroke: text,
        font,
        grid: { show: false },
        ticks: { show: false },
        size: 26,
        space: 70,
        values: (_plot, ticks) => ticks.map(timeLabel),
        ...(isDaily(props.times) ? { incrs: [1, 2, 5, 7, 14, 30].map((days) => days * day) } : {}),
      },
      {
        stroke: text,
        font,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        size: 44,
        space: 44,
        values: (_plot, ticks) => ticks.map((tick) => compact.format(tick)),
      },
    ],
    series: [
      {},
      ...series.map((entry, index) => ({
        label: entry.label,
        stroke: colours[index]!,
        width: kind === 'line' ? 1.75 : 0,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => format(value),
        ...(kind === 'bars'
          ? { paths: uPlot.paths.bars!({ size: [0.7, 28], radius: 0.15 }), fill: colours[index]! }
          : {}),
      })),
    ],
    hooks: {
      draw: kind === 'line' ? [labelLines(series, colours, font)] : [],
      setCursor: [readout(element, props, format)],
    },
  };
};

// Each line carries its name at its last point; names that would overlap are pushed apart.
const labelLines = (series: readonly Series[], colours: string[], font: string) => (plot: uPlot) => {
  const ratio = devicePixelRatio;
  const labels = series
    .map((entry, index) => {
      const last = entry.values.findLast((value) => value !== null) ?? 0;
      return { text: entry.label, colour: colours[index]!, y: plot.valToPos(last, 'y', true) };
    })
    .toSorted((first, second) => first.y - second.y);
  plot.ctx.save();
  plot.ctx.font = font.replace('11px', `${12 * ratio}px`);
  plot.ctx.textBaseline = 'middle';
  plot.ctx.textAlign = 'left';
  let floor = Number.NEGATIVE_INFINITY;
  for (const entry of labels) {
    const y = Math.max(entry.y, floor);
    floor = y + 15 * ratio;
    plot.ctx.fillStyle = entry.colour;
    plot.ctx.fillText(entry.text, plot.bbox.left + plot.bbox.width + 8 * ratio, y);
  }
  plot.ctx.restore();
};

const readout =
  (element: HTMLElement, { series, times }: ChartProps, format: (value: number | null) => string) =>
  (plot: uPlot) => {
    const box = element.querySelector<HTMLElement>('[data-readout]');
    if (!box) return;
    const index = plot.cursor.idx;
    box.hidden = index === null || index === undefined || (plot.cursor.left ?? -1) < 0;
    if (box.hidden) return;
    const at = new Date(times[index!]! * 1000).toLocaleString('en-GB', {
      day: 'numeric',
      month: 'short',
      ...(isDaily(times) ? {} : { hour: '2-digit', minute: '2-digit' }),
    });
    box.textContent = `${at}   ${series.map((entry) => `${entry.label} ${format(entry.values[index!] ?? null)}`).join('   ')}`;
  };

/** Series over time: crosshair shared by `sync`, names on the lines, colours of the theme. */
export const Chart = (props: ChartProps) => {
  const host = useRef<HTMLDivElement>(null);
  const theme = useActiveTheme();
  const { label, times, series, height = 180 } = props;
  const latest = useRef(props);
  latest.current = props;
  const shape = `${props.kind}:${height}:${props.unit}:${props.sync}:${series.map((entry) => `${entry.label}/${entry.tone}`).join()}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew when theme, data or shape change.
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const current = latest.current;
    const data: uPlot.AlignedData = [[...current.times], ...current.series.map((entry) => [...entry.values])];
    const plot = new uPlot(options(element, current), data, element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [theme, shape, times, series]);
  return (
    <figure
      className="relative min-w-0"
      role="img"
      aria-label={`${label}. ${series.map((entry) => `${entry.label}: last ${entry.values.findLast((value) => value !== null) ?? 'nothing'}`).join('. ')}`}
    >
      <div
        ref={host}
        className="relative w-full [&_.u-cursor-x]:border-control! [&_.u-select]:bg-active!"
        style={{ height }}
      >
        <div
          data-readout
          hidden
          className="tabular pointer-events-none absolute top-0 left-12 z-10 rounded-[5px] bg-raised px-1.5 py-0.5 text-12 whitespace-pre text-text-2 shadow-[0_0_0_1px_var(--line)]"
        />
      </div>
    </figure>
  );
};
