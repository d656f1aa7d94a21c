import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ReadYaml } from './yaml-text.ts';

/** In characters. Parsing takes a second for a few megabytes; a thread takes some 30 ms to start. */
const largeText = 20_000;

/** Parses a large text in a thread of its own, because no request is answered while a text is parsed. */
export const readYaml = async (text: string): Promise<ReadYaml> => {
  // The parser takes 10 MB of memory, which a server without files need not spend.
  if (text.length < largeText) return (await import('./yaml-text.ts')).parseYaml(text);
  const thread = new Worker(new URL('./yaml-thread.ts', import.meta.url), { workerData: text, name: 'yaml' });
  const [read] = (await once(thread, 'message')) as [ReadYaml];
  return read;
};
