import type { ProviderPreset } from '@atrium/protocol';
import { cx } from '../../ui/class-names.ts';

/** First letter in the shape of a seal: the marks of other houses are theirs, and loading them would tell them who signs in. */
export const ProviderMark = ({ name, size = 20 }: { name: string; preset?: ProviderPreset; size?: 20 | 28 }) => (
  <span
    aria-hidden
    className={cx(
      'inline-flex shrink-0 items-center justify-center rounded-[5px] border border-line-strong bg-sunken font-semibold text-text-2',
      size === 20 ? 'size-5 text-12' : 'size-7 text-13',
    )}
  >
    {[...name][0]?.toUpperCase()}
  </span>
);
