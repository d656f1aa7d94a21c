import { useEffect, useRef } from 'react';

/** Asks for the next page before the end of a list comes into view. */
export const EndOfList = ({ onReached, loading }: { onReached: () => void; loading: boolean }) => {
  const end = useRef<HTMLDivElement>(null);
  const reached = useRef(onReached);
  useEffect(() => {
    reached.current = onReached;
  });
  useEffect(() => {
    const watcher = new IntersectionObserver(([entry]) => entry?.isIntersecting && reached.current(), {
      rootMargin: '600px',
    });
    if (end.current) watcher.observe(end.current);
    return () => watcher.disconnect();
  }, []);
  return (
    <>
      <div ref={end} aria-hidden className="h-px" />
      {loading && <p className="h-11 animate-skeleton px-4 text-12 leading-11 text-text-3 md:px-6">Loading more</p>}
    </>
  );
};
