import { feedStream, type PublicEntry } from '@atrium/protocol';
import { fileUrl } from '../../data/client.ts';
import { reconnectDelay } from '../../data/reconnect-delay.ts';

/** Id of the event by which the stream tells an entry: what one has seen last. */
const eventIdOf = (entry: PublicEntry): string => `${entry.created_at}/${entry.id}`;

interface Following {
  tag: string | undefined;
  /** The newest entry that is known. */
  since: PublicEntry | null;
  onEntry: (entry: PublicEntry) => void;
  onLive: (live: boolean) => void;
}

/**
 * Follows new public entries until it is ended. A page that nobody looks at lets go of its stream, of which an address has
 * five. It comes back by itself rather than by the browser's own way, which would ask for what came since the page began.
 */
export const followFeed = ({ tag, since, onEntry, onLive }: Following): (() => void) => {
  let last = since === null ? undefined : eventIdOf(since);
  let attempts = 0;
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
    onLive(false);
  };
  const open = () => {
    if (source !== null || document.visibilityState === 'hidden') return;
    const opened = new EventSource(fileUrl(feedStream, { tag, since: last }));
    source = opened;
    opened.addEventListener('open', () => {
      attempts = 0;
      onLive(true);
    });
    opened.addEventListener('entry', ({ data, lastEventId }: MessageEvent<string>) => {
      last = lastEventId;
      onEntry(JSON.parse(data) as PublicEntry);
    });
    opened.addEventListener('error', () => {
      close();
      timer = setTimeout(open, reconnectDelay(attempts++, Math.random()));
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
    close();
  };
};
