import { describe, expect, it } from 'vitest';
import { until } from '../../../../test/support/until.ts';
import { NoContainer, NoRight, type Runtime, type RuntimeLine } from './runtime.ts';

/** What a test does to the engine behind a runtime. */
export interface EngineInHand {
  runtime: () => Runtime;
  /** Makes one that runs; gives its id. */
  make: (name: string) => string;
  /** Starts or stops it elsewhere. */
  turn: (name: string, on: boolean) => void;
  remove: (name: string) => void;
  write: (name: string, text: string) => string;
  /** Ends open streams of its log, while it runs on. */
  cutLogs: (name: string) => void;
  /** Takes the right to act away. */
  forbidActs: () => void;
  allowActs: () => void;
  /** An id that an engine of this kind could have. */
  unknown: string;
}

const signal = new AbortController().signal;

/** What every container engine must do for Atrium. */
export const runtimeSuite = (name: string, engine: EngineInHand): void => {
  const { make, turn, write } = engine;
  const state = async (id: string) => (await engine.runtime().inspect(id, signal)).state;
  const texts = async (id: string, tail: number | 'all', since: string | null = null): Promise<string[]> => {
    const lines: string[] = [];
    const wishes = { tail, follow: false, since };
    for await (const line of engine.runtime().logs(id, wishes, signal)) lines.push(line.text);
    return lines;
  };

  describe(`containers of ${name}`, () => {
    it('are listed with those that are stopped, and inspected', async () => {
      const id = make('listed');
      make('standing');
      turn('standing', false);
      const all = await engine.runtime().list(signal);
      expect(all.find((one) => one.id === id)).toMatchObject({
        name: 'listed',
        state: 'running',
        image: 'example/app:1',
      });
      expect(all.find((one) => one.name === 'standing')).toMatchObject({ state: 'stopped' });
      const one = await engine.runtime().inspect(id, signal);
      expect(one).toMatchObject({ id, name: 'listed', environment: [{ name: 'GREETING', value: 'hello' }] });
      expect(one.started_at).not.toBeNull();
    });

    it('are stopped, started and restarted, and doing so twice is no failure', async () => {
      const id = make('acted-on');
      await engine.runtime().act(id, 'stop', 3, signal);
      expect(await state(id)).toBe('stopped');
      await engine.runtime().act(id, 'stop', 3, signal);
      await engine.runtime().act(id, 'start', 3, signal);
      expect(await state(id)).toBe('running');
      await engine.runtime().act(id, 'start', 3, signal);
      await engine.runtime().act(id, 'restart', 3, signal);
      expect(await state(id)).toBe('running');
    });

    it('that are not there are said to be none', async () => {
      const { unknown } = engine;
      await expect(engine.runtime().inspect(unknown, signal)).rejects.toThrow(NoContainer);
      await expect(engine.runtime().act(unknown, 'start', 1, signal)).rejects.toThrow(NoContainer);
      await expect(engine.runtime().usage(unknown, signal)).rejects.toThrow(NoContainer);
      await expect(texts(unknown, 10)).rejects.toThrow(NoContainer);
      await expect(engine.runtime().inspect('no-such-thing', signal)).rejects.toThrow(NoContainer);
    });

    it('tell what they use', async () => {
      const usage = await engine.runtime().usage(make('measured'), signal);
      expect(usage.cpu_percent).toBeGreaterThan(0);
      expect(usage.memory_bytes).toBeGreaterThan(1_000_000);
    });

    it('give the last lines of their log, or those since a moment', async () => {
      const id = make('writes');
      write('writes', 'one');
      const second = write('writes', 'two');
      write('writes', 'three');
      expect(await texts(id, 'all')).toEqual(['one', 'two', 'three']);
      expect(await texts(id, 2)).toEqual(['two', 'three']);
      expect(await texts(id, 0)).toEqual([]);
      expect(await texts(id, 'all', second)).toEqual(['two', 'three']);
    });

    it('are followed line by line until they stop, with a time on each line', async () => {
      const id = make('followed');
      const lines: RuntimeLine[] = [];
      write('followed', 'before');
      const reading = (async () => {
        const wishes = { tail: 10, follow: true, since: null };
        for await (const line of engine.runtime().logs(id, wishes, signal)) lines.push(line);
      })();
      await until(() => lines.length === 1, 'the first line');
      const at = write('followed', 'after');
      await until(() => lines.length === 2, 'the line that was written meanwhile');
      expect(lines.map(({ text }) => text)).toEqual(['before', 'after']);
      expect(lines[1]!.at).toBe(at);
      turn('followed', false);
      await reading;
    });

    it('end the reading of a log when nobody wants it any more', async () => {
      const id = make('left');
      const stop = new AbortController();
      const reading = (async () => {
        for await (const _ of engine.runtime().logs(id, { tail: 0, follow: true, since: null }, stop.signal));
      })();
      const ended = expect(reading).rejects.toThrow();
      write('left', 'x');
      stop.abort();
      await ended;
    });

    it('are told of when they start, stop and go', async () => {
      const id = make('watched');
      const told: string[] = [];
      const stop = new AbortController();
      const events = await engine.runtime().events(stop.signal);
      const reading = (async () => {
        for await (const event of events) if (event.id === id) told.push(event.kind);
      })().catch(() => {});
      await until(() => {
        if (told.length === 0) {
          turn('watched', false);
          turn('watched', true);
        }
        return told.includes('stopped');
      }, 'that it stopped');
      await until(() => told.includes('started'), 'that it started');
      engine.remove('watched');
      await until(() => told.includes('removed'), 'that it is gone');
      stop.abort();
      await reading;
    });

    it('are read but not controlled when the right to act is missing, and it is said which', async () => {
      const id = make('guarded');
      const whole = await engine.runtime().rights(signal);
      expect(whole).toMatchObject({ read: true, control: true, logs: true, stats: true, missing: [], hint: null });
      engine.forbidActs();
      const rights = await engine.runtime().rights(signal);
      expect(rights).toMatchObject({ read: true, control: false, logs: true });
      expect(rights.missing.length).toBeGreaterThan(0);
      expect(rights.hint).toContain(': ');
      await expect(engine.runtime().act(id, 'stop', 1, signal)).rejects.toThrow(NoRight);
      expect(await state(id)).toBe('running');
      engine.allowActs();
    });
  });
};
