import { type accessLog, accessTail, type OutputOf } from '@atrium/protocol';
import { useEffect, useRef, useState } from 'react';
import { fileUrl } from '../../data/client.ts';
import { reconnectDelay } from '../../data/reconnect-delay.ts';

export type AccessLine = OutputOf<typeof accessLog>['items'][number];

/** More than a screen holds and less than a tab minds; what falls out is still in the log. */
const mostLines = 1000;
/** Lines of a busy gateway are drawn together: one by one they would keep the page from answering. */
const drawEveryMs = 200;

/**
 * Lines while requests end. It lets go of its stream while nobody looks at the page, and comes back by itself. Paused, it
 * goes on counting what it holds back.
 */
export const useAccessTail = (app: string | undefined, paused: boolean) => {
  const [lines, setLines] = useState<readonly AccessLine[]>([]);
  const [held, setHeld] = useState<readonly AccessLine[]>([]);
  const [live, setLive] = useState(false);
  const pausing = useRef(paused);
  useEffect(() => {
    pausing.current = paused;
    if (paused) return;
    setHeld((waiting) => {
      if (waiting.length > 0) setLines((before) => [...waiting, ...before].slice(0, mostLines));
      return waiting.length > 0 ? [] : waiting;
    });
  }, [paused]);
  useEffect(() => {
    let source: EventSource | null = null;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let draw: ReturnType<typeof setTimeout> | undefined;
    let attempts = 0;
    let fresh: AccessLine[] = [];
    const flush = () => {
      draw = undefined;
      const arrived = fresh.toReversed();
      fresh = [];
      (pausing.current ? setHeld : setLines)((before) => [...arrived, ...before].slice(0, mostLines));
    };
    const close = () => {
      clearTimeout(retry);
      source?.close();
      source = null;
      setLive(false);
    };
    const open = () => {
      if (source !== null || document.visibilityState === 'hidden') return;
      const opened = new EventSource(fileUrl(accessTail, { app }));
      source = opened;
      opened.addEventListener('open', () => {
        attempts = 0;
        setLive(true);
      });
      opened.addEventListener('line', ({ data }: MessageEvent<string>) => {
        fresh.push(JSON.parse(data) as AccessLine);
        draw ??= setTimeout(flush, drawEveryMs);
      });
      opened.addEventListener('error', () => {
        close();
        retry = setTimeout(open, reconnectDelay(attempts++, Math.random()));
      });
    };
    const onVisible = () => {
      close();
      open();
    };
    document.addEventListener('visibilitychange', onVisible);
    open();
    return () => {
      document.removeEventListener('visibilitychange', onVisible);
      clearTimeout(draw);
      close();
      setLines([]);
      setHeld([]);
    };
  }, [app]);
  return { lines, held: held.length, live };
};
