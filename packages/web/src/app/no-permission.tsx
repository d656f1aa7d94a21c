import { EmptyState } from '../ui/empty-state.tsx';

/** What stands in place of a page that this person's role does not open. */
export const NoPermission = ({ what, permission }: { what: string; permission: string }) => (
  <EmptyState title={`Your role does not include ${what}`}>
    It needs the permission <code className="text-13 text-text">{permission}</code>. An Owner or Admin can give it to
    you.
  </EmptyState>
);
