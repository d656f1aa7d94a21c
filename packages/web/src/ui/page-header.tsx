import { ChevronLeft } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { cx } from './class-names.ts';

/** Title of the browser tab while the component is mounted. */
export const usePageTitle = (title: string): void => {
  useEffect(() => {
    document.title = title === 'Atrium' ? title : `${title} · Atrium`;
  }, [title]);
};

interface PageHeaderProps {
  title: string;
  /** Beside the title: a count. */
  aside?: ReactNode;
  /** One line below the title, for pages that are read rather than worked. */
  lead?: ReactNode;
  /** The one primary action. */
  action?: ReactNode;
  /** View menu and the like, quiet icons. */
  tools?: ReactNode;
  /** Filter chips; the only second line there is. */
  filters?: ReactNode;
  /** Sections of one page, flush with the bottom line. */
  tabs?: ReactNode;
  /** Where the phone's back arrow leads. */
  back?: { label: string; onBack: () => void };
}

/** Title, one primary action, filter chips, view menu. Never two toolbars. */
export const PageHeader = ({ title, aside, lead, action, tools, filters, tabs, back }: PageHeaderProps) => {
  usePageTitle(title);
  return (
    <header className={cx('sticky top-0 z-20 shrink-0 bg-surface px-4 md:px-6', !lead && 'border-b border-line')}>
      <div className="flex min-h-14 items-center gap-2">
        {back && (
          <button
            type="button"
            aria-label={`Back to ${back.label}`}
            onClick={back.onBack}
            className="-ml-2 flex size-9 items-center justify-center rounded-control text-text-2 hover:bg-hover touch:size-11"
          >
            <ChevronLeft className="size-5" />
          </button>
        )}
        <h1 className="min-w-0 truncate text-16 font-semibold">{title}</h1>
        {aside && <div className="shrink-0 text-13 text-text-3">{aside}</div>}
        <div className="ml-auto flex items-center gap-1">
          {tools}
          {action && <div className="ml-1">{action}</div>}
        </div>
      </div>
      {lead && <p className="-mt-1 max-w-[72ch] pb-4 text-14 text-text-2">{lead}</p>}
      {tabs && <div className="-mx-4 overflow-x-auto px-4 [scrollbar-width:none] md:-mx-6 md:px-6">{tabs}</div>}
      {filters && (
        <div
          className={cx(
            '-mx-4 overflow-x-auto px-4 pb-2.5 [scrollbar-width:none] md:-mx-6 md:px-6',
            !!tabs && 'pt-2.5',
          )}
        >
          {filters}
        </div>
      )}
    </header>
  );
};
