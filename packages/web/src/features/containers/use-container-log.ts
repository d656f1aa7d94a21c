import type { LogLine } from '@atrium/protocol';
import { useEffect, useRef, useState } from 'react';
import { type LogMessage, onLogMessage, onReady, sendLive, useConnectionState } from '../../data/live.ts';

/** A line as it stands in the viewer; a note stands where something happened to the log itself. */
export interface ShownLine extends LogLine {
  key: number;
  note?: true;
}

/** More than anybody reads and less than a tab minds. */
const mostLines = 5000;
/** Lines of one moment are drawn together. */
const drawEveryMs = 100;
const firstLines = 500;

const pauses = {
  stopped: 'It stopped writing. What it writes after a start appears here.',
  unreachable: 'The engine does not answer. The log goes on when it is back.',
};

type Fresh = Omit<ShownLine, 'key'>;
const note = (text: string): Fresh => ({ at: null, stream: 'stdout', text, note: true });

/** The log of a container while it is written. Held, it goes on collecting; reconnected, it goes on where it was. */
export const useContainerLog = (id: string, held: boolean) => {
  const [lines, setLines] = useState<readonly ShownLine[]>([]);
  const [waiting, setWaiting] = useState(0);
  const [ended, setEnded] = useState<string | null>(null);
  const [opened, setOpened] = useState(false);
  const holding = useRef(held);
  const flush = useRef<() => void>(() => undefined);
  const connection = useConnectionState();
  useEffect(() => {
    holding.current = held;
    if (!held) flush.current();
  }, [held]);
  useEffect(() => {
    const stream = crypto.randomUUID();
    let fresh: Fresh[] = [];
    let count = 0;
    let since: string | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      if (holding.current) {
        setWaiting(fresh.length);
        return;
      }
      const arrived = fresh.map((line) => ({ ...line, key: count++ }));
      fresh = [];
      setWaiting(0);
      setLines((before) => [...before, ...arrived].slice(-mostLines));
    };
    flush.current = draw;
    const add = (...more: Fresh[]) => {
      fresh = [...fresh, ...more].slice(-mostLines);
      timer ??= setTimeout(draw, drawEveryMs);
    };
    const hear = (message: LogMessage) => {
      if (message.id !== stream) return;
      setOpened(true);
      if (message.type === 'logs.ended') setEnded(message.detail);
      else if (message.type === 'logs.paused') add(note(pauses[message.reason]));
      else {
        if (message.skipped > 0)
          add(note(`${message.skipped.toLocaleString('en')} lines left out: they came faster than they were read.`));
        since = message.lines.findLast(({ at }) => at !== null)?.at ?? since;
        add(...message.lines);
      }
    };
    const open = () =>
      sendLive({
        ...{ type: 'logs.open', id: stream, container_id: id, follow: true, timestamps: true },
        ...(since === null ? { tail: firstLines } : { tail: 1000, since }),
      });
    setLines([]);
    setEnded(null);
    setOpened(false);
    const ends = [onLogMessage(hear), onReady(open)];
    open();
    return () => {
      for (const end of ends) end();
      clearTimeout(timer);
      sendLive({ type: 'logs.close', id: stream });
    };
  }, [id]);
  return { lines, waiting, ended, opened, live: connection === 'live' && ended === null };
};
