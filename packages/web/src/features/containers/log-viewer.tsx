// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, Clock, Copy, Download, Pause, Play, WrapText } from 'lucide-react';
import { type KeyboardEvent, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { saveFile } from '../../data/client.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { cx } from '../../ui/class-names.ts';
import { useCopy } from '../../ui/copy-line.tsx';
import { useRemembered } from '../../ui/remembered.ts';
import { SearchField } from '../../ui/search-field.tsx';
import { type ShownLine, useContainerLog } from './use-container-log.ts';

const clock = (at: string): string =>
  new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
// biome-ignore lint/suspicious/noControlCharactersInRegex: the codes by which terminals colour their lines.
const colourCodes = /\u001b\[[0-9;?]*[A-Za-z]/g;
const plain = (text: string): string => text.replaceAll(colourCodes, '');
const written = (lines: readonly ShownLine[]): string =>
  lines
    .filter(({ note }) => !note)
    .map(({ at, text }) => `${at === null ? '' : `${at} `}${plain(text)}\n`)
    .join('');

/** What a container writes: follows the end until somebody scrolls away from it. */
export const LogViewer = ({ id, name }: { id: string; name: string }) => {
  const [held, setHeld] = useState(false);
  const [wrap, setWrap] = useRemembered('containers.log.wrap', false);
  const [times, setTimes] = useRemembered('containers.log.times', true);
  const [q, setQ] = useState('');
  const [atEnd, setAtEnd] = useState(true);
  const log = useContainerLog(id, held);
  const { copy } = useCopy();
  const scroller = useRef<HTMLElement>(null);
  const shown = useMemo(() => {
    const wanted = q.toLowerCase();
    return wanted === '' ? log.lines : log.lines.filter(({ text }) => text.toLowerCase().includes(wanted));
  }, [log.lines, q]);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 20,
    getItemKey: (index) => shown[index]!.key,
    overscan: 20,
  });
  const height = virtual.getTotalSize();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is measured later moves the end.
  useLayoutEffect(() => {
    if (atEnd && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [atEnd, shown, height]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
    setAtEnd(scrollHeight - scrollTop - clientHeight < 40);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'End' || event.key === 'f') setAtEnd(true);
    else if (event.key === 'w') setWrap(!wrap);
    else if (event.key === 't') setTimes(!times);
    else if (event.key === 'p') setHeld(!held);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <section aria-label={`Log of ${name}`} className="flex h-full min-h-0 flex-col">
      <div className="flex flex-wrap items-center gap-1.5 border-b border-line px-4 py-2 md:px-6">
        <SearchField label="Search the log" value={q} onChange={setQ} className="max-sm:w-full" />
        {q !== '' && <span className="tabular text-12 text-text-3">{shown.length} lines</span>}
        <span className="ml-auto flex items-center gap-0.5">
          <Badge dot tone={held ? 'warning' : log.live ? 'success' : 'neutral'} className="mr-2">
            {held
              ? log.waiting > 0
                ? `Held, ${log.waiting} new`
                : 'Held'
              : log.ended
                ? 'Ended'
                : log.live
                  ? 'Following'
                  : 'Connecting'}
          </Badge>
          <IconButton
            label={held ? 'Go on' : 'Hold still'}
            keys="p"
            size="small"
            aria-pressed={held}
            onClick={() => setHeld(!held)}
          >
            {held ? <Play /> : <Pause />}
          </IconButton>
          <IconButton
            label="Wrap lines"
            keys="w"
            size="small"
            aria-pressed={wrap}
            className={cx(wrap && 'bg-active text-text')}
            onClick={() => setWrap(!wrap)}
          >
            <WrapText />
          </IconButton>
          <IconButton
            label="Show times"
            keys="t"
            size="small"
            aria-pressed={times}
            className={cx(times && 'bg-active text-text')}
            onClick={() => setTimes(!times)}
          >
            <Clock />
          </IconButton>
          <IconButton label="Copy lines" size="small" onClick={() => void copy(written(shown))}>
            <Copy />
          </IconButton>
          <IconButton
            label="Download lines"
            size="small"
            onClick={() => saveFile(new Blob([written(shown)], { type: 'text/plain' }), `${name}.log`)}
          >
            <Download />
          </IconButton>
        </span>
      </div>
      <div className="relative min-h-0 flex-1">
        <section
          ref={scroller}
          aria-label="Lines"
          tabIndex={0}
          onScroll={onScroll}
          onKeyDown={onKeyDown}
          className="-outline-offset-2 h-full overflow-auto bg-sunken py-2 font-mono text-12 leading-5"
        >
          {shown.length === 0 ? (
            <p className="px-4 py-6 font-sans text-13 text-text-3 md:px-6">
              {log.ended ??
                (q !== ''
                  ? `No line has “${q}” in it.`
                  : log.opened || log.live
                    ? 'It has written nothing yet.'
                    : 'Opening the log.')}
            </p>
          ) : (
            <div className="relative" style={{ height }}>
              {virtual.getVirtualItems().map((item) => {
                const line = shown[item.index]!;
                return (
                  <div
                    key={item.key}
                    ref={virtual.measureElement}
                    data-index={item.index}
                    className={cx(
                      'absolute top-0 left-0 flex min-w-full gap-3 px-4 md:px-6',
                      wrap && 'w-full',
                      line.stream === 'stderr' && 'shadow-[inset_2px_0_0_var(--danger)]',
                    )}
                    style={{ transform: `translateY(${item.start}px)` }}
                  >
                    {line.note ? (
                      <span className="font-sans text-text-3 italic">{line.text}</span>
                    ) : (
                      <>
                        {times && line.at !== null && (
                          <time dateTime={line.at} className="tabular shrink-0 text-text-3 select-none">
                            {clock(line.at)}
                          </time>
                        )}
                        <span
                          className={cx('text-text', wrap ? 'min-w-0 break-all whitespace-pre-wrap' : 'whitespace-pre')}
                        >
                          <Marked text={plain(line.text)} q={q} />
                        </span>
                      </>
                    )}
                  </div>
                );
              })}
            </div>
          )}
        </section>
        {!atEnd && shown.length > 0 && (
          <Button
            size="small"
            className="absolute right-5 bottom-4 shadow-float"
            icon={<ArrowDown aria-hidden className="size-4" />}
            onClick={() => setAtEnd(true)}
          >
            Newest
          </Button>
        )}
      </div>
    </section>
  );
};

const Marked = ({ text, q }: { text: string; q: string }) => {
  if (q === '') return text || ' ';
  const at = text.toLowerCase().indexOf(q.toLowerCase());
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark className="rounded-[2px] bg-accent-soft text-text">{text.slice(at, at + q.length)}</mark>
      {text.slice(at + q.length)}
    </>
  );
};
