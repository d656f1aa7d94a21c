/** Who waits in this process for something to happen to a run, a call or whatever else has an id. */
export class IdWaiters {
  readonly #waiting = new Map<string, Set<() => void>>();

  wake(id: string): void {
    for (const tell of this.#waiting.get(id) ?? []) tell();
  }

  /** Resolves when something happened, when the time is over, or with the signal. Begin it before looking. */
  next(id: string, within_ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const mine = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, mine);
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        mine.delete(done);
        if (mine.size === 0 && this.#waiting.get(id) === mine) this.#waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(done, within_ms);
      mine.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }
}
