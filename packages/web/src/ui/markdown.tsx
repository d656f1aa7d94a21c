import { lazy, Suspense } from 'react';
import { cx } from './class-names.ts';

const MarkdownBody = lazy(() => import('./markdown-body.tsx').then((module) => ({ default: module.MarkdownBody })));

/** Markdown that agents wrote: no HTML, no script links, no remote image before a press. The plain text stands in until the parser is there. */
export const Markdown = ({ text, className }: { text: string; className?: string }) => (
  <div dir="auto" className={cx('max-w-[72ch] text-14 leading-[1.6] break-words text-text', className)}>
    <Suspense
      fallback={
        <p data-unparsed className="whitespace-pre-wrap">
          {text}
        </p>
      }
    >
      <MarkdownBody text={text} />
    </Suspense>
  </div>
);
