import { describe, expect, it } from 'vitest';
import type { Channel } from './process-link.ts';
import { alone, FirstProcess, joinFirst } from './siblings.ts';

/** Two ends of a channel that copies what passes, as one between processes does. */
const channels = (): { first: Channel; other: Channel; cut: () => void } => {
  const ears: Record<'first' | 'other', ((message: unknown) => void)[]> = { first: [], other: [] };
  let open = true;
  const end = (own: 'first' | 'other', far: 'first' | 'other'): Channel => ({
    send: (message) => {
      if (!open) throw new Error('channel closed');
      const copy: unknown = JSON.parse(JSON.stringify(message));
      queueMicrotask(() => {
        for (const hear of ears[far]) hear(copy);
      });
    },
    onMessage: (hear) => void ears[own].push(hear),
  });
  const cut = () => {
    open = false;
  };
  return { first: end('first', 'other'), other: end('other', 'first'), cut };
};

const threeProcesses = () => {
  const first = new FirstProcess();
  const [a, b] = [channels(), channels()];
  const leave = { a: first.join(a.first), b: first.join(b.first) };
  const [second, third] = [joinFirst(a.other), joinFirst(b.other)];
  first.answer('name', () => 'first');
  second.answer('name', () => 'second');
  third.answer('name', async (question) => `third ${String(question)}`);
  return { first, second, third, leave, a, b };
};

describe('the processes of one server', () => {
  it('ask each other, whoever asks', async () => {
    const { first, second, third } = threeProcesses();
    expect(await first.ask('name', 1)).toEqual(['second', 'third 1']);
    expect(await second.ask('name', 2)).toEqual(['first', 'third 2']);
    expect(await third.ask('name', 3)).toEqual(['first', 'second']);
  });

  it('leave out one that fails, and one that does not know the question', async () => {
    const { first, second, third } = threeProcesses();
    second.answer('count', () => {
      throw new Error('broken');
    });
    first.answer('count', () => 1);
    expect(await third.ask('count', null)).toEqual([1]);
    expect(await first.ask('count', null)).toEqual([]);
  });

  it('go on without one that is gone', async () => {
    const { first, second, third, leave, a } = threeProcesses();
    a.cut();
    leave.a();
    expect(await first.ask('name', 1)).toEqual(['third 1']);
    expect(await third.ask('name', 1)).toEqual(['first']);
    expect(await second.ask('name', 1)).toEqual([]);
  });

  it('are none in a server of one process', async () => {
    expect(await alone.ask('name', 1)).toEqual([]);
  });
});
