import { createExternalStore, useExternalStore } from './external-store.ts';

const minute = createExternalStore(Date.now());
const second = createExternalStore(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

// One timer for the page, running only while something shows a time.
const watch = (store: typeof minute, listener: () => void): (() => void) => {
  const unsubscribe = store.subscribe(listener);
  watchers += 1;
  timer ??= setInterval(() => {
    const now = Date.now();
    second.set(now);
    if (now - minute.get() >= 15_000) minute.set(now);
  }, 1000);
  return () => {
    unsubscribe();
    watchers -= 1;
    if (watchers === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
};

const coarse = { ...minute, subscribe: (listener: () => void) => watch(minute, listener) };
const fine = { ...second, subscribe: (listener: () => void) => watch(second, listener) };

/** The time of day in ms, renewed each second, or every 15 s where nobody counts seconds. */
export const useNow = (resolution: 'second' | 'minute' = 'minute'): number =>
  useExternalStore(resolution === 'second' ? fine : coarse);
