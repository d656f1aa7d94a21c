import { type ReactNode, useId } from 'react';

interface SectionProps {
  title: string;
  /** What it decides, in a sentence. */
  lead?: ReactNode;
  children: ReactNode;
}

/** A part of a settings page: what it is at the left, the controls at the right. */
export const Section = ({ title, lead, children }: SectionProps) => {
  const id = useId();
  return (
    <section aria-labelledby={id} className="grid gap-x-10 gap-y-4 py-8 lg:grid-cols-[240px_minmax(0,1fr)]">
      <div>
        <h2 id={id} className="text-14 font-semibold">
          {title}
        </h2>
        {lead && <div className="mt-0.5 text-13 text-pretty text-text-2">{lead}</div>}
      </div>
      <div className="min-w-0">{children}</div>
    </section>
  );
};

/** The body below a page header that scrolls and holds sections. */
export const Sections = ({ children }: { children: ReactNode }) => (
  <div className="flex max-w-[1120px] flex-col divide-y divide-line px-4 pb-10 md:px-6">{children}</div>
);
