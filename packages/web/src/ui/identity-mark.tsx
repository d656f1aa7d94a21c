// biome-ignore-all lint/a11y/noSvgWithoutTitle: the mark is labelled or hidden by its spread attributes.
import { Cpu, Server, Settings2 } from 'lucide-react';
import { cx } from './class-names.ts';
import { identityGlyph, identityHue, initials } from './identity-hash.ts';

interface MarkProps {
  id: string;
  name: string;
  size?: number;
  /** Beside its written name a mark is decoration and silent. */
  labelled?: boolean;
  className?: string;
}

const voice = (labelled: boolean | undefined, name: string) =>
  labelled ? ({ role: 'img', 'aria-label': name } as const) : ({ 'aria-hidden': true } as const);

/** A person: initials in a circle. */
export const Avatar = ({ id, name, size = 24, labelled, className }: MarkProps) => (
  <span
    {...voice(labelled, name)}
    title={labelled ? name : undefined}
    className={cx(
      'inline-flex shrink-0 items-center justify-center rounded-full font-semibold text-[oklch(0.99_0_0)] select-none',
      className,
    )}
    style={{
      width: size,
      height: size,
      fontSize: Math.max(9, size * 0.4),
      background: `oklch(0.5 0.085 ${identityHue(id)})`,
    }}
  >
    {initials(name)}
  </span>
);

/** An agent: a deterministic mirrored glyph on a square, so that one always sees who is a machine. */
export const AgentMark = ({ id, name, size = 24, labelled, className }: MarkProps) => {
  const hue = identityHue(id);
  return (
    <svg
      {...voice(labelled, name)}
      viewBox="0 0 7 7"
      width={size}
      height={size}
      shapeRendering="crispEdges"
      className={cx('shrink-0 rounded-[22%]', className)}
      style={{
        background: `light-dark(oklch(0.93 0.045 ${hue}), oklch(0.32 0.06 ${hue}))`,
        color: `light-dark(oklch(0.52 0.13 ${hue}), oklch(0.82 0.115 ${hue}))`,
      }}
    >
      {identityGlyph(id).flatMap((row, y) =>
        row.map(
          // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its position.
          (set, x) => set && <rect key={`${x}${y}`} x={x + 1} y={y + 1} width="1" height="1" fill="currentColor" />,
        ),
      )}
    </svg>
  );
};

const machineIcons = { device: Cpu, service: Server, system: Settings2 };

/** The mark of any principal: circle for people, glyph for agents, outlined icon for devices, services and the system. */
export const PrincipalMark = ({
  type,
  ...mark
}: MarkProps & { type: 'user' | 'agent' | 'device' | 'service' | 'system' }) => {
  if (type === 'user') return <Avatar {...mark} />;
  if (type === 'agent') return <AgentMark {...mark} />;
  const Icon = machineIcons[type];
  const size = mark.size ?? 24;
  return (
    <span
      {...voice(mark.labelled, mark.name)}
      className={cx(
        'inline-flex shrink-0 items-center justify-center rounded-[22%] border border-line-strong text-text-2',
        mark.className,
      )}
      style={{ width: size, height: size }}
    >
      <Icon style={{ width: size * 0.6, height: size * 0.6 }} />
    </span>
  );
};
