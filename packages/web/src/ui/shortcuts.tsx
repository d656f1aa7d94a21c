import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Dialog } from './dialog.tsx';
import { createExternalStore, useExternalStore } from './external-store.ts';
import { Kbd } from './kbd.tsx';
import { createMatcher } from './shortcut-matcher.ts';

export interface Shortcut {
  /** `mod+k`, `shift+a`, `g i`, `?`. */
  keys: string;
  label: string;
  group: string;
  run: (event: KeyboardEvent) => void;
}

const registered = createExternalStore<readonly Shortcut[]>([]);
const matcher = createMatcher();

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
  !/^(checkbox|radio|button)$/.test((target as HTMLInputElement).type);

const floating = ['dialog', 'menu', 'listbox'];
const openFloating = floating.map((role) => `[role="${role}"][data-state="open"]`).join();
const inFloating = floating.map((role) => `[role="${role}"]`).join();
const pressable = 'a[href], button, summary, [role="button"], [role="combobox"], [role="tab"], [role="switch"]';

/** Starts the one listener of the page; returns its end. */
export const startShortcuts = (): (() => void) => {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const chord = event.ctrlKey || event.metaKey;
    if (typing(event.target) && !chord) return;
    // The path as it was when the key went down: what a dialog's own handler removed is still on it.
    const within = (selector: string): boolean =>
      event.composedPath().some((node) => node instanceof Element && node.matches(selector));
    // A dialog owns the keyboard, also for the key that just closed it; only chords such as the palette's reach past it.
    if (!chord && (document.querySelector(openFloating) || within(inFloating))) return;
    // Enter and space belong to the button that has the focus.
    if (!chord && (event.key === 'Enter' || event.key === ' ') && within(pressable)) return;
    // The newest registration wins: a page overrides the frame while it is there.
    const match = matcher.press(event, registered.get().toReversed());
    if (match) {
      event.preventDefault();
      match.run(event);
    }
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
};

/** Registers a shortcut while the component is mounted (and `enabled`). It shows in the `?` sheet. */
export const useShortcut = (
  keys: string,
  label: string,
  run: (event: KeyboardEvent) => void,
  options: { group?: string; enabled?: boolean } = {},
): void => {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  const { group = 'This page', enabled = true } = options;
  // Before anything is painted, so that no key is lost on what already stands on the screen.
  useLayoutEffect(() => {
    if (!enabled) return;
    const entry: Shortcut = { keys, label, group, run: (event) => latest.current(event) };
    registered.set((current) => [...current, entry]);
    return () => registered.set((current) => current.filter((other) => other !== entry));
  }, [keys, label, group, enabled]);
};

const openSheet = createExternalStore(false);
export const showShortcuts = (): void => openSheet.set(true);

/** The `?` sheet: every shortcut that works here and now, by group. */
export const ShortcutSheet = () => {
  const open = useExternalStore(openSheet);
  const shortcuts = useExternalStore(registered);
  useShortcut('?', 'Show shortcuts', showShortcuts, { group: 'Everywhere' });
  const [groups, setGroups] = useState<[string, Shortcut[]][]>([]);
  useEffect(() => {
    if (open)
      setGroups([
        ...Map.groupBy(new Map(shortcuts.map((entry) => [entry.keys, entry])).values(), (entry) => entry.group),
      ]);
  }, [open, shortcuts]);
  return (
    <Dialog open={open} onOpenChange={openSheet.set} title="Keyboard shortcuts" width="large">
      <div className="columns-1 gap-10 sm:columns-2">
        {groups.map(([group, entries]) => (
          <section key={group} className="mb-5 break-inside-avoid">
            <h3 className="mb-1 text-12 font-medium text-text-3">{group}</h3>
            <dl>
              {entries.map((entry) => (
                <div
                  key={entry.keys}
                  className="flex h-8 items-center justify-between gap-4 border-b border-line text-13 last:border-b-0"
                >
                  <dt className="text-text">{entry.label}</dt>
                  <dd>
                    <Kbd keys={entry.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
};
