import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { usePhone } from '../../ui/media.ts';
import { PageHeader } from '../../ui/page-header.tsx';

/** Header of a settings page; on the phone it leads back to the list of pages. */
export const SettingsHeader = ({ title, action }: { title: string; action?: ReactNode }) => {
  const phone = usePhone();
  const navigate = useNavigate();
  return (
    <PageHeader
      title={title}
      action={action}
      {...(phone ? { back: { label: 'settings', onBack: () => void navigate({ to: '/settings' }) } } : {})}
    />
  );
};

/** A settings page: header and a body that scrolls. */
export const SettingsBody = ({
  title,
  action,
  children,
}: {
  title: string;
  action?: ReactNode;
  children: ReactNode;
}) => (
  <div className="min-h-0 flex-1 overflow-y-auto">
    <SettingsHeader title={title} action={action} />
    {children}
  </div>
);
