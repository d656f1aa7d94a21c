import type { Device } from '@atrium/protocol';
import { deviceIcon } from './device-words.ts';

/** A device: an outlined icon of its kind, so that one always sees who is a machine. */
export const DeviceMark = ({ device, size = 22 }: { device: Device; size?: number }) => {
  const Icon = deviceIcon(device);
  return (
    <span
      aria-hidden
      className="inline-flex shrink-0 items-center justify-center rounded-[22%] border border-line-strong text-text-2"
      style={{ width: size, height: size }}
    >
      <Icon strokeWidth={1.75} style={{ width: size * 0.58, height: size * 0.58 }} />
    </span>
  );
};
