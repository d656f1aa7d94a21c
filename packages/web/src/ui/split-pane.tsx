// biome-ignore-all lint/a11y/useSemanticElements: an <hr> cannot be dragged.
import { type ReactNode, useRef } from 'react';
import { useRemembered } from './remembered.ts';

interface SplitPaneProps {
  /** Key under which the width is remembered. */
  id: string;
  list: ReactNode;
  detail: ReactNode;
  /** Width of the list in px. */
  initial?: number;
  min?: number;
  max?: number;
}

/** List and detail side by side; the divider moves by pointer and arrow keys and remembers its place. */
export const SplitPane = ({ id, list, detail, initial = 460, min = 320, max = 720 }: SplitPaneProps) => {
  const [width, setWidth] = useRemembered(`split.${id}`, initial);
  const pane = useRef<HTMLDivElement>(null);
  const clamp = (value: number) => Math.round(Math.min(max, Math.max(min, value)));
  return (
    <div className="flex h-full min-h-0">
      <div ref={pane} className="min-w-0 shrink-0 overflow-hidden" style={{ width: clamp(width) }}>
        {list}
      </div>
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label="Resize list"
        aria-valuenow={clamp(width)}
        aria-valuemin={min}
        aria-valuemax={max}
        tabIndex={0}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowLeft' ? -24 : event.key === 'ArrowRight' ? 24 : 0;
          if (step === 0) return;
          event.preventDefault();
          setWidth(clamp(width + step));
        }}
        onDoubleClick={() => setWidth(initial)}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={(event) => {
          if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
          setWidth(clamp(event.clientX - (pane.current?.getBoundingClientRect().left ?? 0)));
        }}
        className="group relative w-px shrink-0 cursor-col-resize touch-none bg-line outline-none"
      >
        <span className="absolute inset-y-0 -left-1 w-2 transition-colors group-hover:bg-accent-line group-focus-visible:bg-focus group-active:bg-accent-line" />
      </div>
      <div className="min-w-0 flex-1 overflow-hidden">{detail}</div>
    </div>
  );
};
