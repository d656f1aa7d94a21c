interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  timeStamp: number;
}

const named: Record<string, string> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ' ': 'space',
};

/** The chord of a key press as shortcuts spell it. Shift is named only with letters and named keys: `?` needs no `shift+`. */
export const chordOf = (press: Press): string => {
  const key = named[press.key] ?? press.key.toLowerCase();
  const parts = [
    (press.ctrlKey || press.metaKey) && 'mod',
    press.altKey && 'alt',
    press.shiftKey && (key.length > 1 || /[a-z]/.test(key)) && 'shift',
    key,
  ];
  return parts.filter(Boolean).join('+');
};

/** Matches presses against shortcuts, two-step sequences (`g i`, within a second) included. The first hit wins. */
export const createMatcher = () => {
  let before = { chord: '', at: Number.NEGATIVE_INFINITY };
  return {
    press<T extends { keys: string }>(press: Press, shortcuts: readonly T[]): T | undefined {
      const chord = chordOf(press);
      const sequence = press.timeStamp - before.at < 1000 ? `${before.chord} ${chord}` : '';
      const match = (sequence && shortcuts.find((entry) => entry.keys === sequence)) || undefined;
      if (match) {
        before = { chord: '', at: Number.NEGATIVE_INFINITY };
        return match;
      }
      const starts = shortcuts.some((entry) => entry.keys.startsWith(`${chord} `));
      before = { chord: starts ? chord : '', at: press.timeStamp };
      return shortcuts.find((entry) => entry.keys === chord);
    },
  };
};
