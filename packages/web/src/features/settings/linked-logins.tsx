import { authMethods, loginsBegin, loginsList, loginsRemove, type OutputOf } from '@atrium/protocol';
import { useState } from 'react';
import { LoadError } from '../../app/load-error.tsx';
import { useOperation, useOperationList, useOperationMutation } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/dialog.tsx';
import { RelativeTime } from '../../ui/relative-time.tsx';
import { SkeletonRows } from '../../ui/skeleton.tsx';
import { ProviderMark } from '../identity/provider-mark.tsx';

type Login = OutputOf<typeof loginsList>['items'][number];

/** Accounts elsewhere that sign the person in. */
export const LinkedLogins = () => {
  const list = useOperationList(loginsList, {});
  const methods = useOperation(authMethods, {});
  const [removing, setRemoving] = useState<Login | null>(null);
  const begin = useOperationMutation(loginsBegin, { onSuccess: ({ url }) => location.assign(url) });
  const remove = useOperationMutation(loginsRemove, {
    invalidates: ['logins.list'],
    done: () => 'The account is unlinked',
    onSuccess: () => setRemoving(null),
  });
  if (list.isPending || methods.isPending) return <SkeletonRows rows={1} tall />;
  if (list.error) return <LoadError error={list.error} retry={list.refetch} />;
  const providers = methods.data?.providers ?? [];
  return (
    <div className="flex flex-col items-start gap-3">
      {list.items.length > 0 && (
        <ul className="w-full divide-y divide-line rounded-card border border-line">
          {list.items.map((login) => (
            <li key={login.id} className="flex items-center gap-3 px-4 py-3">
              <ProviderMark name={login.provider.name} size={28} />
              <span className="min-w-0 flex-1">
                <span className="block text-14 font-medium">{login.provider.name}</span>
                <span className="block truncate text-13 text-text-2">
                  <bdi>{login.label}</bdi>
                  {' · '}
                  {login.last_used_at ? (
                    <>
                      used <RelativeTime time={login.last_used_at} />
                    </>
                  ) : (
                    <>
                      linked <RelativeTime time={login.created_at} />
                    </>
                  )}
                </span>
              </span>
              <Button
                size="small"
                tone="ghost"
                aria-label={`Unlink ${login.provider.name}`}
                onClick={() => setRemoving(login)}
              >
                Unlink
              </Button>
            </li>
          ))}
        </ul>
      )}
      {providers.length === 0 && list.items.length === 0 && (
        <p className="text-13 text-text-2">This server has no sign-in provider. Its operator adds them.</p>
      )}
      <div className="flex flex-wrap gap-2">
        {providers.map((provider) => (
          <Button
            key={provider.slug}
            size="small"
            icon={<ProviderMark name={provider.name} />}
            busy={begin.isPending && begin.variables.provider === provider.slug}
            onClick={() => begin.mutate({ provider: provider.slug })}
          >
            Link {provider.name}
          </Button>
        ))}
        {list.hasMore && (
          <Button size="small" tone="ghost" busy={list.loadingMore} onClick={list.loadMore}>
            Show more
          </Button>
        )}
      </div>
      <ConfirmDialog
        key={removing?.id}
        open={removing !== null}
        onOpenChange={(open) => !open && setRemoving(null)}
        title={`Unlink ${removing?.provider.name ?? 'the account'}`}
        verb="Unlink"
        busy={remove.isPending}
        onConfirm={() => removing && remove.mutate({ id: removing.id })}
      >
        {removing?.label} no longer signs you in here.
      </ConfirmDialog>
    </div>
  );
};
