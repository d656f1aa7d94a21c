import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { cx } from './class-names.ts';

interface SearchFieldProps {
  value: string;
  onChange: (value: string) => void;
  label: string;
  placeholder?: string;
  className?: string;
}

/** Narrows a list; reports when the typing pauses. */
export const SearchField = ({ value, onChange, label, placeholder = label, className }: SearchFieldProps) => {
  const [text, setText] = useState(value);
  const [sent, setSent] = useState(value);
  const [known, setKnown] = useState(value);
  // What the page itself sets ("Show all", an address) replaces the text; the echo of what was typed is older than it.
  if (value !== known) {
    setKnown(value);
    if (value !== sent) {
      setText(value);
      setSent(value);
    }
  }
  const report = useRef(onChange);
  useEffect(() => {
    report.current = onChange;
  });
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => {
      setSent(text);
      report.current(text);
    }, 180);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <span className={cx('relative inline-block w-56 shrink-0', className)}>
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-text-3"
      />
      <input
        type="search"
        aria-label={label}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="h-7 w-full rounded-full border border-line-strong bg-raised pr-7 pl-8 text-13 text-text outline-none transition-colors placeholder:text-text-3 hover:border-control focus-visible:border-focus focus-visible:shadow-[0_0_0_3px_color-mix(in_oklab,var(--focus)_26%,transparent)] touch:h-9 touch:text-16 [&::-webkit-search-cancel-button]:hidden"
      />
      {text && (
        <button
          type="button"
          aria-label="Clear search"
          onClick={() => setText('')}
          className="absolute top-1/2 right-1 flex size-6 -translate-y-1/2 items-center justify-center rounded-full text-text-3 hover:text-text touch:size-7"
        >
          <X className="size-3.5" />
        </button>
      )}
    </span>
  );
};
