// biome-ignore-all lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from './button.tsx';
import { cx } from './class-names.ts';
import { toast } from './toast.tsx';

/** Copies text; `copied` is true for two seconds afterwards. */
export const useCopy = (): { copied: boolean; copy: (text: string) => Promise<void> } => {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return {
    copied,
    async copy(text) {
      try {
        await navigator.clipboard.writeText(text);
        setCopied(true);
      } catch {
        // Plain http on a LAN address has no clipboard: the text can still be selected by hand.
        toast({
          title: 'The browser did not allow copying',
          detail: 'Select the text and copy it by hand.',
          tone: 'danger',
        });
      }
    },
  };
};

export const CopyButton = ({ text, label = 'Copy' }: { text: string; label?: string }) => {
  const { copied, copy } = useCopy();
  return (
    <IconButton label={copied ? 'Copied' : label} size="small" onClick={() => copy(text)}>
      {copied ? <Check className="text-success-text" /> : <Copy />}
    </IconButton>
  );
};

/** One line to paste somewhere: scrolls sideways, never wraps, copies whole. */
export const CopyLine = ({
  text,
  prompt,
  label,
  className,
}: {
  text: string;
  prompt?: string;
  label?: string;
  className?: string;
}) => (
  <div
    className={cx(
      'flex h-10 items-center gap-1 rounded-control border border-line-strong bg-sunken pr-1 pl-3 touch:h-12',
      className,
    )}
  >
    <code
      tabIndex={0}
      className="min-w-0 flex-1 overflow-x-auto py-1 text-13 whitespace-nowrap text-text [scrollbar-width:none]"
    >
      {prompt && <span className="text-text-3 select-none">{prompt} </span>}
      {text}
    </code>
    <CopyButton text={text} label={label ?? 'Copy line'} />
  </div>
);
