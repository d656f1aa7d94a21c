import { SectionIndex, SectionLayout } from '../../app/section-layout.tsx';
import { signOut, useMe } from '../../data/session.ts';
import { Button } from '../../ui/button.tsx';
import { EmptyState } from '../../ui/empty-state.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { serverGroups, serverPages } from './server-pages.ts';

const section = {
  title: 'Server',
  groups: serverGroups.map((group) => [group, serverPages.filter((page) => page.group === group)] as const),
};

export const ServerLayout = () => (useMe().is_operator ? <SectionLayout {...section} /> : <OperatorsOnly />);

export const ServerIndex = () => <SectionIndex {...section} address="/server" />;

/** What stands in place of the section for everybody else, and for an operator whose sign-in is too old. */
const OperatorsOnly = () => (
  <>
    <PageHeader title="Server" />
    <EmptyState
      title="These pages are for people who run the server"
      action={<Button onClick={() => void signOut()}>Sign out and in again</Button>}
    >
      If you are one, your sign-in is older than twelve hours: sign in again to open them. Otherwise an operator can
      give you the right.
    </EmptyState>
  </>
);
