import { type ScriptOutputPart, type ScriptRun, scriptRunsStream } from '@atrium/protocol';
import { useEffect, useState } from 'react';
import { fileUrl } from '../../data/client.ts';
import { reconnectDelay } from '../../data/reconnect-delay.ts';

/** Parts are drawn together: one by one a chatty script would keep the page from answering. */
const drawEveryMs = 120;

/** Colours of terminals say nothing here. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: this is what escape sequences begin with.
const escapes = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007]*\u0007|\r(?=\n)/g;
export const plainText = (text: string): string => text.replaceAll(escapes, '');

/** The output of a run while it comes. A stream that breaks goes on where it was. */
export const useRunOutput = (id: string) => {
  const [parts, setParts] = useState<readonly ScriptOutputPart[]>([]);
  const [run, setRun] = useState<ScriptRun | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let source: EventSource | null = null;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let draw: ReturnType<typeof setTimeout> | undefined;
    let attempts = 0;
    let last = 0;
    let over = false;
    let fresh: ScriptOutputPart[] = [];
    const flush = () => {
      draw = undefined;
      const arrived = fresh;
      fresh = [];
      setParts((before) => [...before, ...arrived]);
    };
    const open = () => {
      const opened = new EventSource(fileUrl(scriptRunsStream, { id, ...(last > 0 ? { since: String(last) } : {}) }));
      source = opened;
      opened.addEventListener('open', () => {
        attempts = 0;
        setFailed(false);
      });
      opened.addEventListener('output', ({ data }: MessageEvent<string>) => {
        const part = JSON.parse(data) as ScriptOutputPart;
        if (part.seq <= last) return;
        last = part.seq;
        fresh.push(part);
        draw ??= setTimeout(flush, drawEveryMs);
      });
      opened.addEventListener('state', ({ data }: MessageEvent<string>) => {
        const now = JSON.parse(data) as ScriptRun;
        over = now.ended_at !== null;
        setRun(now);
        if (over) opened.close();
      });
      opened.addEventListener('error', () => {
        opened.close();
        if (over) return;
        setFailed(attempts > 2);
        retry = setTimeout(open, reconnectDelay(attempts++, Math.random()));
      });
    };
    open();
    return () => {
      clearTimeout(retry);
      clearTimeout(draw);
      source?.close();
      setParts([]);
      setRun(null);
    };
  }, [id]);
  return { parts, run, failed };
};
