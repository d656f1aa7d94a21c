// biome-ignore-all lint/a11y/noSvgWithoutTitle: it is labelled, or hidden beside the fingerprint in letters.
import { cx } from './class-names.ts';
import { fingerprintShape, ridgePath } from './fingerprint-shape.ts';

/** A drawing of a fingerprint, for eyes that do not compare sixteen digits. */
export const FingerprintArt = ({
  fingerprint,
  size = 96,
  labelled,
  className,
}: {
  fingerprint: string;
  size?: number;
  /** Beside the fingerprint in letters it is decoration and silent. */
  labelled?: boolean;
  className?: string;
}) => {
  const shape = fingerprintShape(fingerprint);
  if (shape === null) return null;
  const ink = (hue: number) => `light-dark(oklch(0.5 0.13 ${hue}), oklch(0.8 0.12 ${hue}))`;
  return (
    <svg
      {...(labelled ? { role: 'img', 'aria-label': `Drawing of ${fingerprint}` } : { 'aria-hidden': true })}
      viewBox="0 0 100 100"
      width={size}
      height={size}
      className={cx('shrink-0 rounded-[14%]', className)}
      style={{ background: `light-dark(oklch(0.955 0.022 ${shape.hue}), oklch(0.26 0.035 ${shape.hue}))` }}
    >
      <circle cx="50" cy="50" r="2.5" style={{ fill: ink(shape.hue) }} />
      {shape.ridges.map((ridge) => (
        <path
          key={ridge.radius}
          d={ridgePath(ridge)}
          fill="none"
          strokeLinecap="round"
          strokeWidth={ridge.width}
          style={{ stroke: ink(ridge.other ? shape.otherHue : shape.hue) }}
        />
      ))}
    </svg>
  );
};
