import { ArrowUpRight } from 'lucide-react';
import type { ReactNode } from 'react';
import { AtriumMark } from './atrium-mark.tsx';
import { CopyLine } from './copy-line.tsx';

interface EmptyStateProps {
  /** One sentence: what this is. */
  title: ReactNode;
  children?: ReactNode;
  /** One line to paste that makes the first one… */
  line?: { text: string; prompt?: string };
  /** …or one button. */
  action?: ReactNode;
  docs?: { href: string; label: string };
  /** A list that a filter emptied needs no lesson. */
  plain?: boolean;
}

/** Teaches the next step: one sentence, one line or button, one link. */
export const EmptyState = ({ title, children, line, action, docs, plain }: EmptyStateProps) => (
  <div className="mx-auto flex w-full max-w-[520px] flex-col items-center gap-4 px-5 py-14 text-center">
    {!plain && <AtriumMark size={32} className="text-text-3" />}
    <div>
      <p className="text-16 font-medium text-balance text-text">{title}</p>
      {children && <div className="mt-1 text-14 text-pretty text-text-2">{children}</div>}
    </div>
    {line && <CopyLine {...line} className="w-full text-left" />}
    {action}
    {docs && (
      <a
        href={docs.href}
        className="inline-flex items-center gap-1 rounded-control text-13 font-medium text-text-2 underline decoration-line-strong underline-offset-4 hover:text-text hover:decoration-current"
      >
        {docs.label}
        <ArrowUpRight aria-hidden className="size-3.5" />
      </a>
    )}
  </div>
);
