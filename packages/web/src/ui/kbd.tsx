import { cx } from './class-names.ts';

const apple = /mac|iphone|ipad/i.test(navigator.userAgent);
const names: Record<string, string> = {
  mod: apple ? '⌘' : 'Ctrl',
  shift: '⇧',
  alt: apple ? '⌥' : 'Alt',
  enter: '↵',
  escape: 'Esc',
  space: 'Space',
  up: '↑',
  down: '↓',
};

/** `mod+k` is a chord, `g i` a sequence. */
export const Kbd = ({ keys, inverted = false }: { keys: string; inverted?: boolean }) => (
  <span className="inline-flex items-center gap-1 touch:hidden">
    {keys.split(' ').map((chord) => (
      <span key={chord} className="inline-flex gap-0.5">
        {chord.split('+').map((key) => (
          <kbd
            key={key}
            className={cx(
              'inline-flex h-[18px] min-w-[18px] items-center justify-center rounded-[4px] px-1 font-sans text-11 font-medium',
              inverted ? 'bg-surface/20 text-surface' : 'border border-line-strong bg-raised text-text-2',
            )}
          >
            {names[key] ?? (key.length === 1 ? key.toUpperCase() : key)}
          </kbd>
        ))}
      </span>
    ))}
  </span>
);
