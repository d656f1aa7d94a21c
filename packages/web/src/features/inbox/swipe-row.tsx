// biome-ignore-all lint/a11y/noStaticElementInteractions: the gesture is one more way; the row's menu and keys do the same.
import type { ReactNode } from 'react';
import { useRef, useState } from 'react';
import { cx } from '../../ui/class-names.ts';

interface Side {
  label: string;
  icon: ReactNode;
  tone: 'accent' | 'info';
  run: () => void;
}

const enough = 84;

/** A row that a finger pushes aside: far enough does what the uncovered side says. */
export const SwipeRow = ({ right, left, children }: { right: Side; left: Side | null; children: ReactNode }) => {
  const start = useRef<{ x: number; y: number; sideways: boolean } | null>(null);
  const [offset, setOffset] = useState(0);
  const moved = useRef(false);
  const side = offset > 0 ? right : offset < 0 ? left : null;
  const end = () => {
    if (side && Math.abs(offset) >= enough) {
      navigator.vibrate?.(8);
      side.run();
    }
    start.current = null;
    setOffset(0);
  };
  return (
    <div
      className="relative h-full touch-pan-y overflow-hidden"
      onPointerDown={(event) => {
        moved.current = false;
        if (event.pointerType === 'touch') start.current = { x: event.clientX, y: event.clientY, sideways: false };
      }}
      onPointerMove={(event) => {
        const from = start.current;
        if (!from) return;
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        if (!from.sideways && Math.abs(dx) > 12 && Math.abs(dx) > Math.abs(dy) * 1.5) {
          from.sideways = true;
          moved.current = true;
          event.currentTarget.setPointerCapture(event.pointerId);
        }
        if (from.sideways) setOffset(dx > 0 || left ? Math.max(-140, Math.min(140, dx)) : 0);
      }}
      onPointerUp={end}
      onPointerCancel={() => {
        start.current = null;
        setOffset(0);
      }}
      onClickCapture={(event) => {
        if (!moved.current) return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {side && (
        <span
          aria-hidden
          className={cx(
            'absolute inset-0 flex items-center gap-2 px-5 text-13 font-medium [&_svg]:size-5',
            offset < 0 && 'flex-row-reverse',
            Math.abs(offset) >= enough
              ? side.tone === 'accent'
                ? 'bg-accent text-on-accent'
                : 'bg-info-soft text-info-text'
              : 'bg-active text-text-2',
          )}
        >
          {side.icon}
          {side.label}
        </span>
      )}
      <div
        className={cx('relative h-full bg-surface', offset === 0 && 'transition-transform')}
        style={offset === 0 ? undefined : { transform: `translateX(${offset}px)` }}
      >
        {children}
      </div>
    </div>
  );
};
