// biome-ignore-all lint/suspicious/noArrayIndexKey: the lines never move.
// biome-ignore-all lint/a11y/useSemanticElements: a fieldset is for controls.
// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import { useMemo } from 'react';
import { cx } from './class-names.ts';
import { parseDiff } from './diff-lines.ts';

const tones = { added: 'bg-success-soft', removed: 'bg-danger-soft', context: '' };
const signs = { added: '+', removed: '−', context: ' ' };
const signTones = { added: 'text-success-text', removed: 'text-danger-text', context: 'text-text-3' };

/** Unified diff text with line numbers. */
export const DiffView = ({ diff, maxHeight = 480 }: { diff: string; maxHeight?: number }) => {
  const lines = useMemo(() => parseDiff(diff), [diff]);
  return (
    <div
      tabIndex={0}
      role="group"
      aria-label="Changes"
      className="overflow-auto rounded-control border border-line bg-raised font-mono text-12 leading-5"
      style={{ maxHeight }}
    >
      <div className="w-max min-w-full">
        {lines.map((line, index) => {
          if (line.kind === 'file' || line.kind === 'hunk') {
            return (
              <div
                key={index}
                className={cx(
                  'border-line px-3',
                  line.kind === 'file'
                    ? 'border-b bg-sunken py-1 font-medium text-text not-first:border-t'
                    : 'py-0.5 text-text-3',
                )}
              >
                {line.text}
              </div>
            );
          }
          return (
            <div key={index} className={cx('flex', tones[line.kind])}>
              <span aria-hidden className="w-10 shrink-0 pr-2 text-right text-text-3 select-none">
                {line.before}
              </span>
              <span aria-hidden className="w-10 shrink-0 pr-2 text-right text-text-3 select-none">
                {line.after}
              </span>
              <span className={cx('w-4 shrink-0 select-none', signTones[line.kind])}>
                <span aria-hidden>{signs[line.kind]}</span>
                {line.kind !== 'context' && <span className="sr-only">{line.kind}: </span>}
              </span>
              <span className="pr-4 whitespace-pre text-text">{line.text || ' '}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
};
