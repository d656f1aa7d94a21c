import { Skeleton, SkeletonRows } from '../ui/skeleton.tsx';

/** The frame before anybody is known to be signed in, in the shape of what comes. */
export const FrameSkeleton = () => (
  <div className="flex h-full bg-bg">
    <div className="hidden w-[232px] shrink-0 space-y-3 border-r border-line p-4 folded:w-16 md:block">
      <Skeleton className="h-8" />
      <Skeleton className="h-8" />
      <div className="space-y-3.5 pt-3">
        {['w-24', 'w-32', 'w-20', 'w-28', 'w-24'].map((width, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the shapes never move.
          <Skeleton key={index} className={`h-4 ${width} folded:w-8`} />
        ))}
      </div>
    </div>
    <div className="min-w-0 flex-1 bg-surface">
      <div className="flex h-14 items-center border-b border-line px-6">
        <Skeleton className="h-4 w-28" />
      </div>
      <SkeletonRows rows={9} tall />
    </div>
  </div>
);
