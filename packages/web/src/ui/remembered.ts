import { useCallback, useState } from 'react';

/** Reads JSON from local storage; the fallback when it is absent, broken or storage is denied. */
export const readRemembered = <T>(key: string, fallback: T): T => {
  try {
    const text = localStorage.getItem(`atrium.${key}`);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
};

export const writeRemembered = (key: string, value: unknown): void => {
  try {
    localStorage.setItem(`atrium.${key}`, JSON.stringify(value));
  } catch {
    // A full or denied storage costs the memory of a choice, nothing else.
  }
};

/** State that this browser remembers under `key`. */
export const useRemembered = <T>(key: string, fallback: T): [T, (next: T) => void] => {
  const [value, setValue] = useState<T>(() => readRemembered(key, fallback));
  const set = useCallback(
    (next: T) => {
      setValue(next);
      writeRemembered(key, next);
    },
    [key],
  );
  return [value, set];
};
