import type { ReactNode } from 'react';
import { Wordmark } from '../../ui/atrium-mark.tsx';
import { usePageTitle } from '../../ui/page-header.tsx';
import { CourtScene } from './court-scene.tsx';

interface EntranceProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
  /** Below the form: the other way in. */
  foot?: ReactNode;
}

/** The pages before one is inside: the form at the left, the court at the right. */
export const Entrance = ({ title, lead, children, foot }: EntranceProps) => {
  usePageTitle(title);
  return (
    <div className="flex min-h-full bg-surface">
      <main className="flex min-h-full w-full flex-col px-6 sm:px-10 lg:w-[560px] lg:shrink-0 lg:px-16">
        <header className="pt-7 lg:pt-10">
          <Wordmark />
        </header>
        <div className="mx-auto flex w-full max-w-[400px] flex-1 flex-col justify-center py-10 lg:mx-0">
          <h1 className="text-28 font-semibold text-balance">{title}</h1>
          {lead && <div className="mt-2 text-14 text-pretty text-text-2">{lead}</div>}
          <div className="mt-7">{children}</div>
        </div>
        {foot && <footer className="mx-auto w-full max-w-[400px] pb-8 text-13 text-text-2 lg:mx-0">{foot}</footer>}
      </main>
      <aside aria-hidden className="relative hidden flex-1 overflow-hidden border-l border-line bg-bg lg:block">
        <CourtScene />
      </aside>
    </div>
  );
};
