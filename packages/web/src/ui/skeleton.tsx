import { cx } from './class-names.ts';

/** One grey shape. Give it the size of what comes. */
export const Skeleton = ({ className }: { className?: string }) => (
  <span aria-hidden className={cx('block animate-skeleton rounded-[4px] bg-active', className)} />
);

const widths = ['w-3/5', 'w-2/5', 'w-1/2', 'w-2/3', 'w-[45%]'];

/** Rows as of a list with mark, title, context and a state at the right. */
export const SkeletonRows = ({ rows = 7, tall = false }: { rows?: number; tall?: boolean }) => (
  <div role="status" aria-label="Loading">
    {Array.from({ length: rows }, (_, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the rows are alike.
      <div key={index} className={cx('flex items-center gap-3 border-b border-line px-4', tall ? 'h-16' : 'h-(--row)')}>
        <Skeleton className="size-6 shrink-0" />
        <span className="flex-1 space-y-2">
          <Skeleton className={cx('h-3', widths[index % widths.length])} />
          {tall && <Skeleton className="h-2.5 w-1/3" />}
        </span>
        <Skeleton className="h-3 w-12" />
      </div>
    ))}
  </div>
);

/** A title, paragraphs and a form, as of an item detail. */
export const SkeletonDetail = () => (
  <div role="status" aria-label="Loading" className="space-y-4 p-6">
    <Skeleton className="h-3 w-40" />
    <Skeleton className="h-6 w-4/5" />
    <div className="space-y-2 pt-2">
      <Skeleton className="h-3 w-full" />
      <Skeleton className="h-3 w-11/12" />
      <Skeleton className="h-3 w-3/5" />
    </div>
    <Skeleton className="h-9 w-full" />
    <Skeleton className="h-9 w-32" />
  </div>
);
