import { useNavigate } from '@tanstack/react-router';
import type { ComponentProps } from 'react';
import { usePhone } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';

type HeaderProps = Omit<ComponentProps<typeof PageHeader>, 'back' | 'tools'> & {
  /** A field at the right; below the title on the phone. */
  search?: { label: string; value: string; onChange: (text: string) => void };
  tools?: ComponentProps<typeof PageHeader>['tools'];
};

/** Header of a page below /server; on the phone it leads back to the list of pages. */
export const ServerHeader = ({ search, tools, filters, ...header }: HeaderProps) => {
  const phone = usePhone();
  const navigate = useNavigate();
  const field = search && <SearchField className="max-md:w-full" {...search} />;
  return (
    <PageHeader
      {...header}
      tools={
        <>
          {tools}
          {!phone && field}
        </>
      }
      filters={
        phone && field ? (
          <div className="flex flex-col gap-2">
            {field}
            {filters}
          </div>
        ) : (
          filters
        )
      }
      {...(phone ? { back: { label: 'server', onBack: () => void navigate({ to: '/server' }) } } : {})}
    />
  );
};
