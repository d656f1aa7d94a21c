import { CircleAlert, CircleCheck, Info, X } from 'lucide-react';
import { Toast as Radix } from 'radix-ui';
import { useRef } from 'react';
import { createExternalStore, useExternalStore } from './external-store.ts';

interface ToastEntry {
  key: number;
  open: boolean;
  title: string;
  detail?: string;
  tone: 'neutral' | 'success' | 'danger';
  /** Shows "Undo" for ten seconds. */
  undo?: () => void;
  /** Runs once when the toast is gone and was not undone. */
  onSettled?: () => void;
}

const entries = createExternalStore<readonly ToastEntry[]>([]);
let nextKey = 1;

export type ToastInput = Partial<Pick<ToastEntry, 'detail' | 'tone' | 'undo' | 'onSettled'>> & { title: string };

/** Says what happened. Returns a function that takes the toast back. */
export const toast = (input: ToastInput): (() => void) => {
  const key = nextKey++;
  for (const pushedOut of entries.get().slice(0, -2)) settle(pushedOut.key);
  entries.set((current) => [...current, { key, open: true, tone: 'neutral', ...input }]);
  return () => close(key);
};

// Radix reports the close of an undone toast as well, so undoing drops `onSettled` first.
const undo = (entry: ToastEntry): void => {
  const { onSettled: _settled, ...rest } = entry;
  entries.set((current) => current.map((other) => (other.key === entry.key ? rest : other)));
  entry.undo?.();
  close(entry.key);
};

const settle = (key: number): void => {
  const entry = entries.get().find((other) => other.key === key);
  if (!entry?.open) return;
  close(key);
  entry.onSettled?.();
};

const close = (key: number): void => {
  entries.set((current) => current.map((entry) => (entry.key === key ? { ...entry, open: false } : entry)));
  // The exit animation needs the element for a moment longer.
  setTimeout(() => entries.set((current) => current.filter((entry) => entry.key !== key)), 200);
};

const icons = { neutral: Info, success: CircleCheck, danger: CircleAlert };
const iconTones = { neutral: 'text-text-3', success: 'text-success-text', danger: 'text-danger-text' };

export const Toaster = () => (
  <Radix.Provider duration={6000} swipeDirection="right">
    {useExternalStore(entries).map((entry) => (
      <Entry key={entry.key} entry={entry} />
    ))}
    {/* On the phone at the top: answers are given at the bottom. */}
    <Radix.Viewport className="fixed right-4 bottom-4 z-50 flex w-[min(380px,calc(100vw-32px))] flex-col gap-2 outline-none max-md:top-[calc(8px+env(safe-area-inset-top))] max-md:bottom-auto" />
  </Radix.Provider>
);

const Entry = ({ entry }: { entry: ToastEntry }) => {
  const Icon = icons[entry.tone];
  const root = useRef<HTMLLIElement>(null);
  const elsewhere = useRef(false);
  return (
    <Radix.Root
      ref={root}
      onEscapeKeyDown={() => {
        // Escape in a dialog closes that; the undo stays as long as it was promised.
        elsewhere.current = root.current?.contains(document.activeElement) !== true;
      }}
      open={entry.open}
      type={entry.tone === 'danger' ? 'foreground' : 'background'}
      duration={entry.undo || entry.tone === 'danger' ? 10_000 : 5_000}
      onOpenChange={(open) => {
        if (!open && !elsewhere.current) settle(entry.key);
        elsewhere.current = false;
      }}
      className="floating flex items-start gap-2.5 py-2.5 pr-2 pl-3 data-[state=closed]:animate-fade-out data-[state=open]:animate-dialog-in data-[swipe=end]:animate-fade-out data-[swipe=move]:translate-x-(--radix-toast-swipe-move-x)"
    >
      <Icon aria-hidden className={`mt-[3px] size-4 shrink-0 ${iconTones[entry.tone]}`} />
      <div className="min-w-0 flex-1">
        <Radix.Title className="text-14 font-medium text-text">{entry.title}</Radix.Title>
        {entry.detail && <Radix.Description className="text-13 text-text-2">{entry.detail}</Radix.Description>}
      </div>
      {entry.undo && (
        <Radix.Action altText="Undo" asChild>
          <button
            type="button"
            onClick={() => undo(entry)}
            className="h-7 shrink-0 rounded-control px-2 text-13 font-semibold text-accent-text hover:bg-hover touch:h-9"
          >
            Undo
          </button>
        </Radix.Action>
      )}
      <Radix.Close
        aria-label="Dismiss"
        className="flex size-7 shrink-0 items-center justify-center rounded-control text-text-3 hover:bg-hover hover:text-text touch:size-9"
      >
        <X className="size-4" />
      </Radix.Close>
    </Radix.Root>
  );
};
